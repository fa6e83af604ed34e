"""All keys of a partitioning, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, assert_never

from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, Dimension, DynamicKeys, Grid, StaticKeys, TimeWindows
from toque.schedule.checks import check_zone
from toque.schedule.partitions import windows

MAX_KEYS: Final = 100_000
"""More slices than that no matrix shows and nobody fills."""
_RESERVED: Final = ("|", "..", ",")


class Known(NamedTuple):
    """What the arithmetic cannot know by itself."""

    now_us: int
    """Windows that are over by then exist."""
    dynamic: Mapping[str, Sequence[str]] = {}
    """The keys of each dynamic partitioning, in the order of their coming."""


def check(partitioning: AnyPartitioning) -> None:
    """Raises `UserError` (without a line: the author's caller adds it) for the first fault."""
    match partitioning:
        case TimeWindows():
            _check_windows(partitioning)
        case StaticKeys(keys=keys):
            if not keys:
                raise UserError("There is no key, so there would be no partition.", fix='Static(["eu", "us"])')
            if len(set(keys)) != len(keys):
                raise UserError(f"The key {_twice(keys)!r} is given twice.", fix="each key once")
            for key in keys:
                check_text(key)
        case DynamicKeys(name=name):
            if not name:
                raise UserError("Dynamic partitions have no name.", fix='Dynamic("customers")')
        case Grid(rows=rows, columns=columns, names=names):
            if len(set(names)) != 2:
                raise UserError("The two dimensions have one name.", fix='Grid(day=Daily("2026-01-01"), region=…)')
            check(rows)
            check(columns)
        case _:
            assert_never(partitioning)


def check_text(key: str) -> None:
    """Raises `UserError` for a key that could not be told from a selection."""
    if not key or key != key.strip() or any(sign in key for sign in _RESERVED):
        raise UserError(
            f"{key!r} cannot be the key of a partition.", fix="a text without | , and .., and without spaces around it"
        )


def keys(partitioning: AnyPartitioning, known: Known) -> Sequence[str]:
    """Every key there is, in order. Raises `UserError` for more than `MAX_KEYS`."""
    match partitioning:
        case TimeWindows(start=start):
            last = windows.last_complete(partitioning, known.now_us)
            return _bounded(windows.walk(partitioning, start, last)) if last else ()
        case StaticKeys(keys=found):
            return found
        case DynamicKeys(name=name):
            return tuple(known.dynamic.get(name, ()))
        case Grid(rows=rows, columns=columns):
            across = keys(columns, known)
            return _bounded(f"{row}|{column}" for row in keys(rows, known) for column in across)
        case _:
            assert_never(partitioning)


def count(partitioning: AnyPartitioning, known: Known) -> int:
    """How many keys there are; of more than `MAX_KEYS`, too, which nobody can list."""
    match partitioning:
        case TimeWindows(start=start):
            last = windows.last_complete(partitioning, known.now_us)
            return windows.count(partitioning, start, last) if last else 0
        case Grid(rows=rows, columns=columns):
            return count(rows, known) * count(columns, known)
        case StaticKeys() | DynamicKeys():
            return len(keys(partitioning, known))
        case _:
            assert_never(partitioning)


def has_key(partitioning: AnyPartitioning, key: str, known: Known) -> bool:
    """Whether a slice of that key exists. Cheap also where there are many."""
    match partitioning:
        case TimeWindows():
            if windows.kind_of(key) != partitioning.every:
                return False
            last = windows.last_complete(partitioning, known.now_us)
            return bool(last) and partitioning.start <= key <= last
        case StaticKeys(keys=found):
            return key in found
        case DynamicKeys(name=name):
            return key in known.dynamic.get(name, ())
        case Grid(rows=rows, columns=columns):
            row, sign, column = key.partition("|")
            return bool(sign) and has_key(rows, row, known) and has_key(columns, column, known)
        case _:
            assert_never(partitioning)


def check_key(partitioning: AnyPartitioning, key: str) -> None:
    """Raises `UserError` for what cannot be a key, whether or not its window is over yet."""
    for dimension, part in parts(partitioning, key):
        match dimension:
            case TimeWindows(every=every, start=start, end=end):
                windows.begin(every, part)
                if part < start or (end and part > end):
                    until = f" to {end}" if end else " on"
                    raise UserError(f"There is no partition {part!r}.", fix=f"{start}{until}")
            case StaticKeys(keys=found):
                if part not in found:
                    raise UserError(f"There is no partition {part!r}.", fix=", ".join(found[:10]))
            case DynamicKeys():
                check_text(part)
            case _:
                assert_never(dimension)


def windows_of(partitioning: AnyPartitioning) -> TimeWindows | None:
    """Its dimension of time, if it has one."""
    match partitioning:
        case TimeWindows():
            return partitioning
        case Grid(rows=rows, columns=columns):
            return next((each for each in (rows, columns) if isinstance(each, TimeWindows)), None)
        case StaticKeys() | DynamicKeys():
            return None
        case _:
            assert_never(partitioning)


def dynamic_names(cuts: Iterable[AnyPartitioning | None]) -> tuple[str, ...]:
    """Of the dynamic partitions among some ways to cut: `Known` has to have their keys."""
    dimensions = (part for cut in cuts if cut is not None for part in _dimensions(cut))
    return tuple(dict.fromkeys(each.name for each in dimensions if isinstance(each, DynamicKeys)))


def _dimensions(partitioning: AnyPartitioning) -> tuple[Dimension, ...]:
    return (partitioning.rows, partitioning.columns) if isinstance(partitioning, Grid) else (partitioning,)


def parts(partitioning: AnyPartitioning, key: str) -> tuple[tuple[Dimension, str], ...]:
    """Each dimension with its part of a key."""
    if isinstance(partitioning, Grid):
        row, _, column = key.partition("|")
        return (partitioning.rows, row), (partitioning.columns, column)
    return ((partitioning, key),)


def _check_windows(found: TimeWindows) -> None:
    check_zone(found.tz)
    if found.every == "hour" and found.tz != "UTC":
        raise UserError(
            f"Hours of {found.tz} cannot be partitions: when its clocks change, one is missing and one comes twice.",
            fix="hours of UTC: leave out tz",
        )
    start = windows.begin(found.every, found.start)
    if found.end and windows.begin(found.every, found.end) < start:
        raise UserError(f"The partitions end at {found.end}, before they begin.", fix=f"an end from {found.start} on")


def _twice(keys: Sequence[str]) -> str:
    return next(key for position, key in enumerate(keys) if key in keys[:position])


def _bounded(found: object) -> tuple[str, ...]:
    from itertools import islice

    listed = tuple(islice(found, MAX_KEYS + 1))  # type: ignore[call-overload]
    if len(listed) > MAX_KEYS:
        raise UserError(f"There are more than {MAX_KEYS:,} partitions.", fix="larger windows, or a later start")
    return listed
