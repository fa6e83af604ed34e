"""Every task of the examples may run twice: it leaves what it left the first time. One that may not is found."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.examples.conftest import ROOT
from toque import Partition
from toque.authoring.assets import Asset
from toque.authoring.tasks import Task
from toque.testing import NotIdempotent, verify_idempotent

FLIGHTS = ROOT / "examples" / "flights" / "flights.py"


@contextmanager
def loaded(file: Path) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("idempotent_flights", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["idempotent_flights"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["idempotent_flights"]


class Month:
    """A month of flights that passes the checks, and the arguments of each task about it."""

    def __init__(self, folder: Path) -> None:
        count = 12_000
        columns: dict[str, list[Any]] = {
            "month": [7] * count,
            "day": [4] * count,
            "origin": ["JFK"] * count,
            "carrier": ["UA"] * count,
            "flight": list(range(count)),
            "time_hour": [1] * count,
            "dep_delay": [25.0] * count,
            "distance": [100] * count,
        }
        self.flights = pa.table(columns)
        weather = {"temp": [50.0], "precip": [0.0], "visib": [9.0], "wind_speed": [5.0]}
        self.weather = pa.table({"origin": ["JFK"], "time_hour": [1], **weather})
        self.airlines = pa.table({"carrier": ["UA"], "name": ["United"]})
        joined = self.flights
        for name, values in weather.items():
            joined = joined.append_column(name, pa.array(values * count))
        pq.write_table(joined, folder / "07.parquet")
        self.month = {"month": 7, "file": str(folder / "07.parquet"), "flights": count, "cancelled": 0}
        self.month["mean_delay"] = 25.0
        self.out = folder / "out"
        self.out.mkdir()

    def arguments(self) -> dict[str, tuple[Any, ...]]:
        """The report comes last: it reads what the store writes."""
        months = [self.month]
        return {
            "extract": ("airlines",),
            "months": (self.flights,),
            "join_weather": (self.flights, self.weather, 7, self.out),
            "check": (self.month,),
            "is_late": (months, 20),
            "explain": (months,),
            "praise": (months,),
            "store": (months, self.airlines, self.airlines, self.airlines, self.out),
            "report": (self.out / "flights.duckdb", months, "all is well"),
        }


def test_each_task_of_the_flights_may_run_twice(tmp_path: Path) -> None:
    with loaded(FLIGHTS) as demo:
        tasks = {name: each for name, each in vars(demo).items() if isinstance(each, Task)}
        month = Month(tmp_path)
        arguments = month.arguments()
        assert set(arguments) == set(tasks)
        for name, given in arguments.items():
            verify_idempotent(tasks[name], watch=[month.out])(*given)


@pytest.fixture
def months(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(FLIGHTS.parent)
    with loaded(FLIGHTS.with_name("months.py")) as module:
        yield module
    sys.modules.pop("flights", None)


def test_each_asset_of_the_months_and_days_may_be_made_twice(
    months: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = {name: each for name, each in vars(months).items() if isinstance(each, Asset)}
    given = Month(tmp_path)
    july, day = (
        Partition(key=key, start=datetime.fromisoformat(f"{start}+00:00"), end=datetime.fromisoformat(f"{end}+00:00"))
        for key, start, end in (("2013-07", "2013-07-01", "2013-08-01"), ("2013-07-04", "2013-07-04", "2013-07-05"))
    )
    departures = verify_idempotent(assets["departures"])(given.flights, given.weather, month=july)
    flown = verify_idempotent(assets["flown"])(departures, day=day, most=0.5)
    late = verify_idempotent(assets["late"])(flown)
    carriers = verify_idempotent(assets["carriers"])(flown)
    airports = verify_idempotent(assets["airports"])(late)
    summary = verify_idempotent(assets["summary"])(carriers, airports)
    delays = verify_idempotent(assets["delays"])(departures)
    assert summary == "12000 flights, 0 of them late"
    assert verify_idempotent(assets["year"])(delays) == "2013-07  12,000   25.0"
    monkeypatch.setattr(months, "extract", lambda table: given.airlines)
    for name in ("planned", "weather"):
        assert verify_idempotent(assets[name])() == given.airlines
    checked = {"departures", "flown", "late", "carriers", "airports", "summary", "delays", "year", "planned", "weather"}
    assert checked == set(assets)


def test_an_insert_that_somebody_plants_is_found(tmp_path: Path) -> None:
    source = FLIGHTS.read_text()
    safe = "    partial.replace(file)\n    return file\n"
    assert source.count(safe) == 1
    planted = safe.replace(
        "    return file",
        "    with duckdb.connect(str(out / 'log.duckdb')) as con:\n"
        "        con.execute('create table if not exists log (flights bigint)')\n"
        "        con.execute('insert into log values (?)', [sum(month['flights'] for month in months)])\n"
        "    return file",
    )
    file = tmp_path / "flights.py"
    file.write_text(source.replace(safe, planted))
    with loaded(file) as demo:
        month = Month(tmp_path)
        with pytest.raises(NotIdempotent, match="store is not idempotent") as raised:
            verify_idempotent(demo.store, watch=[month.out])(*month.arguments()["store"])
    assert any("log" in line for line in raised.value.differences)
