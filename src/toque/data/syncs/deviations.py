"""What is unusual about a sync: much to delete, another number of rows, nearly everything changed, many rejected."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

from toque.data.syncs.diff import Counts
from toque.graph.syncs import Guard

_FEW = 10
"""Below this many rows or records nothing is unusual."""


class Past(msgspec.Struct, frozen=True):
    """An earlier sync that went to its end."""

    rows: int
    sent: int
    mapping: str


class Deviation(msgspec.Struct, frozen=True):
    """Something unusual. `stop` ends the sync before it sends anything."""

    kind: Literal["deletes", "rows", "full_sync", "rejected"]
    severity: Literal["warn", "stop"]
    message: str


def foreseen(counts: Counts, past: Sequence[Past], guard: Guard, mapping: str) -> list[Deviation]:
    """Before anything is sent. `past` is in order of time."""
    found = [
        _deletes(counts, guard),
        _rows(counts, past, guard),
        _full_sync(counts, past, guard, mapping),
    ]
    return [each for each in found if each is not None]


def exceeds(count: int, of: int, limit: float) -> bool:
    """Whether so many are more than a limit, which is a share below 1 and a count from 1 on."""
    return count > (limit * of if limit < 1 else limit)


def rejections(rejected: int, considered: int, guard: Guard) -> Deviation | None:
    """After everything is sent."""
    if not rejected or not exceeds(rejected, considered, guard.rejected):
        return None
    share = rejected / max(considered, 1)
    return Deviation("rejected", "warn", f"{rejected} of {considered} records were rejected ({share:.1%})")


def _deletes(counts: Counts, guard: Guard) -> Deviation | None:
    if counts.gone < _FEW or not exceeds(counts.gone, counts.acknowledged, guard.deletes):
        return None
    return Deviation(
        "deletes",
        "stop",
        f"{counts.gone} of {counts.acknowledged} records would be deleted or emptied, since their rows are gone. If"
        " that is right, raise Guard(deletes=…) for this sync",
    )


def _rows(counts: Counts, past: Sequence[Past], guard: Guard) -> Deviation | None:
    if len(past) < 3:
        return None
    usual = median(each.rows for each in past[-10:])
    if max(usual, counts.rows) < _FEW or abs(counts.rows - usual) <= guard.rows * usual:
        return None
    return Deviation("rows", "warn", f"the source has {counts.rows} rows, and usually about {usual:g}")


def _full_sync(counts: Counts, past: Sequence[Past], guard: Guard, mapping: str) -> Deviation | None:
    """Each record is sent anew after a change of the mapping, as it should be."""
    if guard.full_sync == "ignore" or not past or past[-1].mapping != mapping:
        return None
    sent = counts.new + counts.changed
    usual = median(each.sent / max(each.rows, 1) for each in past[1:] or past)
    if counts.rows < 2 * _FEW or sent < 0.9 * counts.rows or usual >= 0.5 or not counts.acknowledged:
        return None
    message = f"{sent} of {counts.rows} rows are to be sent, and usually about {usual:.0%} of them"
    return Deviation("full_sync", guard.full_sync, message)
