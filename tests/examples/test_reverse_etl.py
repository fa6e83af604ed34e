"""The recipes of the page about reverse ETL run as they stand there, against the sandbox."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import ROOT, blocks
from tests.integration.nodes.conftest import Project, forget
from tests.salesforce import Crm
from toque.integrations.salesforce.session import Options
from toque.integrations.syncing.opening import open_destination
from toque.ports.destinations import Describes

PAGE = ROOT / "docs" / "how-to" / "reverse-etl.md"
WHOLE = 'whole = pipeline("whole", assets=[to_an_api, to_a_table, to_files, orders])'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    yield Project(tmp_path)
    forget(tmp_path)


def test_scores_go_to_salesforce_and_contacts_come_back(crm: Crm, project: Project, capsys: Any) -> None:
    project.connect("crm", type="salesforce", **crm.options)
    project.execute(
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.scores_to_sync (user_id VARCHAR, lead_score INTEGER)",
        "INSERT INTO marts.scores_to_sync VALUES ('u1', 80), ('u2', 40), ('ada', 300)",
    )
    for user in ("u1", "u2", "ada"):
        crm.add(LastName=user, Product_User_Id__c=user)
    _, revops, log, *_ = blocks(PAGE, "python")
    pipeline = project.load(revops.replace('tolerate="2%"', 'tolerate="50%"'))
    sent = project.run(pipeline).result("crm_Contact")
    assert (sent["updated"], sent["rejected"]) == (2, 1)
    assert crm.all()["u1"]["Lead_Score__c"] == 80
    capsys.readouterr()
    exec(log, {"scores": project.module.scores})
    assert capsys.readouterr().out.startswith(
        "('ada',) update FIELD_CUSTOM_VALIDATION_EXCEPTION: Lead_Score__c must lie between 0 and 100"
    )
    assert len(Path("ada.csv").read_text().splitlines()) == 2
    project.run(pipeline)
    assert project.rows('SELECT count(*), max("Lead_Score__c") FROM raw.contact') == [(3, 80.0)]


def test_the_other_destinations_and_the_records_of_an_api_on_the_page_are_nodes(project: Project) -> None:
    *_, destinations, records = blocks(PAGE, "python")
    project.load(destinations + records + f"\nfrom toque import pipeline\n{WHOLE}\n")
    written = {node.id: node.writes for node in project.named("whole").nodes}
    assert written == {
        "acme_people": ("acme.people",),
        "app_public_people": ("app.public.people",),
        "partners_acme": ("partners.acme",),
        "raw_orders": ("warehouse.raw.orders",),
    }


def test_the_connections_on_the_page_are_valid() -> None:
    _, crm, others = (tomllib.loads(block)["connections"] for block in blocks(PAGE, "toml"))
    (connection,) = crm.values()
    assert connection.pop("type") == "salesforce"
    opened = {name: "secret" if isinstance(value, dict) else value for name, value in connection.items()}
    assert Options.of(opened).url == "https://acme.my.salesforce.com"
    others["acme"]["auth"]["token"] = "secret"
    options = {name: value for name, value in others["acme"].items() if name != "type"}
    with open_destination("http", options, "acme.people", "people") as people:
        assert isinstance(people, Describes)
        people.expect(["upsert", "delete"], ["id"], ["name"])
