"""Runs of several partitions at once: a backfill may make a week of days in one go.

Such a run has the first and the last key as its partition, `2026-01-01..2026-01-07`. No key holds `..`, so that nothing
else can look like that. Ranges are of windows of time and of static keys: only those have neighbours that stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, StaticKeys, TimeWindows
from toque.schedule.partitions import windows
from toque.schedule.partitions.keys import check_key, parts

_RANGES: Final = re.compile(r"ranges\((\d{1,6})\)")


class Strategy(NamedTuple):
    """How the partitions of a plan become runs."""

    size: int
    """Partitions of a run at most; 1: a run for each, 0: as many as lie side by side."""

    @property
    def is_per_key(self) -> bool:
        """Every asset can be made so."""
        return self.size == 1


def read_strategy(text: str) -> Strategy:
    """`per_key`, `ranges(7)` or `single_run`. Raises `UserError`."""
    if text in ("", "per_key"):
        return Strategy(1)
    if text == "single_run":
        return Strategy(0)
    found = _RANGES.fullmatch(text)
    if found is None or int(found[1]) < 2:
        raise UserError(f"{text!r} is no way to make partitions.", fix="per_key, ranges(7) or single_run")
    return Strategy(int(found[1]))


def grouped(partitioning: AnyPartitioning, chosen: Sequence[str], strategy: Strategy) -> list[tuple[str, int]]:
    """The partition of each run that makes the `chosen` keys (in their order), and how many it holds.

    A run is of keys that lie side by side: a gap begins another one. Raises `UserError`."""
    if strategy.is_per_key:
        return [(key, 1) for key in chosen]
    found: list[list[str]] = []
    for key in chosen:
        last = found[-1] if found else []
        if last and (not strategy.size or len(last) < strategy.size) and _behind(partitioning, last[-1]) == key:
            last.append(key)
        else:
            found.append([key])
    return [(group[0] if len(group) == 1 else f"{group[0]}..{group[-1]}", len(group)) for group in found]


def keys_of(partitioning: AnyPartitioning | None, partition: str) -> tuple[str, ...]:
    """The keys that a run is of: one, or each of a range. Raises `UserError` for what names none."""
    if partitioning is None:
        return ("",)
    first, dots, last = partition.partition("..")
    if not dots:
        return (partition,)
    for key in (first, last):
        check_key(partitioning, key)
    if isinstance(partitioning, TimeWindows):
        return tuple(windows.walk(partitioning, first, last))
    if isinstance(partitioning, StaticKeys):
        return partitioning.keys[partitioning.keys.index(first) : partitioning.keys.index(last) + 1]
    raise _no_ranges()


def span_of(partitioning: AnyPartitioning | None, partition: str) -> tuple[int, int]:
    """Start and end of the time that a run of it is about, in microseconds; (0, 0) where that has no time."""
    if partitioning is None:
        return 0, 0
    spans = [
        windows.span(dimension, part)
        for key in dict.fromkeys(_ends(partition))
        for dimension, part in parts(partitioning, key)
        if isinstance(dimension, TimeWindows)
    ]
    return (spans[0][0], spans[-1][1]) if spans else (0, 0)


def _ends(partition: str) -> Iterator[str]:
    first, dots, last = partition.partition("..")
    yield first
    if dots:
        yield last


def _behind(partitioning: AnyPartitioning, key: str) -> str:
    match partitioning:
        case TimeWindows(every=every):
            return windows.key_at(every, windows.later(every, windows.begin(every, key)))
        case StaticKeys(keys=keys):
            return dict(pairwise(keys)).get(key, "")
        case _:
            raise _no_ranges()


def _no_ranges() -> UserError:
    return UserError(
        "Only windows of time and static keys have ranges.", fix="per_key: each partition has a run of its own"
    )
