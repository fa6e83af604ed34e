"""`toque assets`: what the project makes, and how it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toque.cli import application
from toque.cli.exits import Exit

SALES = """
from toque import Static, asset, external, pipeline, task, use

contacts = external("crm.contact", owner="sales")

@asset(group="raw", tags=["daily"])
def orders() -> list:
    return [1, 2]

@asset(key="marts.revenue", partitions=Static(["eu", "us"]))
def revenue(orders: list, people: list = use(contacts)) -> int:
    return 3

@task
def look(people: list = use(contacts)) -> int:
    return 1

nightly = pipeline("nightly", assets=[orders, revenue])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "sales.py").write_text(SALES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_before_anything_ran_they_are_listed_as_never_made(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["assets"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ASSET", "GROUP", "MADE", "FRESHNESS", "PARTITIONS", "ROWS", "FROM"]
    assert lines[1].split() == ["orders", "raw", "never"]
    assert lines[2].split() == ["marts.revenue", "never", "0/2", "orders,", "crm.contact"]
    assert lines[3].split() == ["crm.contact", "never"]


def test_what_was_made_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["materialize", "orders"]) == Exit.OK
    said = capsys.readouterr().out
    assert said.startswith("succeeded  orders  (")
    assert said.endswith(" succeeded: 1 succeeded\n")
    assert application.call(["assets", "orders", "--json"]) == Exit.OK
    [shown] = json.loads(capsys.readouterr().out)
    assert (shown["key"], shown["rows"], shown["partitions"]) == ("orders", 2, None)
    assert shown["materialized_us"] > 0
    assert shown["run_id"]


def test_a_run_that_fails_says_why_and_ends_with_1(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["materialize", "revenue", "--partitions", "eu", "--json"]) == Exit.RUN_FAILED
    [made] = json.loads(capsys.readouterr().out)["slices"]
    assert (made["partition"], made["outcome"]) == ("eu", "failed")
    assert "has not been materialized" in made["error"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["assets", "nobody"], "No asset is selected by 'nobody'"),
        (["materialize", "revenue"], "which partitions?"),
        (["materialize", "orders", "--partitions", "eu"], "Nothing of the selection has partitions"),
    ],
)
def test_what_there_is_not_is_a_mistake_of_the_caller(
    project: Path, capsys: pytest.CaptureFixture[str], command: list[str], message: str
) -> None:
    assert application.call(command) == Exit.USAGE
    assert message in capsys.readouterr().err


def test_a_project_without_assets_says_how_to_declare_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "sales.py").write_text("from toque import task\n")
    assert application.call(["assets"]) == Exit.OK
    assert "@asset" in capsys.readouterr().out


GUESTS = """
from toque import Daily, Dynamic, Partition, Span, add_partitions, asset, pipeline, task, use

@task
def learn():
    add_partitions("guests", ["ann", "bob"])

@pipeline
def learning():
    learn()

@asset(partitions=Dynamic("guests"))
def plate(guest: Partition = use(Partition)) -> str:
    return guest.key
"""


def test_partitions_are_added_by_a_task_and_by_hand(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "guests.py").write_text(GUESTS)
    assert application.call(["run", "guests.py", "--executor", "inline", "-q"]) == Exit.OK
    assert application.call(["partitions", "guests"]) == Exit.OK
    assert capsys.readouterr().out == "ann\nbob\n"
    assert application.call(["partitions", "guests", "--add", "cid", "--add", "ann", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"name": "guests", "keys": ["ann", "bob", "cid"]}
    assert application.call(["partitions", "guests", "--add", "a..b"]) == Exit.USAGE
    assert "cannot be the key of a partition" in capsys.readouterr().err
    assert application.call(["materialize", "plate", "--partitions", "ann,cid", "--dry-run"]) == Exit.OK
    assert capsys.readouterr().out.splitlines()[2:] == ["1    plate   ann  1", "2    plate   cid  1"]


def test_a_backfill_of_assets_is_listed_and_what_failed_is_retried_here(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert application.call(["materialize", "revenue", "--partitions", "eu", "--json"]) == Exit.RUN_FAILED
    backfill = json.loads(capsys.readouterr().out)["id"]
    assert application.call(["backfills"]) == Exit.OK
    assert capsys.readouterr().out.splitlines()[1].split() == [
        *(backfill, "revenue", "failed", "0", "of", "1", "succeeded,", "1", "failed", "eu")
    ]
    assert application.call(["backfills", "retry", backfill]) == Exit.RUN_FAILED
    assert "failed  marts.revenue [eu]" in capsys.readouterr().out
    assert application.call(["backfills", "pause", backfill]) == Exit.USAGE
    assert "has ended" in capsys.readouterr().err
