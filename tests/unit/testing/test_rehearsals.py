"""One attempt outside of any run: what it is supplied, and what it tells of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.integrations.dbt.manifests import check, document, model
from toque import DbtProject, Partition, Secret, Variable, Warehouse, asset, context, task, use
from toque.integrations.dbt import node as dbt_node
from toque.testing import NotIdempotent, replace, verify_idempotent
from toque.testing.rehearsals import NodeFailed
from toque.worker.hosting import members
from toque.worker.instants import instant

warehouse = Warehouse("warehouse")

SETTINGS = """
[variables]
limit = 3

[secrets]
token = "env:A_TOKEN"

[connections.warehouse]
type = "duckdb"
path = "shop.duckdb"
"""


@task
def count_up(step: int, limit: int = use(Variable("limit", int)), shop: Warehouse = use(warehouse)) -> int:
    with shop.session() as session:
        session.execute("CREATE TABLE IF NOT EXISTS counted (step INT)")
        session.execute("INSERT INTO counted VALUES (?)", [step])
    return limit


@task
def ask(token: str = use(Secret("token"))) -> str:
    return f"{token} {context().idempotency_key}"


@asset
def orders() -> list[int]:
    return [1, 2]


@asset
def total(orders: list[int], day: Partition = use(Partition)) -> str:
    return f"{sum(orders)} of {day.key}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toque.toml").write_text(SETTINGS)
    return tmp_path


def test_a_task_gets_what_stands_in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "abc")
    assert verify_idempotent(ask, project=project)() == "abc verify/ask"
    with pytest.raises(NotIdempotent, match=r"table .*counted: 1 rows, then 2"):
        verify_idempotent(count_up, watch=[project / "shop.duckdb"], project=project)(7)
    assert duckdb.connect(str(project / "shop.duckdb")).execute("FROM counted").fetchall() == [(7,), (7,)]


def test_an_asset_is_its_function() -> None:
    day = Partition(key="2026-01-01", start=instant(0), end=instant(1))
    assert verify_idempotent(total)([1, 2], day=day) == "3 of 2026-01-01"


@pytest.fixture
def models(tmp_path: Path) -> DbtProject:
    (tmp_path / "manifest.json").write_bytes(document(model("staged"), check("unique_id", "staged")))
    return DbtProject("dbt", connection=warehouse, manifest=str(tmp_path / "manifest.json"))


def test_a_dbt_project_is_run_with_all_its_members(models: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []

    def run(build: Any, connection: Any) -> str:
        runs.append(context().attempt)
        for name in members().pending:
            members().succeeded(name)
        return f"{len(build['members'])} members in {connection}"

    def tables() -> dict[str, Any]:
        return {"marts.staged": [{"id": 1, "built_at": len(runs)}], "marts.log": [{"line": n} for n in runs]}

    monkeypatch.setattr(dbt_node, "run", run)
    with replace(warehouse, "a fake"):
        assert verify_idempotent(models)() == "2 members in a fake"
        with pytest.raises(NotIdempotent, match="dbt is not idempotent") as raised:
            verify_idempotent(models, watch=[tables], ignore=["BUILT_AT"])()
    assert runs == [1, 2, 1, 2]
    assert raised.value.differences == ["table marts.log: 3 rows, then 4", "  + (2,)"]


def test_a_model_that_fails_ends_it(models: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(build: Any, connection: Any) -> None:
        members().failed("dbt.staged", "no such column")

    monkeypatch.setattr(dbt_node, "run", run)
    with replace(warehouse, "a fake"), pytest.raises(NodeFailed, match=r"dbt\.staged failed, .*: no such column"):
        verify_idempotent(models)()
