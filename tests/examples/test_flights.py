"""The demo on its real data: 336,776 flights."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
import pytest

from tests.examples.conftest import ROOT, Shell
from toque import DataError

HERE = ROOT / "examples" / "flights"


@pytest.fixture(scope="module")
def demo() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("flights_demo", HERE / "flights.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["flights_demo"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["flights_demo"]


def test_the_whole_pipeline_reports_the_year(demo: ModuleType, tmp_path: Path) -> None:
    run = demo.flights.run(out=tmp_path)
    assert run.state == "succeeded"
    assert "336,776 flights were planned from New York in 2013, 8,255 of them were cancelled." in run.result
    assert "The worst month was July" in run.result
    assert run.states["praise"] == "skipped"
    assert len([name for name in run.states if name.startswith("join_weather[")]) == 12
    with duckdb.connect(str(tmp_path / "flights.duckdb"), read_only=True) as con:
        tables = dict(con.execute("select table_name, estimated_size from duckdb_tables()").fetchall())
    assert tables == {"flights": 336_776, "airports": 1_458, "planes": 3_322, "airlines": 16}
    assert len(list((tmp_path / "months").glob("*.parquet"))) == 12


def test_a_month_that_kept_its_time_takes_the_other_branch(demo: ModuleType, tmp_path: Path) -> None:
    run = demo.flights.run(out=tmp_path, late_minutes=30)
    assert "All 12 months kept their time." in run.result
    assert run.states["explain"] == "skipped"


def month(demo: ModuleType, tmp_path: Path, **columns: list[object]) -> dict[str, object]:
    import pyarrow.parquet as pq

    file = tmp_path / "07.parquet"
    pq.write_table(pa.table(columns), file)
    return {"month": 7, "file": str(file), "flights": 1, "cancelled": 0, "mean_delay": 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, ""),
        ({"flight": [1] * 20_000}, "flights twice"),
        ({"distance": [0] * 20_000}, "no distance"),
        ({"temp": [None] * 20_000}, "100% of the flights have no weather"),
    ],
)
def test_the_check_finds_what_a_bad_join_would_leave(
    demo: ModuleType, tmp_path: Path, change: dict[str, list[object]], message: str
) -> None:
    columns: dict[str, list[object]] = {
        "time_hour": [1] * 20_000,
        "carrier": ["UA"] * 20_000,
        "flight": list(range(20_000)),
        "distance": [100] * 20_000,
        "temp": [50.0] * 20_000,
    }
    rows = month(demo, tmp_path, **{**columns, **change})
    if not message:
        assert demo.check(rows) == rows
        return
    with pytest.raises(DataError, match=message):
        demo.check(rows)


def test_a_month_without_flights_is_refused(demo: ModuleType, tmp_path: Path) -> None:
    empty = month(demo, tmp_path, time_hour=[], carrier=[], flight=[], distance=[], temp=[])
    with pytest.raises(DataError, match="has 0 flights"):
        demo.check(empty)


def test_the_demo_runs_as_the_readme_says(shell: Shell, tmp_path: Path) -> None:
    project = tmp_path / "flights"
    shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("out", ".toque"))
    said = shell("toque run flights/flights.py", tmp_path).stdout
    assert "✓ join_weather  12 of 12" in said
    assert "flights succeeded in" in said
    assert "336,776 flights" in said
    assert "What next?" in said
    assert (project / "out" / "flights.duckdb").exists()
    for suggestion in ("toque show flights/flights.py", "toque logs --project flights"):
        shell(suggestion, tmp_path)
    assert "toque materialize '+year' --partitions 2013 --project examples/flights" in said
    made = shell("toque materialize '+delays' --partitions 2013-01..2013-02 --project flights", tmp_path).stdout
    assert sorted(re.findall(r"^succeeded  departures, delays \[(.*?)\]", made, re.MULTILINE)) == ["2013-01", "2013-02"]
