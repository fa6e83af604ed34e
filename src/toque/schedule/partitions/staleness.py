"""Staleness: whether what was made is still what would be made now, and if not, why.

A slice is stale when the code of its asset has another version than the one that made it, or when a slice that it is
made from became another one after it was made. A source that was made again with equal content has not changed, so
nothing behind it is stale. What is upstream of a source does not count: once the source is made anew, and became
another one, it does.

It does not see a source that changed between the moment at which it was read and the end of the attempt that read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from toque.graph.partitions import AllKeys, AnyMapping, AnyPartitioning, Matching, TimeWindows, TrailingWindows
from toque.schedule.partitions.keys import Known, keys
from toque.schedule.partitions.mapping import upstream_keys

NEVER = "never made"
CODE = "its code changed since"


class Standing(NamedTuple):
    """What is known of one slice."""

    made_us: int = 0
    """0: never."""
    changed_us: int = 0
    """When its content last became another one."""
    code_version: str = ""
    """That made it; "" when not known."""


class Source(NamedTuple):
    """An asset that another one is made from, with its slices by key."""

    asset: str
    mapping: AnyMapping
    partitions: AnyPartitioning | None
    slices: Mapping[str, Standing]


def why_stale(slice_: Standing | None, code_version: str, changes: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Each reason, for people; nothing for what is fresh. `changes`: each source, and when what is read of it changed.

    An unknown version of the code, on either side, is no reason."""
    if slice_ is None or not slice_.made_us:
        return (NEVER,)
    found = [CODE] if code_version and slice_.code_version not in ("", code_version) else []
    found += [f"{asset} changed since" for asset, at_us in changes if at_us > slice_.made_us]
    return tuple(dict.fromkeys(found))


def stale_slices(
    ours: AnyPartitioning | None,
    code_version: str,
    slices: Mapping[str, Standing],
    sources: Iterable[Source],
    known: Known,
) -> dict[str, tuple[str, ...]]:
    """Of the slices that were made, those that are stale, with the reasons."""
    changes = [(source.asset, _Changes(source, ours, known)) for source in sources]
    found = {}
    for key, each in slices.items():
        if each.made_us:
            reasons = why_stale(each, code_version, ((asset, of.behind(key)) for asset, of in changes))
            if reasons:
                found[key] = reasons
    return found


class _Changes:
    """When what a slice reads of one source last changed. Ten thousand slices are asked for at once, so what is the
    same for all of them is looked at once."""

    def __init__(self, source: Source, ours: AnyPartitioning | None, known: Known) -> None:
        self._source, self._ours, self._known = source, ours, known
        self._same = ours == source.partitions
        self._all: int | None = None
        self._order: list[str] | None = None
        self._places: dict[str, int] = {}

    def behind(self, key: str) -> int:
        mapping, theirs = self._source.mapping, self._source.partitions
        match mapping:
            case Matching() if self._same and theirs is not None:
                return self._changed(key)
            case TrailingWindows(count=count) if self._same and isinstance(theirs, TimeWindows):
                return self._trailing(key, count)
            case Matching() | TrailingWindows() if self._ours is not None:
                return self._of(upstream_keys(mapping, self._ours, theirs, key, self._known))
            case _:  # all our slices read the same
                if self._all is None:
                    every = isinstance(mapping, AllKeys) and theirs is not None
                    wanted = upstream_keys(mapping, self._ours, theirs, key, self._known) if not every else None
                    self._all = self._of(self._source.slices if wanted is None else wanted)
                return self._all

    def _trailing(self, key: str, count: int) -> int:
        if self._order is None:
            assert self._source.partitions is not None
            self._order = list(keys(self._source.partitions, self._known))
            self._places = {each: place for place, each in enumerate(self._order)}
        place = self._places.get(key, -1)
        return self._of(self._order[max(0, place - count + 1) : place + 1])

    def _of(self, wanted: Iterable[str]) -> int:
        return max(map(self._changed, wanted), default=0)

    def _changed(self, key: str) -> int:
        found = self._source.slices.get(key)
        return found.changed_us if found is not None else 0
