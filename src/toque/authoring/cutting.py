"""Partitions as they are written: `Daily("2026-01-01")`, `Static(["eu", "us"])`, `Grid(day=…, region=…)`; and which
slices upstream are read: `use(orders, Trailing(28))`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.authoring import sites
from toque.errors import UserError
from toque.graph import partitions as ir


class Partitions:
    """What all ways to cut an asset share. Raises `UserError` about the line that it is written in."""

    def __init__(self, value: ir.AnyPartitioning) -> None:
        from toque.schedule.partitions import check

        self.value = value
        try:
            check(value)
        except UserError as error:
            raise sites.refuse(error.message, fix=error.fix) from None

    def __repr__(self) -> str:
        return f"<partitions {type(self).__name__}>"


class Hourly(Partitions):
    """One partition for each hour in UTC: `Hourly("2026-01-01T00")`."""

    def __init__(self, start: str, *, end: str = "") -> None:
        super().__init__(ir.TimeWindows(every="hour", start=start, end=end))


class Daily(Partitions):
    """One partition for each day of a zone: `Daily("2026-01-01", tz="Europe/Madrid")`. `end` is the last one."""

    def __init__(self, start: str, *, end: str = "", tz: str = "UTC") -> None:
        super().__init__(ir.TimeWindows(every="day", start=start, end=end, tz=tz))


class Weekly(Partitions):
    """One partition for each ISO week, from Monday: `Weekly("2026-W01")`."""

    def __init__(self, start: str, *, end: str = "", tz: str = "UTC") -> None:
        super().__init__(ir.TimeWindows(every="week", start=start, end=end, tz=tz))


class Monthly(Partitions):
    """One partition for each month: `Monthly("2026-01")`."""

    def __init__(self, start: str, *, end: str = "", tz: str = "UTC") -> None:
        super().__init__(ir.TimeWindows(every="month", start=start, end=end, tz=tz))


class Yearly(Partitions):
    """One partition for each year: `Yearly("2020")`."""

    def __init__(self, start: str, *, end: str = "", tz: str = "UTC") -> None:
        super().__init__(ir.TimeWindows(every="year", start=start, end=end, tz=tz))


class Static(Partitions):
    """One partition for each of these keys: `Static(["eu", "us"])`."""

    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
            raise sites.refuse(f"Static({keys!r}) is no list of texts.", fix='Static(["eu", "us"])')
        super().__init__(ir.StaticKeys(keys=tuple(keys)))


class Dynamic(Partitions):
    """One partition for each key that was ever added under a name: `Dynamic("customers")`.

    Keys are added by a task (`add_partitions("customers", ["c1", "c2"])`), `toque partitions add` or the API."""

    def __init__(self, name: str) -> None:
        super().__init__(ir.DynamicKeys(name=name))


class Grid(Partitions):
    """Two dimensions, one partition for each pair: `Grid(day=Daily("2026-01-01"), region=Static(["eu", "us"]))`."""

    def __init__(self, **dimensions: Partitions) -> None:
        values: list[Any] = [each.value for each in dimensions.values() if isinstance(each, Partitions)]
        if len(values) != 2 or len(dimensions) != 2 or any(isinstance(each, ir.Grid) for each in values):
            raise sites.refuse(
                "A grid has two dimensions, each with partitions of its own.",
                fix='Grid(day=Daily("2026-01-01"), region=Static(["eu", "us"]))',
            )
        first, second = dimensions
        super().__init__(ir.Grid(rows=values[0], columns=values[1], names=(first, second)))


class Mapping:
    """Which slices of an asset a slice of ours reads; without one, those that match."""

    def __init__(self, value: ir.AnyMapping) -> None:
        self.value = value


class Trailing(Mapping):
    """The window of ours and those before it, so many in all: `use(orders, Trailing(28))`."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise sites.refuse(f"Trailing({count}) reads nothing.", fix="1 or more windows")
        super().__init__(ir.TrailingWindows(count=count))


class AllPartitions(Mapping):
    """Every slice there is."""

    def __init__(self) -> None:
        super().__init__(ir.AllKeys())


class LastPartition(Mapping):
    """The newest slice that is complete."""

    def __init__(self) -> None:
        super().__init__(ir.LastKey())


class FixedPartitions(Mapping):
    """These slices, whatever ours is: `use(rates, FixedPartitions(["2026"]))`."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(ir.FixedKeys(keys=tuple(keys)))
