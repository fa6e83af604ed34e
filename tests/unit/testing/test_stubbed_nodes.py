"""Loads, syncs and dbt projects with something else in their place: nothing is opened, read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.integrations.dbt.manifests import check, document, model
from toque import (
    DbtProject,
    Merge,
    RunFailed,
    Salesforce,
    Update,
    Warehouse,
    asset,
    load,
    pipeline,
    row_count,
    sync,
    task,
)
from toque.errors import UserError
from toque.testing import clock, stub

crm, warehouse = Salesforce("crm"), Warehouse("warehouse")
contacts = load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"))
scores = sync(
    warehouse.table("marts.totals"),
    into=crm.object("Contact"),
    mode=Update("Id"),
    fields={"score": "Score__c"},
)


@task
def tell(count: int) -> str:
    return f"{count} rows"


@pipeline
def told():
    """The load under another name."""
    return tell(contacts.options(name="again")()["inserted"])


@pytest.fixture
def models(tmp_path: Path) -> DbtProject:
    (tmp_path / "manifest.json").write_bytes(
        document(model("staged", "source.crm.contact"), check("unique_id", "staged"), model("totals", "staged"))
    )
    manifest = str(tmp_path / "manifest.json")
    return DbtProject("dbt", connection=warehouse, manifest=manifest, sources={"crm.contact": contacts})


def test_all_of_it_runs_without_any_connection(models: DbtProject) -> None:
    whole = pipeline("whole", assets=[contacts, models, scores])
    with stub(contacts, returns={"inserted": 2}), stub(models), stub(scores, returns={"sent": 1}):
        run = whole.run()
    assert set(run.states.values()) == {"succeeded"}
    assert {"raw_contact", "dbt.build", "dbt.staged", "dbt.unique_id", "dbt.totals", "crm_Contact"} == set(run.states)
    assert run[contacts].result == {"inserted": 2}
    assert run[scores].result == {"sent": 1}


def test_what_fails_halts_what_is_made_from_it(models: DbtProject) -> None:
    whole = pipeline("whole", assets=[contacts, models, scores])
    with (
        stub(contacts),
        stub(models, raises=RuntimeError("dbt is not installed")),
        stub(scores),
        pytest.raises(RunFailed) as raised,
    ):
        whole.run()
    states = raised.value.run.states
    assert states["raw_contact"] == "succeeded"
    assert states["dbt.build"] == "failed"
    assert states["dbt.totals"] != "succeeded"
    assert states["crm_Contact"] == "upstream_failed"


def test_whether_its_retries_are_enough() -> None:
    only = pipeline("only", assets=[contacts])
    with (
        clock("2026-03-29T00:30Z"),
        stub(contacts, raises=TimeoutError("too slow")),
        pytest.raises(RunFailed, match="too slow") as raised,
    ):
        only.run()
    assert raised.value.run[contacts].attempts == 4


def test_a_load_is_meant_under_each_name_unless_one_is_stated() -> None:
    with stub(contacts, returns={"inserted": 3}):
        assert told.run().result == "3 rows"
    with stub(contacts, returns={"inserted": 3}), stub(contacts.options(name="other"), returns={"inserted": 4}):
        assert told.run().result == "3 rows"
    with stub(contacts, returns={"inserted": 3}), stub(contacts.options(name="again"), returns={"inserted": 4}):
        assert told.run().result == "4 rows"
    other = load(crm.changes("Account"), into=warehouse.table("raw.account"), mode=Merge("Id"))
    assert not any(other.is_run_by(node) for node in told.ir.nodes)  # type: ignore[arg-type]


def test_after_so_many_attempts_its_own_code_runs() -> None:
    only = pipeline("only", assets=[contacts])
    with (
        clock("2026-03-29T00:30Z"),
        stub(contacts, raises=TimeoutError("too slow"), times=1),
        pytest.raises(RunFailed, match="no project is at hand"),
    ):
        only.run()


@asset
def orders() -> list[int]:
    raise ConnectionError("the shop is closed")


@asset(checks=[row_count(min=1)])
def late(orders: list[int]) -> list[dict[str, int]]:
    return [{"order": each} for each in orders]


def test_what_stands_for_an_asset_is_kept_and_read_in_its_place() -> None:
    both = pipeline("both", assets=[orders, late])
    with stub(orders, returns=[1, 2]):
        assert both.run()[late].result["rows"] == 2
        assert orders() == [1, 2]
    with stub(orders, returns=[]), pytest.raises(RunFailed, match="row_count"):
        both.run()


def test_what_is_none_of_them_cannot_be_stubbed() -> None:
    with pytest.raises(UserError, match=r"an asset, a load, a sync or a dbt project"):
        stub(warehouse)  # type: ignore[call-overload]
