"""The recipes about checks and lineage run as they stand on their pages, and print what the pages show."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.examples.conftest import ROOT, blocks

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
    assert len(page["checked"].value) == 2
    assert page["checked"].rejects.num_rows == 1
    assert [verdict.outcome for verdict in page["report"].verdicts] == ["passed", "passed", "warned"]
    assert page["odd"].level == "error"
    assert f"`{page['odd'].message}`" in (HOW_TO / "checks.md").read_text()
    with duckdb.connect("shop.duckdb") as connection:
        assert connection.execute("SELECT count(*) FROM marts.contact").fetchall() == [(3,)]


def test_the_recipes_about_lineage(page: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python, (printed,) = blocks(HOW_TO / "lineage.md", "python"), blocks(HOW_TO / "lineage.md", "text")
    for block in python:
        exec(compile(block, "lineage.md", "exec"), page)
    assert capsys.readouterr().out == printed
    assert page["lineage"].unknown == ()
    events = [json.loads(line) for line in (tmp_path / "lineage.jsonl").read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert events[1]["outputs"][0]["namespace"] == "duckdb:///shop.duckdb"
