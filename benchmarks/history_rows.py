"""A history made quickly: rows of ended runs as the store's own codecs write them, inserted in bulk."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toque.engine.rows import RunRow, TaskRow
from toque.engine.run_ids import base32, first_run_id
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo, MapIndex, Token, ValueRef
from toque.ports.store import Store
from toque.store.sql import schema
from toque.store.sql.codec import pack_index
from toque.store.sql.commit import RUN, TASK
from toque.store.sql.history import keeping
from toque.store.sql.session import Session
from toque.store.sql.store import SqlStore

TASK_US = 2_400_000
"""How long a task took, about."""
CHUNK = 50_000
"""Task runs that are inserted at once."""
FAILING = 17
"""Each run of this number fails at one task; some others are cancelled."""

_RESULT = ValueRef(codec="json", inline=b'{"rows": 123456, "path": "out/part-000123.parquet"}', size_bytes=51)
_ERROR = ErrorInfo(
    kind="transient", type="requests.exceptions.ConnectionError", message="airports.example: connection reset by peer"
)
_ROWS: dict[TaskState, dict[str, Any]] = {
    TaskState.SUCCEEDED: {"result": _RESULT, "attempt": 1, "token": Token(3, 4711)},
    TaskState.FAILED: {"error": _ERROR, "attempt": 3, "retries": 2, "token": Token(3, 4712)},
    TaskState.UPSTREAM_FAILED: {"reason": "an upstream task failed"},
    TaskState.CANCELLED: {"reason": "cancelled by ann"},
}


@dataclass(frozen=True)
class Kind:
    """Runs of one pipeline."""

    pipeline: str
    version: str
    tasks: Sequence[tuple[str, MapIndex]]
    """The task runs of each."""
    runs: int
    map_size: int = -1
    """Of the tasks whose id ends with `[]`."""


async def fill(store: Store, kinds: Sequence[Kind], *, now_us: int, days: int = 120, seed: int = 1) -> int:
    """Write the runs of these kinds, spread evenly over the days before `now_us`; returns the number of task runs."""
    if not isinstance(store, SqlStore):
        raise TypeError(f"a history is written to a database, and {store.kind} is none")
    written = 0
    waiting: list[RunRow] = []
    rows: list[tuple[Any, ...]] = []
    draw = random.Random(seed)
    for run, kind in _runs(kinds, now_us, days, draw):
        waiting.append(run)
        rows += _task_rows(run, kind, draw)
        if len(rows) >= CHUNK:
            written += await _write(store, waiting, rows)
    return written + await _write(store, waiting, rows)


async def _write(store: SqlStore, runs: list[RunRow], rows: list[tuple[Any, ...]]) -> int:
    def write(session: Session) -> None:
        session.insert(schema.RUNS, RUN.names, map(RUN.encode, runs))
        for at in range(0, len(rows), CHUNK):
            session.insert(schema.TASKS, TASK.names, rows[at : at + CHUNK])
        keeping.created(session, runs)

    await store._database.write(write)
    count = len(rows)
    runs.clear()
    rows.clear()
    return count


def _runs(kinds: Sequence[Kind], now_us: int, days: int, draw: random.Random) -> Iterator[tuple[RunRow, Kind]]:
    """Oldest first."""
    span_us = days * 86_400_000_000
    ends = []
    for place, kind in enumerate(kinds):
        step_us = span_us // kind.runs
        ends += [(now_us - n * step_us - place * 61_000_000 - 60_000_000, n, place, kind) for n in range(kind.runs)]
    for finished_us, n, place, kind in sorted(ends, key=lambda end: end[0]):
        state = _state(n + 8 * place)
        took_us = min(len(kind.tasks), 40) * TASK_US + draw.randrange(20_000_000)
        created_us = finished_us - took_us - draw.randrange(100_000, 3_000_000)
        logical_us = created_us - created_us % 3_600_000_000
        run = RunRow(
            run_id=first_run_id(created_us) + base32(draw.getrandbits(45), 9),
            pipeline=kind.pipeline,
            version=kind.version,
            state=state,
            parameters={"airport": draw.choice(("EWR", "JFK", "LGA")), "year": draw.choice((2012, 2013))},
            created_us=created_us,
            started_us=finished_us - took_us,
            finished_us=finished_us,
            trigger="manual" if n % 9 == 0 else "schedule",
            actor="ann" if n % 9 == 0 else "",
            logical_us=logical_us,
            interval_start_us=logical_us - 3_600_000_000,
            interval_end_us=logical_us,
            error=_ERROR if state is RunState.FAILED else None,
            fact_seq=4 * len(kind.tasks),
        )
        yield run, kind


def _state(n: int) -> RunState:
    if n % FAILING == FAILING - 1:
        return RunState.FAILED
    return RunState.CANCELLED if n % 61 == 60 else RunState.SUCCEEDED


def _task_rows(run: RunRow, kind: Kind, draw: random.Random) -> Iterator[tuple[Any, ...]]:
    """Task runs in waves: each begins when the one before it has ended."""
    state_of = {
        RunState.FAILED: (TaskState.FAILED, TaskState.UPSTREAM_FAILED),
        RunState.CANCELLED: (TaskState.CANCELLED, TaskState.CANCELLED),
    }.get(run.state)
    breaks_at = draw.randrange(len(kind.tasks)) if state_of else len(kind.tasks)
    templates = {state: TASK.encode(_template(run, state, -1)) for state in _ROWS}
    opened = TASK.encode(_template(run, TaskState.SUCCEEDED, kind.map_size))
    at = {name: place for place, name in enumerate(TASK.names)}
    wave_us = (run.finished_us - run.started_us) // max(1, min(len(kind.tasks), 40))
    per_wave = max(1, -(-len(kind.tasks) // 40))
    for n, (task, index) in enumerate(kind.tasks):
        if state_of is None or n < breaks_at:
            state = TaskState.SUCCEEDED
        else:
            state = state_of[0] if n == breaks_at else state_of[1]
        values = [*(opened if task.endswith("[]") else templates[state])]
        values[at["task"]] = task
        values[at["map_index"]] = pack_index(index)
        begin_us = run.started_us + n // per_wave * wave_us
        if state is not TaskState.UPSTREAM_FAILED:
            values[at["ready_us"]] = begin_us
            values[at["dispatched_us"]] = begin_us + 900
            values[at["started_us"]] = begin_us + 1_500
        values[at["finished_us"]] = begin_us + wave_us * (60 + n % 40) // 100
        yield tuple(values)


def _template(run: RunRow, state: TaskState, size: int) -> TaskRow:
    return TaskRow(run_id=run.run_id, task="", state=state, worker="cook:4711", size=size, **_ROWS[state])
