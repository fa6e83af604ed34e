"""Which slices of an upstream asset one slice of a downstream asset reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from toque.errors import UserError
from toque.graph.partitions import (
    AllKeys,
    AnyMapping,
    AnyPartitioning,
    Dimension,
    FixedKeys,
    Grid,
    LastKey,
    Matching,
    TimeWindows,
    TrailingWindows,
)
from toque.schedule.partitions import windows
from toque.schedule.partitions.keys import Known, has_key, keys, parts, windows_of


def upstream_keys(
    mapping: AnyMapping, ours: AnyPartitioning | None, theirs: AnyPartitioning | None, key: str, known: Known
) -> tuple[str, ...]:
    """The slices of `theirs` that the slice `key` of `ours` reads, in order; `("",)` is the whole of an asset that has
    none. Raises `UserError` where the two have nothing in common."""
    if theirs is None:
        return ("",)
    match mapping:
        case AllKeys():
            return tuple(keys(theirs, known))
        case LastKey():
            return tuple(keys(theirs, known)[-1:])
        case FixedKeys(keys=fixed):
            return fixed
        case TrailingWindows(count=count):
            return _trailing(count, ours, theirs, key, known)
        case Matching():
            return tuple(keys(theirs, known)) if ours is None else _matching(ours, theirs, key, known)
        case _:
            assert_never(mapping)


def check_mapping(mapping: AnyMapping, ours: AnyPartitioning | None, theirs: AnyPartitioning | None) -> None:
    """Raises `UserError` for a mapping that could never find a slice."""
    if isinstance(mapping, FixedKeys) and theirs is not None:
        return
    if isinstance(mapping, TrailingWindows):
        if ours is None or theirs is None or windows_of(ours) is None or windows_of(theirs) is None:
            raise UserError(
                "Trailing windows need windows of time on both sides.", fix="partitions=Daily(…) on both assets"
            )
        if mapping.count < 1:
            raise UserError(f"Trailing({mapping.count}) reads nothing.", fix="1 or more")
    is_cut = ours is not None and theirs is not None and not isinstance(theirs, Grid)
    if isinstance(mapping, Matching) and is_cut and _partner(ours, theirs) is None:  # type: ignore[arg-type]
        raise UserError(
            "The partitions of the two assets have nothing in common.",
            fix="use(asset, AllPartitions()), LastPartition() or FixedPartitions([…]) says which ones are read",
        )


def _matching(ours: AnyPartitioning, theirs: AnyPartitioning, key: str, known: Known) -> tuple[str, ...]:
    found = [_matching_part(ours, dimension, key, known) for dimension in _dimensions(theirs)]
    combined = found[0] if len(found) == 1 else [f"{row}|{column}" for row in found[0] for column in found[1]]
    return tuple(each for each in combined if has_key(theirs, each, known))


def _matching_part(ours: AnyPartitioning, dimension: Dimension, key: str, known: Known) -> Sequence[str]:
    partner = _partner(ours, dimension)
    if partner is None:
        return keys(dimension, known)  # a dimension that we do not have: all of it
    mine = next(part for each, part in parts(ours, key) if each == partner)
    if isinstance(partner, TimeWindows) and isinstance(dimension, TimeWindows):
        return _overlapping(partner, dimension, mine)
    return (mine,)


def _overlapping(ours: TimeWindows, theirs: TimeWindows, key: str) -> Sequence[str]:
    """Their windows that share time with ours: one for a coarser one, those within for finer ones."""
    if (ours.every, ours.tz) == (theirs.every, theirs.tz):
        return (key,)
    start = windows.begin(ours.every, key)
    end = windows.later("hour", windows.later(ours.every, start), -1)
    return list(windows.walk(theirs, windows.key_at(theirs.every, start), windows.key_at(theirs.every, end)))


def _trailing(
    count: int, ours: AnyPartitioning | None, theirs: AnyPartitioning, key: str, known: Known
) -> tuple[str, ...]:
    assert ours is not None
    mine, other = windows_of(ours), windows_of(theirs)
    assert mine is not None
    assert other is not None
    part = next(part for each, part in parts(ours, key) if each == mine)
    last = _overlapping(mine, other, part)[-1]
    first = windows.key_at(other.every, windows.later(other.every, windows.begin(other.every, last), 1 - count))
    found = list(windows.walk(other, first, last))
    if isinstance(theirs, Grid):
        rest = [
            list(found) if dimension is other else _matching_part(ours, dimension, key, known)
            for dimension in _dimensions(theirs)
        ]
        found = [f"{row}|{column}" for row in rest[0] for column in rest[1]]
    return tuple(each for each in found if has_key(theirs, each, known))


def _dimensions(partitioning: AnyPartitioning) -> tuple[Dimension, ...]:
    return (partitioning.rows, partitioning.columns) if isinstance(partitioning, Grid) else (partitioning,)


def _partner(ours: AnyPartitioning, dimension: Dimension) -> Dimension | None:
    """Our dimension that a dimension of theirs goes with. None: we have none like it, and read all of it."""
    for mine in _dimensions(ours):
        if mine == dimension or (isinstance(mine, TimeWindows) and isinstance(dimension, TimeWindows)):
            return mine
    return None
