"""`toque lineage` at a terminal: in process, on a project that says what its columns are made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toque.cli import application
from toque.cli.exits import Exit

SHOP = """
from toque import asset, external, pipeline

orders = external("crm.orders")

@asset(key="wh.revenue", columns="SELECT month, sum(amount) AS total FROM crm.orders GROUP BY month")
def revenue(orders) -> list[dict]:
    return []

@asset(key="wh.report", columns={"headline": ["wh.revenue.total"]})
def report(revenue) -> list[dict]:
    return []

@asset(key="wh.notes")
def notes(report) -> list[dict]:
    return []

nightly = pipeline("nightly", assets=[revenue, report])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_column_is_followed_to_its_sources(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["lineage", "wh.report.headline"]) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "wh.report.headline  (python report, shop.py:10)",
        "  wh.revenue.total  (sql revenue, shop.py:6: SUM(orders.amount))",
        "    crm.orders.amount",
        "",
        "3 columns, 0 unknown; from crm.orders.amount",
    ]


def test_the_other_way_and_only_so_far(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["lineage", "crm.orders.amount", "--downstream", "--depth", "1"]) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "crm.orders.amount",
        "  wh.revenue.total  (sql revenue, shop.py:6: SUM(orders.amount))",
        "",
        "2 columns, 0 unknown; there is more behind",
    ]


def test_an_asset_shows_what_it_is_made_of_and_how_much_is_known(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert application.call(["lineage", "WH.notes"]) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "wh.notes",
        "  wh.report",
        "    wh.revenue",
        "      crm.orders",
        "",
        "0 columns, 1 unknown",
        "  *: its function does not say what its columns are made of",
    ]
    assert application.call(["lineage", "wh.revenue", "--json"]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["columns"], shown["upstream"], shown["downstream"]) == (
        ["month", "total"],
        ["crm.orders"],
        ["wh.report"],
    )


def test_the_last_part_of_a_key_is_enough_and_a_wrong_column_is_told_the_right_ones(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert application.call(["lineage", "notes"]) == Exit.OK
    assert capsys.readouterr().out.startswith("wh.notes\n")
    assert application.call(["lineage", "wh.revenue.totl"]) == Exit.NOT_FOUND
    assert "Fix: one of wh.revenue.month, wh.revenue.total" in capsys.readouterr().err


def test_scripts_get_each_hop(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["lineage", "wh.revenue.total", "--json"]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["hops"] == [
        {
            "source": "crm.orders.amount",
            "target": "wh.revenue.total",
            "how": "aggregation",
            "via": "sql",
            "by": "revenue",
        }
    ]
    assert (shown["ends"], shown["unknown"], shown["is_cut"]) == (["crm.orders.amount"], {}, False)
    assert shown["made"]["wh.revenue.total"][0]["line"] == 6


def test_without_a_name_what_is_not_known_is_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["lineage"]) == Exit.OK
    first, second = capsys.readouterr().out.splitlines()
    assert first == "3 assets, 5 columns, 1 unknown"
    assert second == "  wh.notes.*: its function does not say what its columns are made of"


def test_a_column_that_there_is_not_is_not_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.call(["lineage", "wh.report.nope"]) == Exit.NOT_FOUND
    assert "wh.report.nope" in capsys.readouterr().err


def test_a_project_without_assets_says_what_makes_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop.py").write_text("from toque import task\n")
    assert application.call(["lineage"]) == Exit.OK
    assert "@asset" in capsys.readouterr().out
