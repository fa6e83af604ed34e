"""What a run's tasks came to, in one row: names, a character for the worst state of each, and counts and times.

Written once, when the run has ended. The names lie apart from the rest since all runs of one version have the same
ones: a grid decodes them once. Counts and times lie apart since a grid does not look at them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from toque.engine.states import TaskState
from toque.ports.pages import CELLS, NodeCounts, worst_state
from toque.store.sql.session import Session

_STATES = {cell: state for state, cell in CELLS.items()}
_BY_TASK_AND_STATE = (
    "SELECT task, state, count(*), min(nullif(ready_us, 0)), min(nullif(started_us, 0)), max(finished_us)"
    " FROM tasks WHERE run_id = ? GROUP BY task, state ORDER BY task, state"
)


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """Of one run. Columns and not rows, since numbers of ten thousand tasks are decoded in no time that way."""

    names: bytes
    """msgpack of the task ids, sorted."""
    cells: str
    """The worst state of each."""
    numbers: bytes
    """msgpack of `_Numbers`."""

    def nodes(self) -> list[NodeCounts]:
        """By task."""
        numbers = _decode_numbers(self.numbers)
        times = ([t and t - 1 + numbers.base_us for t in column] for column in numbers.times)
        nodes = [
            NodeCounts(task=task, counts={_STATES[cell]: 1}, ready_us=ready, started_us=started, finished_us=finished)
            for task, cell, ready, started, finished in zip(_decode_names(self.names), self.cells, *times, strict=True)
        ]
        for position, counts in numbers.several.items():
            nodes[position].counts.clear()
            nodes[position].counts.update({_STATES[cell]: count for cell, count in counts.items()})
        return nodes


class _Numbers(msgspec.Struct, frozen=True, array_like=True):
    """A column for each of the three times, and counts where there is more than one task run."""

    base_us: int
    times: tuple[list[int], list[int], list[int]]
    """Ready, started, finished: microseconds from the base, and one; 0 for none."""
    several: dict[int, dict[str, int]]
    """By position, then by the character of the state."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Summary).decode
_decode_names = msgspec.msgpack.Decoder(list[str]).decode
_decode_numbers = msgspec.msgpack.Decoder(_Numbers).decode


def pack(nodes: Sequence[NodeCounts]) -> bytes:
    """As it is stored."""
    return zlib.compress(_encode(_summary(nodes)), 1)


def unpack(data: bytes) -> Summary:
    """What `pack` was given."""
    return _decode(zlib.decompress(data))


def names_of(summary: Summary) -> list[str]:
    """Its task ids, sorted."""
    return _decode_names(summary.names)


def count(session: Session, run_id: str) -> list[NodeCounts]:
    """Counts and times as they are in the table of task runs: reads all those of the run."""
    found: Iterable[Any] = session.rows(_BY_TASK_AND_STATE, (run_id,))
    return [*_counted(found)]


def _counted(found: Iterable[Any]) -> Iterator[NodeCounts]:
    for task, rows in groupby(found, key=itemgetter(0)):
        parts = [*rows]
        yield NodeCounts(
            task=task,
            counts={TaskState(state): n for _, state, n, *_ in parts},
            ready_us=min((part[3] for part in parts if part[3]), default=0),
            started_us=min((part[4] for part in parts if part[4]), default=0),
            finished_us=max(part[5] for part in parts),
        )


def load(session: Session, run_ids: Sequence[str]) -> dict[str, Summary]:
    """Of each of these runs: as written at its end, or counted now."""
    found = session.rows(
        f"SELECT run_id, data FROM run_summaries WHERE {session.among('run_id')}", (session.listed(run_ids),)
    )
    stored = {run_id: unpack(data) for run_id, data in found}
    return {run_id: stored.get(run_id) or _summary(count(session, run_id)) for run_id in run_ids}


def nodes(session: Session, run_id: str) -> list[NodeCounts]:
    """See `History.nodes`."""
    found = session.rows("SELECT data FROM run_summaries WHERE run_id = ?", (run_id,))
    return unpack(found[0][0]).nodes() if found else count(session, run_id)


def glance(nodes: Sequence[NodeCounts]) -> Summary:
    """Names and worst states, which is all that a grid looks at."""
    return Summary(
        names=_encode([node.task for node in nodes]),
        cells="".join([CELLS[worst_state(node.counts)] for node in nodes]),
        numbers=b"",
    )


def _summary(nodes: Sequence[NodeCounts]) -> Summary:
    columns = tuple([getattr(node, name) for node in nodes] for name in ("ready_us", "started_us", "finished_us"))
    base_us = min((t for column in columns for t in column if t), default=0)
    ready, started, finished = ([t and t - base_us + 1 for t in column] for column in columns)
    several = {
        position: {CELLS[state]: count for state, count in node.counts.items()}
        for position, node in enumerate(nodes)
        if node.total > 1
    }
    numbers = _encode(_Numbers(base_us=base_us, times=(ready, started, finished), several=several))
    return msgspec.structs.replace(glance(nodes), numbers=numbers)
