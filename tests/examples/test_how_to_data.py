"""The recipes about checks and lineage run as they stand on their pages, and print what the pages show."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.examples.conftest import ROOT, Shell, blocks
from toque.authoring.loader import load_file
from toque.integrations.warehouses.opening import open_warehouse
from toque.testing import replace

HOW_TO = ROOT / "docs" / "how-to"

SHOP = """
CREATE SCHEMA raw; CREATE SCHEMA marts;
CREATE TABLE raw.account (id bigint);
INSERT INTO raw.account VALUES (1);
CREATE TABLE raw.contact (
  id bigint, email varchar, account_id bigint, stage varchar, score double,
  starts_at timestamp, ends_at timestamp, updated_at timestamptz
);
INSERT INTO raw.contact VALUES
  (1, 'a@x.y', 1, 'lead', 50, '2026-01-01', '2026-02-01', now()),
  (2, 'b@x.y', 1, 'customer', -1, '2026-01-01', NULL, now()),
  (3, 'c@x.y', 9, 'lead', 7, '2026-01-01', '2026-01-01', now()),
  (4, 'd@x.y', 1, 'gone', 7, '2026-01-01', '2026-01-01', now());
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a page while its blocks run, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute(SHOP)
    return {"__name__": "page"}


def test_the_recipes_about_checks(page: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python, (printed,) = blocks(HOW_TO / "checks.md", "python"), blocks(HOW_TO / "checks.md", "text")
    (tmp_path / "last_year.csv").write_text("id\n1\n2\n4\n")
    for block in python:
        if block.startswith("# checks.py"):
            (tmp_path / "checks.py").write_text(block)
        else:
            exec(compile(block, "checks.md", "exec"), page)
        if "replayed" in page and "publish" not in page:
            assert f"`{page['replayed']}`" in (HOW_TO / "checks.md").read_text()
    sys.modules.pop("checks", None)
    assert capsys.readouterr().out == printed
    (compared,) = page["compared"].verdicts
    assert f"`{compared.message}`" in (HOW_TO / "checks.md").read_text()
    assert f"`{compared.samples[0]}`" in (HOW_TO / "checks.md").read_text()
    assert len(page["checked"].value) == 2
    assert page["checked"].rejects.num_rows == 1
    assert [verdict.outcome for verdict in page["report"].verdicts] == ["passed", "passed", "warned"]
    assert page["odd"].level == "error"
    assert f"`{page['odd'].message}`" in (HOW_TO / "checks.md").read_text()
    with duckdb.connect("shop.duckdb") as connection:
        assert connection.execute("SELECT count(*) FROM marts.contact").fetchall() == [(3,)]


def test_the_recipes_about_lineage(shell: Shell, tmp_path: Path) -> None:
    page = HOW_TO / "lineage.md"
    project = tmp_path / "shop"
    project.mkdir()
    (project / "shop.py").write_text(blocks(page, "python")[0])
    (project / "toque.toml").write_text(blocks(page, "toml")[0])
    shell("toque run shop.py", project)
    first, *others = blocks(page, "console")
    for block in others:
        command, _, expected = block.removeprefix("$ ").partition("\n")
        assert shell(command, project).stdout == expected
    events = [json.loads(line) for line in (project / "lineage.jsonl").read_text().splitlines()]
    assert Counter(event["eventType"] for event in events) == {"START": 4, "COMPLETE": 4}
    told = [event for event in events if event["job"]["name"] == "nightly.revenue" and event["outputs"][0]["facets"]]
    (output,) = told[-1]["outputs"]
    assert output["namespace"] == "duckdb:///shop.duckdb"
    assert list(output["facets"]["columnLineage"]["fields"]) == ["month", "total"]
    # Of the RevOps example the page shows what its own test holds against a real run.
    assert first.startswith("$ toque lineage crm.Contact.Last_Seen__c")
    assert blocks(page, "text")[0] in (ROOT / "tests/examples/revops/lineage.txt").read_text()


def test_the_recipes_about_freshness(page: dict[str, Any], tmp_path: Path) -> None:
    """The pipelines of the page run: two look at what others make, one makes what has to be fresh."""
    (block,) = blocks(HOW_TO / "freshness.md", "python")
    (tmp_path / "shop.py").write_text(block)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("CREATE TABLE main.orders AS SELECT 1 AS id, TIMESTAMP '2026-11-22 10:00' AS changed_at")
    found = load_file(tmp_path / "shop.py", tmp_path)
    with replace(sys.modules["shop"].shop, open_warehouse("duckdb", {"path": "shop.duckdb"}, name="shop")):
        ran = {each.name: each.run() for each in found}
    sys.modules.pop("shop", None)
    assert {name: run.state for name, run in ran.items()} == dict.fromkeys(
        ("observe_shop_main_orders", "observe_partner_exports", "nightly"), "succeeded"
    )
    assert ran["observe_shop_main_orders"]["look"].result == {
        "asset": "shop.main.orders",
        "version": "1795341600000000/1",
        "rows": 1,
        "updated_at": "2026-11-22T10:00:00+00:00",
    }
