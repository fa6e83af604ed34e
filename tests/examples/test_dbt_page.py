"""The page about dbt: its project is built as it stands there, by the real dbt; its options are real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from tests.examples.conftest import ROOT, Shell, blocks
from toque import DbtProject

PAGE = ROOT / "docs" / "how-to" / "dbt.md"


def test_the_project_of_the_page_is_built_after_the_load_that_fills_its_source(tmp_path: Path, shell: Shell) -> None:
    project = tmp_path / "shop"
    for language in ("yaml", "sql", "toml", "python"):
        for block in blocks(PAGE, language):
            first = block.splitlines()[0]
            if first.startswith(("# ", "-- ")):
                path = project / first.split()[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block)
    (project / "incoming").mkdir()
    (project / "incoming" / "monday.csv").write_text("id,city,amount\n1,Rome,10\n2,Oslo,20\n3,Rome,5\n")
    ended = json.loads(shell("toque run shop.py --json", project).stdout)
    assert ended["tasks"] == {
        "raw_orders": "succeeded",
        "dbt.build": "succeeded",
        "dbt.revenue": "succeeded",
        "dbt.not_null_revenue_city": "succeeded",
        "dbt.unique_revenue_city": "succeeded",
    }
    with duckdb.connect(project / "shop.duckdb") as connection:
        assert connection.sql("select * from revenue order by city").fetchall() == [("Oslo", 20), ("Rome", 15)]


def test_the_options_of_the_page_exist() -> None:
    page: dict[str, Any] = {"__name__": "page"}
    exec(compile(blocks(PAGE, "python")[1], str(PAGE), "exec"), page)
    projects = [value for value in page.values() if isinstance(value, DbtProject)]
    assert [each.name for each in projects] == ["nightly", "regions", "own"]
    assert projects[0].dbt.select == ("tag:nightly+",)
