"""Real runs as a collector hears of them: `toque run` with workers, told over HTTP, beside the work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.openlineage.test_emitting import Collector
from toque.cli import application
from toque.cli.exits import Exit
from toque.integrations.openlineage.events import run_uuid

SHOP = """
from toque import asset, external, pipeline

tills = external("app.tills")

@asset(key="wh.orders", columns={"month": "app.tills.day", "amount": ["app.tills.net", "app.tills.tax"]})
def orders() -> list[dict]:
    return [{"month": 1, "amount": 5}, {"month": 1, "amount": 7}]

@asset(key="wh.revenue", columns="SELECT month, sum(amount) AS total FROM wh.orders GROUP BY month")
def revenue(orders) -> list[dict]:
    return [{"month": 1, "total": 12}]

@asset(key="wh.report")
def report(revenue) -> str:
    raise ValueError("no paper")

nightly = pipeline("nightly", assets=[orders, revenue, report])
"""
Told = dict[str, dict[str, Any]]


def project(root: Path, openlineage: str) -> None:
    (root / "toque.toml").write_text(
        f'name = "shop"\n[openlineage]\n{openlineage}\n[openlineage.namespaces]\nwh = "duckdb:///shop.duckdb"\n'
    )
    (root / "shop.py").write_text(SHOP)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Events of one run, by job and kind."""
    root = tmp_path_factory.mktemp("told")
    with Collector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLLECTOR_KEY", "k3y")
        patch.chdir(root)
        project(root, f'url = "{collector.url}"\napi_key = {{ secret = "env:COLLECTOR_KEY" }}')
        assert application.call(["run", "shop.py"]) == Exit.RUN_FAILED
        assert {(path, key) for path, key, _ in collector.requests} == {("/api/v1/lineage", "Bearer k3y")}
        found: Told = {}
        for _, _, event in collector.requests:
            assert event["eventType"] not in found.setdefault(event["job"]["name"], {})
            found[event["job"]["name"]][event["eventType"]] = event
        yield found


def test_a_run_and_each_task_that_writes_begin_and_end(told: Told) -> None:
    assert {job: list(events) for job, events in told.items()} == {
        "nightly": ["START", "FAIL"],
        "nightly.orders": ["START", "COMPLETE"],
        "nightly.revenue": ["START", "COMPLETE"],
        "nightly.report": ["START", "FAIL"],
    }
    for events in told.values():
        first, last = events.values()
        assert first["run"]["runId"] == last["run"]["runId"]
        assert first["eventTime"] <= last["eventTime"]
        assert first["job"]["namespace"] == "shop"


def test_a_task_run_belongs_to_its_run(told: Told) -> None:
    run_id = told["nightly"]["START"]["run"]["runId"]
    for job in ("nightly.orders", "nightly.report"):
        parent = told[job]["START"]["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == run_id
        assert parent["job"] == {"namespace": "shop", "name": "nightly"}
    assert told["nightly.orders"]["START"]["run"]["runId"] not in (run_id, run_uuid("nightly.orders"))


def test_what_was_written_has_its_rows_columns_and_where_they_come_from(told: Told) -> None:
    (output,) = told["nightly.revenue"]["COMPLETE"]["outputs"]
    assert (output["namespace"], output["name"]) == ("duckdb:///shop.duckdb", "revenue")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 1
    total = output["facets"]["columnLineage"]["fields"]["total"]["inputFields"]
    assert [(each["name"], each["field"], each["transformations"][0]["subtype"]) for each in total] == [
        ("orders", "amount", "AGGREGATION")
    ]
    (orders,) = told["nightly.orders"]["COMPLETE"]["outputs"]
    amount = orders["facets"]["columnLineage"]["fields"]["amount"]["inputFields"]
    assert [(each["namespace"], each["name"], each["field"]) for each in amount] == [
        ("app", "tills", "net"),
        ("app", "tills", "tax"),
    ]


def test_what_was_read_is_told_from_the_start(told: Told) -> None:
    for kind in ("START", "COMPLETE"):
        (source,) = told["nightly.revenue"][kind]["inputs"]
        assert source["name"] == "orders"
    assert [each["name"] for each in told["nightly"]["START"]["outputs"]] == ["orders", "revenue", "report"]


def test_a_failure_says_why(told: Told) -> None:
    for job in ("nightly.report", "nightly"):
        message = told[job]["FAIL"]["run"]["facets"]["errorMessage"]["message"]
        assert "no paper" in message


def test_a_collector_that_is_down_fails_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as gone:
        url = gone.url
    monkeypatch.chdir(tmp_path)
    project(tmp_path, f'url = "{url}"\napi_key = {{ secret = "env:NOT_SET_ANYWHERE" }}')
    assert application.call(["materialize", "wh.orders"]) == Exit.OK


def test_events_may_be_lines_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, 'file = "out/lineage.jsonl"')
    assert application.call(["materialize", "wh.orders"]) == Exit.OK
    events = [json.loads(line) for line in (tmp_path / "out/lineage.jsonl").read_text().splitlines()]
    assert sorted(each["eventType"] for each in events) == ["COMPLETE", "COMPLETE", "START", "START"]
