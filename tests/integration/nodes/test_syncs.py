"""Syncs as nodes: what they send, what they tell however they end, and the page of records that they leave."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tests.integration.nodes.conftest import Project
from tests.salesforce import Crm
from toque.engine.assets import Observed
from toque.graph.assets import AssetDependency
from toque.graph.ir import TaskNode

SHELF = dedent(
    """
    import json
    from pathlib import Path
    from toque import Create, Guard, Mirror, Update, Upsert, Warehouse, load, pipeline, sync
    from toque.ports.destinations import Result

    class Shelf:
        name = "shelf"
        batch_size = 10

        def send(self, operation, records):
            with Path("shelf.jsonl").open("a") as file:
                for record in records:
                    file.write(json.dumps([operation, record.values]) + "\\n")
            return [Result(accepted="@" in record.fields.get("email", "@"), reason="no address") for record in records]

    shelf, warehouse = Shelf(), Warehouse("warehouse")
    """
)
PEOPLE = """
fields = {"id": "id", "email": "email"}
people = sync(warehouse.table("marts.people"), into=shelf, mode=Upsert("id"), fields=fields{more})
whole = pipeline("whole", assets=[people])
"""


@pytest.fixture
def people(project: Project) -> Project:
    project.execute(
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.people (id INT, email VARCHAR, seen INT)",
        "INSERT INTO marts.people VALUES (1, 'ada@x.example', 1), (2, 'bob@x.example', 1)",
    )
    return project


def sent(project: Project) -> list[tuple[str, int]]:
    lines = (project.root / "shelf.jsonl").read_text().splitlines()
    return [(operation, values["id"]) for operation, values in map(json.loads, lines)]


def test_the_node_of_a_sync_reads_its_table_and_lets_no_other_run_of_it_in(people: Project) -> None:
    pipeline = people.load(SHELF + PEOPLE.replace("{more}", ', tolerate="2%"'))
    (node,) = pipeline.nodes
    assert isinstance(node, TaskNode)
    assert (node.id, node.reads, node.writes) == ("shelf", ("warehouse.marts.people",), ("shelf",))
    assert [claim.pool for claim in node.policy.pools] == ["connection:warehouse", "sync:shelf"]
    made = next(asset for asset in pipeline.assets if asset.key == "shelf")
    assert made.upstream == (AssetDependency(asset="warehouse.marts.people"),)


def test_a_sync_sends_what_changed_and_tells_what_became_of_it(people: Project) -> None:
    pipeline = people.load(SHELF + PEOPLE.replace("{more}", ""))
    first = people.run(pipeline)
    assert first.result("shelf")["created"] == 2
    made = first.made("shelf")
    assert (made.rows, made.metadata["accepted"]) == (2, 2)
    assert [event for event in first.told("shelf") if isinstance(event, Observed)] == [
        Observed(asset="warehouse.marts.people", rows=2)
    ]
    people.execute("UPDATE marts.people SET seen = 2")
    second = people.run(pipeline)
    assert (second.result("shelf")["sent"], second.made("shelf").data_version) == (0, made.data_version)
    people.execute("UPDATE marts.people SET email = 'ada@y.example' WHERE id = 1")
    assert people.run(pipeline).made("shelf").data_version != made.data_version
    assert sent(people) == [("upsert", 1), ("upsert", 2), ("upsert", 1)]


def test_a_sync_that_fails_tells_what_arrived_all_the_same(people: Project) -> None:
    people.execute("INSERT INTO marts.people VALUES (3, 'nobody', 1)")
    ran = people.run(people.load(SHELF + PEOPLE.replace("{more}", "")))
    error = ran.error("shelf")
    assert (error.kind, error.retryable, "1 of 3 records did not arrive" in error.message) == ("data", False, True)
    assert error.sample == [{"status": "rejected", "reason": "no address", "id": 3, "email": "***"}]
    made = ran.made("shelf")
    assert (made.metadata["accepted"], made.metadata["rejected"]) == (2, 1)
    assert made.metadata["rejects"] == [
        {"status": "rejected", "reason": "no address", "record": {"id": 3, "email": "***"}}
    ]
    page = ran.artifact("records").to_pylist()
    assert [(row["status"], row["key"]) for row in page] == [
        ("rejected", "3"),
        ("accepted", "1"),
        ("accepted", "2"),
    ]
    assert not [row for row in page if "x.example" in row["payload"]]


def test_a_sync_that_is_stopped_tells_why(people: Project) -> None:
    people.execute("INSERT INTO marts.people SELECT range, 'a@b', 1 FROM range(3, 60)")
    pipeline = people.load(SHELF + PEOPLE.replace("{more}", ', on_delete="delete"'))
    people.run(pipeline)
    people.execute("DELETE FROM marts.people")
    ran = people.run(pipeline)
    assert "nothing was sent" in ran.error("shelf").message
    assert [each["kind"] for each in ran.made("shelf").metadata["deviations"]][:1] == ["deletes"]


def test_scores_arrive_in_salesforce(project: Project, crm: Crm) -> None:
    crm.add(LastName="Ada", Product_User_Id__c="u1")
    project.connect("crm", type="salesforce", **crm.options)
    project.execute(
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.scores (user_id VARCHAR, score INT)",
        "INSERT INTO marts.scores VALUES ('u1', 7)",
    )
    pipeline = project.load(
        """
        from toque import Merge, Salesforce, Update, Warehouse, load, pipeline, sync

        crm, warehouse = Salesforce("crm"), Warehouse("warehouse")
        changes = crm.changes("Contact", fields=["LastName"])
        contacts = load(changes, into=warehouse.table("raw.contact"), mode=Merge("Id"))
        scores = sync(
            warehouse.table("marts.scores"),
            into=crm.object("Contact"),
            mode=Update("Product_User_Id__c"),
            fields={"user_id": "Product_User_Id__c", "score": "Lead_Score__c"},
        )
        revops = pipeline("revops", assets=[scores, contacts])
        """
    )
    assert {node.id: [edge.source for edge in node.upstream] for node in pipeline.nodes} == {
        "crm_Contact": [],
        "raw_contact": [],
    }, "a load observes what a sync writes: neither waits for the other"
    assert project.run(pipeline).result("crm_Contact")["updated"] == 1
    assert crm.all()["u1"]["Lead_Score__c"] == 7
