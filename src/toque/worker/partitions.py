"""Partitions, for user code: the one or the several that a run is of, and keys that come to be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from toque.engine.assets import PartitionsAdded
from toque.errors import UserError
from toque.worker.context import context


class Partition(NamedTuple):
    """The partition that a run is of: `use(Partition)`. `start` and `end` (exclusive) are those of a window of time,
    aware, in UTC; of other partitions the epoch."""

    key: str
    start: datetime
    end: datetime


class Span(NamedTuple):
    """The partitions that a run is of, side by side: `use(Span)`. An asset that takes one can be made of many
    partitions by one run; it returns `{key: value}`, one value for each of `keys`."""

    keys: tuple[str, ...]
    start: datetime
    end: datetime


def add_partitions(name: str, keys: Sequence[str]) -> None:
    """Add keys to the dynamic partitions `name`: `add_partitions("customers", ["c1", "c2"])`. What is known stays.

    They are recorded with the end of the attempt; runs that begin after that know them. Raises `UserError`."""
    from toque.schedule.partitions.keys import check_text

    if isinstance(keys, str):
        raise UserError(f"{keys!r} is one text, not a list of keys", fix=f"add_partitions({name!r}, [{keys!r}])")
    for key in keys:
        check_text(key)
    if keys:
        context().tell(PartitionsAdded(asset=name, keys=tuple(keys)))
