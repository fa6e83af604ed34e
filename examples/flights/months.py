"""The same year as data that is made slice by slice: cut into months, and each month into its days.

    toque materialize '+delays' --partitions 2013-01..2013-03   # three months, a run for each
    toque materialize '+year' --missing                         # the other nine, and then the report
    toque materialize '+summary' --partitions 2013-02           # 28 days of five assets; two days fail: see `flown`

`flights.py` does its work in one run and forgets how; here it is known of every slice whether it is there, what it was
made from, and whether that changed since. Run these where this file is, or with `--project examples/flights`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from flights import extract, with_weather

from toque import (
    AllPartitions,
    Daily,
    DataError,
    Monthly,
    Parquet,
    Partition,
    Variable,
    asset,
    in_range,
    not_null,
    row_count,
    unique,
    use,
)

lake = Parquet("out/lake")  # one file for each slice
MONTHS = Monthly("2013-01", end="2013-12")
DAYS = Daily("2013-01-01", end="2013-12-31")


@asset(io=lake, group="source")
def planned() -> pa.Table:
    """All flights that were planned from New York in 2013."""
    return extract("flights")


@asset(io=lake, group="source")
def weather() -> pa.Table:
    """The weather of its airports, hour by hour."""
    return extract("weather")


@asset(
    io=lake,
    group="months",
    partitions=MONTHS,
    checks=[
        row_count(min=10_000, max=40_000),
        unique("time_hour", "carrier", "flight"),
        in_range("distance", min=1),
        not_null("temp").warn(),
    ],
)
def departures(planned: pa.Table, weather: pa.Table, month: Partition = use(Partition)) -> pa.Table:
    """The flights of a month with the weather of their hour. Nothing is kept that breaks a check."""
    return with_weather(planned, weather, month.start.month)


@asset(io=lake, group="months", partitions=MONTHS)
def delays(departures: pa.Table) -> pa.Table:
    """Flights, how many of them left, and their mean delay."""
    return departures.group_by("month").aggregate([("flight", "count"), ("dep_delay", "count"), ("dep_delay", "mean")])


@asset(group="months")
def year(delays: pa.Table = use(delays, AllPartitions())) -> str:
    """One line for each month that is there."""
    rows = delays.sort_by("month").to_pylist()
    return "\n".join(f"2013-{row['month']:02}  {row['flight_count']:>6,}  {row['dep_delay_mean']:5.1f}" for row in rows)


@asset(io=lake, group="days", partitions=DAYS)
def flown(
    departures: pa.Table, day: Partition = use(Partition), most: float = use(Variable("most_cancelled", float))
) -> pa.Table:
    """The flights of one day, out of the slice of its month.

    A day on which nearly nothing flew says little about delays: somebody should look before it counts. In 2013 there
    are two, 8 and 9 February, when a blizzard closed the airports. `most_cancelled` in `toque.toml` lets them pass.
    """
    rows = departures.filter(pc.equal(departures["day"], day.start.day))
    cancelled = rows["dep_delay"].null_count / rows.num_rows
    if cancelled > most:
        raise DataError(f"{cancelled:.0%} of the flights of {day.key} were cancelled", sample=rows.slice(0, 5))
    return rows


@asset(io=lake, group="days", partitions=DAYS)
def late(flown: pa.Table) -> pa.Table:
    """Those that left more than half an hour late."""
    return flown.filter(pc.greater(flown["dep_delay"], 30))


@asset(io=lake, group="days", partitions=DAYS)
def carriers(flown: pa.Table) -> pa.Table:
    """Flights and mean delay by carrier."""
    return flown.group_by("carrier").aggregate([("flight", "count"), ("dep_delay", "mean")])


@asset(io=lake, group="days", partitions=DAYS)
def airports(late: pa.Table) -> pa.Table:
    """Late flights by airport."""
    return late.group_by("origin").aggregate([("flight", "count")])


@asset(group="days", partitions=DAYS)
def summary(carriers: pa.Table, airports: pa.Table) -> str:
    """One line for the day."""
    return f"{pc.sum(carriers['flight_count'])} flights, {pc.sum(airports['flight_count'], min_count=0)} of them late"
