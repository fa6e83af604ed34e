"""The recipes of the page about reverse ETL run as they stand there, against the sandbox."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import ROOT, blocks
from tests.salesforce import Crm
from toque.integrations.salesforce.session import Options
from toque.integrations.warehouses.duckdb import DuckDBWarehouse

PAGE = ROOT / "docs" / "how-to" / "reverse-etl.md"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    with made.session() as session:
        session.execute("CREATE SCHEMA marts")
        session.execute("CREATE TABLE marts.scores_to_sync (user_id VARCHAR, lead_score INTEGER)")
        session.execute("INSERT INTO marts.scores_to_sync VALUES ('u1', 80), ('u2', 40), ('ada', 300)")
    return made


def test_scores_go_to_salesforce_and_contacts_come_back(
    crm: Crm, warehouse: DuckDBWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for user in ("u1", "u2", "ada"):
        crm.add(LastName=user, Product_User_Id__c=user)
    _, preview, to_salesforce, log, from_salesforce, *_ = blocks(PAGE, "python")
    page: dict[str, Any] = {"crm": crm.options, "warehouse": warehouse}
    to_salesforce = to_salesforce.replace("tolerate=0.02", "tolerate=0.5")
    exec(to_salesforce, page)
    assert capsys.readouterr().out == "2 1\n"
    assert crm.all()["u1"]["Lead_Score__c"] == 80
    exec(preview, page)
    assert capsys.readouterr().out == "{'update': 1} 0 0\n"
    exec(log, page)
    printed = capsys.readouterr().out
    assert printed.startswith(
        "('ada',) update FIELD_CUSTOM_VALIDATION_EXCEPTION: Lead_Score__c must lie between 0 and 100"
    )
    assert len(Path("ada.csv").read_text().splitlines()) == 2
    exec(from_salesforce, page)
    with warehouse.session() as session:
        assert session.fetch('SELECT count(*), max("Lead_Score__c") FROM raw.contact') == [(3, 80.0)]
    page["client"].close()


def test_the_other_destinations_on_the_page_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    *_, destinations, source = blocks(PAGE, "python")
    page: dict[str, Any] = {}
    exec("from toque.graph.loads import TableName\n" + destinations + source, page)
    page["people"].expect(["upsert", "delete"], ["id"], ["name"])
    assert [page[name].name for name in ("people", "table", "drop", "orders")] == [
        "acme.people",
        "public.scores",
        "partners/acme",
        "acme.orders",
    ]


def test_the_connection_on_the_page_is_valid() -> None:
    (connection,) = tomllib.loads(blocks(PAGE, "toml")[0])["connections"].values()
    assert connection.pop("type") == "salesforce"
    opened = {name: "secret" if isinstance(value, dict) else value for name, value in connection.items()}
    assert Options.of(opened).url == "https://acme.my.salesforce.com"
