"""Assets for the pages about data: a year of days, and what is made of them."""

from __future__ import annotations

from toque import AllPartitions, Daily, Files, Upsert, Warehouse, asset, pipeline, sync, use

people = sync(
    Warehouse("warehouse").table("marts.people"),
    into=Files("drop").folder("people"),
    mode=Upsert("id"),
    fields={"name": "name"},
)
sending = pipeline("sending", assets=[people])


@asset(group="raw", partitions=Daily("2025-01-01", end="2025-12-31"))
def readings() -> int:
    """One number for each day of a year."""
    return 1


@asset(group="marts", partitions=Daily("2025-01-01", end="2025-12-31"))
def doubled(readings: int) -> int:
    """Twice as much."""
    return 2 * readings


@asset(group="marts")
def total(doubled: dict[str, int] = use(doubled, AllPartitions())) -> int:
    """All days as one."""
    return sum(doubled.values())
