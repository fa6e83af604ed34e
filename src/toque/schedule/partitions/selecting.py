"""What a text selects of a partitioning.

`all`, a key, several with commas, and ranges of both ends: `2026-01..2026-03`. The bounds of a range of time may be
coarser than its windows: of daily partitions, that is each day from 1 January to 31 March. In two dimensions a
part that is left out, or `*`, means all of it: `2026-01..2026-03|eu`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, Dimension, Grid, TimeWindows
from toque.schedule.partitions import windows
from toque.schedule.partitions.keys import Known, has_key, keys


def selected(partitioning: AnyPartitioning, text: str, known: Known) -> tuple[str, ...]:
    """The keys that `text` selects, in the order of the partitioning. Raises `UserError` for what selects nothing."""
    wanted: dict[str, None] = {}
    for item in text.split(","):
        wanted.update(dict.fromkeys(_item(partitioning, item.strip(), known)))
    if not wanted:
        raise UserError(f"{text!r} selects no partition.", fix=_there_are(partitioning, known))
    order = keys(partitioning, known)
    return tuple(key for key in order if key in wanted)


def _item(partitioning: AnyPartitioning, item: str, known: Known) -> Sequence[str]:
    if not item:
        raise UserError("A part of the selection is empty.", fix=_there_are(partitioning, known))
    if item in ("all", "*"):
        return keys(partitioning, known)
    if isinstance(partitioning, Grid):
        row, _, column = item.partition("|")
        across = _part(partitioning.columns, column, known)
        return [f"{each}|{other}" for each in _part(partitioning.rows, row, known) for other in across]
    return _part(partitioning, item, known)


def _part(dimension: Dimension, item: str, known: Known) -> Sequence[str]:
    if item in ("", "*", "all"):
        return keys(dimension, known)
    first, dots, last = item.partition("..")
    if dots:
        return _range(dimension, first.strip(), last.strip(), known)
    if isinstance(dimension, TimeWindows) and windows.kind_of(item) not in (None, dimension.every):
        return _range(dimension, item, item, known)
    if has_key(dimension, item, known):
        return (item,)
    if isinstance(dimension, TimeWindows):
        windows.begin(dimension.every, item)  # says what a key looks like
    raise UserError(f"There is no partition {item!r}.", fix=_there_are(dimension, known, near=item))


def _range(dimension: Dimension, first: str, last: str, known: Known) -> Sequence[str]:
    found = keys(dimension, known)
    if not isinstance(dimension, TimeWindows):
        for bound in (first, last):
            if bound and bound not in found:
                raise UserError(f"There is no partition {bound!r}.", fix=_there_are(dimension, known, near=bound))
        low = found.index(first) if first else 0
        high = found.index(last) if last else len(found) - 1
        return found[low : high + 1]
    low_key = _bound(dimension, first, is_last=False) if first else dimension.start
    high_key = _bound(dimension, last, is_last=True) if last else "~"
    return [key for key in found if low_key <= key <= high_key]


def _bound(dimension: TimeWindows, text: str, *, is_last: bool) -> str:
    """The first or last window of ours within the span that a key of any length names."""
    every = windows.kind_of(text)
    if every is None:
        raise UserError(f"{text!r} is not a time.", fix="2026, 2026-01, 2026-W02 or 2026-01-05")
    start = windows.begin(every, text)
    if not is_last:
        return windows.key_at(dimension.every, start)
    end = windows.later(every, start)
    return windows.key_at(dimension.every, windows.later("hour", end, -1))


def _there_are(partitioning: AnyPartitioning, known: Known, near: str = "") -> str:
    found = keys(partitioning, known)
    if not found:
        return "there is no partition yet"
    if len(found) <= 5:
        return ", ".join(found)
    close = difflib.get_close_matches(near, found, n=1) if near else []
    return close[0] if close else f"{found[0]} to {found[-1]}, {len(found):,} partitions"
