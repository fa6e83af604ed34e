"""A dbt project in real runs, with the real dbt. Each start of dbt takes seconds, so that one story is told of each."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import duckdb
import msgspec
import psutil
import psycopg

from tests import dbt_shop
from tests.integration.cli.conftest import Command, Project

PIPELINE = """\
from toque import DbtProject, Files, Retry, Update, Warehouse, pipeline, sync

warehouse, lake = Warehouse("warehouse"), Files("lake")
models = DbtProject("dbt", connection=warehouse, threads=2, retries=Retry(1, delay=0, on="transient"))
totals = sync(
    warehouse.table("main.totals"), into=lake.folder("totals"), mode=Update("email"), fields={"email": "email"}
)
apart = sync(warehouse.table("main.apart"), into=lake.folder("apart"), mode=Update("n"), fields={"n": "n"})
shop = pipeline("shop", assets=[totals, models, apart])
"""

POSTGRESQL = """\
from toque import DbtProject, Warehouse, pipeline

models = DbtProject("dbt", connection=Warehouse("warehouse"), schema="marts", select="+totals refreshed")

@pipeline
def shop(everything: bool = False):
    models(full_refresh=everything)
"""

SETTINGS = """\
workers = 2
[connections.warehouse]
type = "duckdb"
path = "shop.duckdb"
[connections.lake]
type = "files"
path = "lake"
"""


def kill_dbt(command: Command) -> None:
    """`kill -9` of the one dbt below a command."""
    below = psutil.Process(command.process.pid).children(recursive=True)
    (dbt,) = [each for each in below if any(word.endswith("/dbt/child.py") for word in each.cmdline())]
    dbt.kill()


def states(project: Project, run_id: str, column: str = "state") -> dict[str, Any]:
    """By task: its state, or another column."""
    with sqlite3.connect(project.root / ".toque" / "toque.db") as store:
        return dict(store.execute(f"select task, {column} from tasks where run_id = ?", [run_id]).fetchall())


def told(project: Project, run_id: str) -> list[dict[str, Any]]:
    """What a run told of assets, in the order of tasks."""
    with sqlite3.connect(project.root / ".toque" / "toque.db") as store:
        rows = store.execute("select rest from asset_events where run_id = ? order by task, asset", [run_id])
        return [msgspec.msgpack.decode(row[0])["event"] for row in rows]


def test_a_dbt_that_is_killed_goes_on_with_the_rest_and_a_retry_makes_exactly_what_a_test_held_back(
    project: Project,
) -> None:
    dbt_shop.write(project.root / "dbt", gated=dbt_shop.GATED)
    project.write("toque.toml", SETTINGS)
    project.write("shop.py", PIPELINE)
    (project.root / "lake").mkdir()
    with duckdb.connect(project.root / "shop.duckdb") as connection:
        connection.execute("create schema raw; create table raw.points as select 7 as points")
    gate = project.root.parent / "gate.csv"
    project.environ["GATE"] = str(gate)
    project.gate("gate.csv")

    run = project.start("run", "shop.py")
    run_id = run.until("run ").split()[1]
    run.until("✓ dbt.orders")
    gate.unlink()
    gate.write_text("id\n1\n")
    kill_dbt(run)
    run.until("✓ dbt.build")
    ended = run.end()
    assert ended.code == 1, ended
    assert states(project, run_id) == {
        "dbt.build": "succeeded",
        "dbt.orders": "succeeded",
        "dbt.gated": "succeeded",
        "dbt.apart": "succeeded",
        "dbt.staged": "succeeded",
        "dbt.unique_staged_id": "succeeded",
        "dbt.unique_staged_email": "succeeded",
        "dbt.not_null_staged_amount": "failed",
        "dbt.adds_up": "upstream_failed",
        "dbt.totals": "upstream_failed",
        "dbt.unique_totals_email": "upstream_failed",
        "lake_totals": "upstream_failed",
        "lake_apart": "succeeded",
    }
    attempts = states(project, run_id, "attempt")
    assert (attempts["dbt.build"], attempts["dbt.orders"]) == (2, 1), "what was finished stays finished"
    judge_what_was_told(project, run_id)

    with duckdb.connect(project.root / "shop.duckdb") as connection:
        connection.execute("update orders set amount = 30 where amount is null")
    again = project.start("retry", run_id)
    again_id = again.until("run ").split()[1]
    again.until("✓ dbt.build")
    assert again.end().code == 0
    tried = states(project, again_id, "attempt")
    assert {task for task, attempt in tried.items() if attempt} == {
        *("dbt.build", "dbt.not_null_staged_amount", "dbt.adds_up", "dbt.totals", "dbt.unique_totals_email"),
        "lake_totals",
    }, "exactly the rest"
    assert "1 of 4 START test not_null_staged_amount" in project.toque("logs", again_id, "dbt.build").out
    assert manifest_with_sql(project)["model.shop.totals"]


def judge_what_was_told(project: Project, run_id: str) -> None:
    """Of the data, in logs, as artifacts, and of what was compiled, when one test has failed and another one warned."""
    events = told(project, run_id)
    checked = [each for each in events if each["kind"] == "checked" and not each["passed"]]
    failing, warning = sorted(checked, key=lambda each: each["check"])  # they were made beside each other
    assert (failing["asset"], failing["check"], failing["failed_rows"]) == (
        "warehouse.main.staged",
        "not_null_staged_amount",
        1,
    )
    assert failing["sample"] == [{"amount": None}]
    assert (warning["check"], warning["severity"]) == ("unique_staged_email", "warn")
    assert warning["sample"] == [{"unique_field": "***", "n_records": "***"}], "addresses are nobody's business"
    assert 'from "shop"."main"."staged"' in failing["message"]
    made = {each["asset"]: each for each in events if each["kind"] == "materialized"}
    assert set(made) == {
        *("warehouse.main.orders", "warehouse.main.gated", "warehouse.main.apart", "warehouse.main.staged"),
        "lake.apart",
    }
    assert made["warehouse.main.orders"]["rows"] == 3
    seen = [each for each in events if each["kind"] == "observed" and each["asset"] == "warehouse.main.apart"]
    assert (seen[0]["rows"], seen[0]["columns"]) == (1, [["n", "BIGINT"], ["points", "HUGEINT"]])

    assert "create view" in project.toque("logs", run_id, "dbt.staged").out, "a node's own lines are in its own log"
    signals = (project.root / ".toque" / "logs" / run_id / "signals.jsonl").read_text().splitlines()
    artifacts = [json.loads(line) for line in signals]
    shown = {each["task"]: each["value"] for each in artifacts if each["name"] == "compiled.sql"}
    assert shown["dbt.staged"] == 'select id, amount, email from "shop"."main"."orders"'
    latest = manifest_with_sql(project)
    assert latest["model.shop.staged"]
    assert not latest["model.shop.totals"]


def test_what_is_selected_of_a_project_builds_in_postgresql_anew_if_asked_and_no_secret_reaches_the_disk(
    project: Project, empty_postgres_url: str
) -> None:
    url = empty_postgres_url.replace("postgres@", "postgres:hush-hush@")
    dbt_shop.write(project.root / "dbt", refreshed="select '{{ flags.FULL_REFRESH }}' as everything")
    project.write("dbt/seeds/orders.csv", "id,amount,email\n1,10,ann@example.com\n2,20,bob@example.com\n")
    project.write("shop.py", POSTGRESQL)
    project.write(
        "toque.toml", 'workers = 1\n[connections.warehouse]\ntype = "postgresql"\nurl = { secret = "env:SHOP_URL" }\n'
    )
    project.environ["SHOP_URL"] = url
    run = project.start("run", "shop.py", "-p", "everything=true")
    run_id = run.until("run ").split()[1]
    run.until("✓ dbt.build")
    assert run.end().code == 0
    events = told(project, run_id)
    made = {each["asset"]: each.get("rows") for each in events if each["kind"] == "materialized"}
    assert made == {
        "warehouse.marts.orders": 2,
        "warehouse.marts.totals": 2,
        "warehouse.marts.staged": None,
        "warehouse.marts.refreshed": None,
    }
    with psycopg.connect(empty_postgres_url) as connection:
        assert connection.execute("select everything from marts.refreshed").fetchall() == [("True",)]
    seen = {each["asset"]: each["columns"] for each in events if each["kind"] == "observed"}
    assert seen["warehouse.marts.totals"] == [["email", "text"], ["total", "bigint"]]
    written = [path for path in (project.root / ".toque").rglob("*") if path.is_file()]
    assert [path for path in written if b"hush-hush" in path.read_bytes()] == []


def manifest_with_sql(project: Project) -> dict[str, str]:
    """What lineage reads: the SQL of each entry, as far as any run has compiled it."""
    raw = json.loads((project.root / ".toque" / "dbt" / "dbt.json").read_bytes())
    return {name: node.get("compiled_code") or "" for name, node in raw["nodes"].items()}
