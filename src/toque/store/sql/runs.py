"""Runs, and what belongs to one: task runs, attempts, steps, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toque.engine.facts import AnyFact
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.states import RUN_TERMINAL, RunState, TaskState
from toque.errors import ToqueBug
from toque.ports.store import RunFilter, StoredRun, TaskFilter
from toque.store.sql import schema
from toque.store.sql.codec import pack_index, unpack_facts
from toque.store.sql.commit import ATTEMPT, RUN, STEP, TASK
from toque.store.sql.history import keeping
from toque.store.sql.session import Session

_RUN = ", ".join(RUN.names)
_TASK = ", ".join(TASK.names)
_ATTEMPT = ", ".join(ATTEMPT.names)
_STEP = ", ".join(STEP.names)


def create_run(session: Session, run: RunRow, dedup: str) -> str:
    """Insert `run`, or answer the id of the run that has the same `dedup`."""
    names = (*RUN.names, "dedup")
    inserted = session.rows(
        f"INSERT INTO runs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        " ON CONFLICT DO NOTHING RETURNING run_id",
        (*RUN.encode(run), dedup),
    )
    if inserted:
        keeping.created(session, [run])
        return run.run_id
    if dedup:
        found = session.rows("SELECT run_id FROM runs WHERE dedup = ? AND dedup <> ''", (dedup,))
        if found:
            return str(found[0][0])
    raise ToqueBug(f"the run id {run.run_id} was drawn twice")


def load_run(session: Session, run_id: str) -> StoredRun | None:
    """All rows of a run. `fact_seq` is that of the last stored fact, even if the run's row was written earlier."""
    found = session.rows(f"SELECT {_RUN} FROM runs WHERE run_id = ?", (run_id,))
    if not found:
        return None
    run = RUN.decode(found[0])
    last = session.rows(
        "SELECT first_seq + size - 1 FROM facts WHERE run_id = ? ORDER BY first_seq DESC LIMIT 1", (run_id,)
    )
    if last:
        run.fact_seq = max(run.fact_seq, last[0][0])
    tasks = session.rows(f"SELECT {_TASK} FROM tasks WHERE run_id = ? ORDER BY task, map_index", (run_id,))
    steps = session.rows(f"SELECT {_STEP} FROM steps WHERE run_id = ? ORDER BY task", (run_id,))
    return StoredRun(run=run, tasks=[*map(TASK.decode, tasks)], steps=[*map(STEP.decode, steps)])


def load_facts(session: Session, run_id: str, after_seq: int) -> list[tuple[int, AnyFact]]:
    """Facts after `after_seq`, numbered."""
    batches = session.rows(
        "SELECT first_seq, compressed, data FROM facts WHERE run_id = ? AND first_seq >= coalesce("
        "(SELECT max(first_seq) FROM facts WHERE run_id = ? AND first_seq <= ?), 0) ORDER BY first_seq",
        (run_id, run_id, after_seq + 1),
    )
    return [
        (seq, fact)
        for first, compressed, data in batches
        for seq, fact in enumerate(unpack_facts(bool(compressed), data), first)
        if seq > after_seq
    ]


def list_runs(session: Session, where: RunFilter) -> list[RunRow]:
    """Newest first. Each branch walks one index in order, so that a rare state costs no scan of the common ones."""
    conditions: list[str] = []
    parameters: list[Any] = []
    if where.pipeline:
        conditions.append("pipeline = ?")
        parameters.append(where.pipeline)
    if where.owner is not None:
        conditions.append("owner = ?")
        parameters.append(where.owner)
    if where.before:
        conditions.append("run_id < ?")
        parameters.append(where.before)
    branches: list[str] = []
    values: list[Any] = []
    states: Iterable[RunState | None] = dict.fromkeys(where.states) or (None,)
    for state in states:
        mine = [*conditions]
        if state is not None:
            mine.append("state = ?")
            if where.owner is not None and state not in RUN_TERMINAL:
                mine.append(schema.UNFINISHED)
        text = f" WHERE {' AND '.join(mine)}" if mine else ""
        branches.append(f"SELECT * FROM (SELECT {_RUN} FROM runs{text} ORDER BY run_id DESC LIMIT ?) AS branch")
        values += [*parameters, *([state.value] if state is not None else []), where.limit]
    text = " UNION ALL ".join(branches) + " ORDER BY run_id DESC LIMIT ?"
    return [*map(RUN.decode, session.rows(text, (*values, where.limit)))]


def list_tasks(session: Session, where: TaskFilter) -> list[TaskRow]:
    """By (task, map index)."""
    conditions = ["run_id = ?"]
    parameters: list[Any] = [where.run_id]
    if where.task:
        conditions.append("task = ?")
        parameters.append(where.task)
    if where.states:
        conditions.append(session.among("state"))
        parameters.append(session.listed(state.value for state in where.states))
        if schema.TROUBLED_STATES.issuperset(where.states):
            conditions.append(schema.TROUBLED)
    if where.after is not None:
        conditions.append("(task, map_index) > (?, ?)")
        parameters += [where.after[0], pack_index(where.after[1])]
    found = session.rows(
        f"SELECT {_TASK} FROM tasks WHERE {' AND '.join(conditions)} ORDER BY task, map_index LIMIT ?",
        (*parameters, where.limit),
    )
    return [*map(TASK.decode, found)]


def list_attempts(session: Session, run_id: str, task: str, map_index: tuple[int, ...]) -> list[AttemptRow]:
    """Earlier attempts of a task run, first to last."""
    found = session.rows(
        f"SELECT {_ATTEMPT} FROM attempts WHERE run_id = ? AND task = ? AND map_index = ? ORDER BY attempt",
        (run_id, task, pack_index(map_index)),
    )
    return [*map(ATTEMPT.decode, found)]


def count_tasks(session: Session, run_id: str) -> dict[str, dict[TaskState, int]]:
    """By task id and state."""
    counts: dict[str, dict[TaskState, int]] = {}
    for task, state, count in session.rows(
        "SELECT task, state, count(*) FROM tasks WHERE run_id = ? GROUP BY task, state ORDER BY task, state", (run_id,)
    ):
        counts.setdefault(task, {})[TaskState(state)] = count
    return counts


def holders(session: Session) -> list[str]:
    """Instances that own unfinished runs or hold slots."""
    found = session.rows(
        f"SELECT DISTINCT owner FROM runs WHERE {schema.UNFINISHED} AND owner <> ''"
        " UNION SELECT DISTINCT instance FROM holds ORDER BY 1"
    )
    return [row[0] for row in found]


def adopt(session: Session, instance: str, from_instances: Sequence[str], limit: int) -> list[str]:
    """Make `instance` the owner of unfinished runs of the given instances or of nobody, oldest first."""
    gone = [name for name in dict.fromkeys(from_instances) if name not in ("", instance)]
    found = session.rows(
        f"SELECT run_id FROM runs WHERE {schema.UNFINISHED} AND {session.among('owner')}"
        f" ORDER BY run_id LIMIT ?{session.lock_rows}",
        (session.listed(["", *gone]), limit),
    )
    runs = [row[0] for row in found]
    if runs:
        session.run(f"UPDATE runs SET owner = ? WHERE {session.among('run_id')}", (instance, session.listed(runs)))
        session.run(f"UPDATE holds SET instance = ? WHERE {session.among('holder')}", (instance, session.listed(runs)))
    if gone:
        session.run(f"DELETE FROM holds WHERE {session.among('instance')}", (session.listed(gone),))
    return runs
