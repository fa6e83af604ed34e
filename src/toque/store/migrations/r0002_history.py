"""Part of revision 0002: columns and sums that pages read, filled from the runs that are there.

Like every revision it repeats what it needs: how rows are packed may change later, what this wrote may not.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import msgspec
import sqlalchemy as sa

_CELLS = {
    "failed": "f",
    "upstream_failed": "u",
    "cancelled": "c",
    "retrying": "t",
    "running": "R",
    "dispatched": "d",
    "deferred": "D",
    "ready": "r",
    "waiting": "w",
    "succeeded": "s",
    "skipped": "k",
}
"""The worst state first."""
_TERMINAL = ("cancelled", "failed", "succeeded")
_QUARTER_US = 900_000_000
_RUNS = sa.text(
    "SELECT run_id, pipeline, state, created_us, logical_us, rest FROM runs WHERE run_id > :after"
    " ORDER BY run_id LIMIT 500"
)
_COUNTS = sa.text(
    "SELECT task, state, count(*), min(nullif(ready_us, 0)), min(nullif(started_us, 0)), max(finished_us)"
    " FROM tasks WHERE run_id = :run_id GROUP BY task, state ORDER BY task, state"
)
_TRIGGER = sa.text("UPDATE runs SET trigger = :trigger WHERE run_id = :run_id")
_SCALARS = frozenset({"date", "datetime", "time", "Decimal", "UUID", "Path", "enum"})
_WORD = sa.text("INSERT INTO run_words (word, run_id) VALUES (:word, :run_id)")
_SUMMARY = sa.text("INSERT INTO run_summaries (run_id, tasks, data) VALUES (:run_id, :tasks, :data)")
_COUNT = sa.text(
    "INSERT INTO run_counts (pipeline, at_us, state, runs, tasks) VALUES (:pipeline, :at_us, :state, :runs, :tasks)"
)


def fill(connection: sa.Connection) -> None:
    """Give every run its trigger and its words, every ended one its summary, and count them."""
    counts: dict[tuple[str, int, str], list[int]] = {}
    after = ""
    while chunk := connection.execute(_RUNS, {"after": after}).fetchall():
        after = chunk[-1][0]
        triggers, words, summaries = [], [], []
        for run_id, pipeline, state, created_us, logical_us, packed in chunk:
            rest = msgspec.msgpack.decode(_unpacked(bytes(packed)))
            if rest.get("trigger", "manual") != "manual":
                triggers.append({"run_id": run_id, "trigger": rest["trigger"]})
            words += [{"word": word, "run_id": run_id} for word in _words(pipeline, rest.get("parameters", {}))]
            if state in _TERMINAL:
                tasks, data = _summary(connection.execute(_COUNTS, {"run_id": run_id}))
                summaries.append({"run_id": run_id, "tasks": tasks, "data": data})
                at_us = logical_us or created_us
                for quarter_us in (-1, at_us - at_us % _QUARTER_US):
                    count = counts.setdefault((pipeline, quarter_us, state), [0, 0])
                    count[0] += 1
                    count[1] += tasks
        for statement, rows in ((_TRIGGER, triggers), (_WORD, words), (_SUMMARY, summaries)):
            if rows:
                connection.execute(statement, rows)
    if counts:
        rows = [
            {"pipeline": pipeline, "at_us": at_us, "state": state, "runs": runs_, "tasks": tasks}
            for (pipeline, at_us, state), (runs_, tasks) in counts.items()
        ]
        connection.execute(_COUNT, rows)


def _unpacked(data: bytes) -> bytes:
    return zlib.decompress(data) if data[:1] == b"\x78" else data


def _summary(found: Iterable[Any]) -> tuple[int, bytes]:
    names: list[str] = []
    cells: list[str] = []
    times: list[tuple[int, int, int]] = []
    several: dict[int, dict[str, int]] = {}
    total = 0
    for task, rows in groupby(found, key=lambda row: row[0]):
        parts = [*rows]
        counts = {_CELLS[state]: n for _, state, n, *_ in parts}
        if sum(counts.values()) > 1:
            several[len(names)] = counts
        names.append(task)
        cells.append(next(cell for cell in _CELLS.values() if cell in counts))
        ready_us = min((part[3] for part in parts if part[3]), default=0)
        started_us = min((part[4] for part in parts if part[4]), default=0)
        times.append((ready_us, started_us, max(part[5] for part in parts)))
        total += sum(counts.values())
    base_us = min((t for row in times for t in row if t), default=0)
    columns = [[row[at] and row[at] - base_us + 1 for row in times] for at in range(3)]
    encode = msgspec.msgpack.encode
    data = encode((encode(names), "".join(cells), encode((base_us, columns, several))))
    return total, zlib.compress(data, 1)


def _words(pipeline: str, parameters: dict[str, Any]) -> Iterator[str]:
    found = [pipeline]
    for name, value in parameters.items():
        if isinstance(value, dict):
            is_scalar = value.get("$") in _SCALARS and isinstance(value.get("v"), str)
            text = value["v"] if is_scalar else None
        elif isinstance(value, bool):
            text = "true" if value else "false"
        else:
            text = str(value) if isinstance(value, str | int | float) else None
        if text is not None:
            found += [text, f"{name}={text}"]
    words = dict.fromkeys(text.lower().replace("\0", "")[:64].strip() for text in found)
    return islice(filter(None, words), 32)
