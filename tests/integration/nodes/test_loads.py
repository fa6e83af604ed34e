"""Loads as nodes: what they bring, what they tell, and what their checks hold back."""

from __future__ import annotations

import msgspec
import psycopg
import pytest

from tests.integration.nodes.conftest import Project
from tests.postgres import PostgresServer
from tests.salesforce import Crm
from toque.engine.assets import Observed
from toque.graph.assets import AssetDependency
from toque.graph.ir import Pipeline, TaskNode

FILES = """
from toque import Files, Upsert, Warehouse, in_range, load, not_null, pipeline, row_count, unique

inbox, warehouse = Files("inbox"), Warehouse("warehouse")
orders = load(inbox.files("*.csv"), into=warehouse.table("raw.orders"), mode=Upsert("id"), owner="shop"{more})
shop = pipeline("shop", assets=[orders])
"""


@pytest.fixture
def inbox(project: Project) -> Project:
    project.connect("inbox", type="file", path="inbox")
    (project.root / "inbox").mkdir()
    (project.root / "inbox" / "monday.csv").write_text("id,email,amount\n1,ada@x.example,10\n2,bob@x.example,20\n")
    return project


def only(pipeline: Pipeline) -> TaskNode:
    (node,) = pipeline.nodes
    assert isinstance(node, TaskNode)
    return node


def test_the_node_of_a_load_has_constants_names_of_connections_and_no_more(inbox: Project) -> None:
    pipeline = inbox.load(FILES.format(more=""))
    node = only(pipeline)
    assert (node.id, node.code.module, node.meta.owner) == ("raw_orders", "toque.integrations.loading.node", "shop")
    assert (node.reads, node.writes) == ((), ("warehouse.raw.orders",))
    assert {name: (inject.kind, inject.name) for name, inject in node.inject.items()} == {
        "source_connection": ("connection", "inbox"),
        "into_connection": ("connection", "warehouse"),
    }
    assert [claim.pool for claim in node.policy.pools] == ["connection:inbox", "connection:warehouse"]
    assert node.policy.retry is not None
    assert node.policy.retry.classes == ("transient",)
    assert b"duckdb" not in msgspec.json.encode(pipeline)


def test_a_load_observes_its_source(inbox: Project) -> None:
    assets = {asset.key: asset for asset in inbox.load(FILES.format(more="")).assets}
    assert list(assets) == ["inbox.csv", "warehouse.raw.orders"]
    made = assets["warehouse.raw.orders"]
    assert (made.node, made.io) == ("raw_orders", "load, upsert")
    assert made.upstream == (AssetDependency(asset="inbox.csv", observed=True),)
    assert made.sources == ()


def test_a_load_tells_what_the_table_is_now(inbox: Project) -> None:
    pipeline = inbox.load(FILES.format(more=""))
    first = inbox.run(pipeline)
    assert (first.result("raw_orders")["inserted"], first.result("raw_orders")["ignored"]) == (2, 0)
    made = first.made("raw_orders")
    assert (made.asset, made.rows, made.metadata["inserted"]) == ("warehouse.raw.orders", 2, 2)
    assert made.columns[0] == ("id", "BIGINT")
    assert [event.asset for event in first.told("raw_orders") if isinstance(event, Observed)] == ["inbox.csv"]
    assert made.code_version == next(a for a in pipeline.assets if a.node).code_version


def test_the_version_of_a_table_changes_with_its_rows_only(inbox: Project) -> None:
    pipeline = inbox.load(FILES.format(more=""))
    versions = [inbox.run(pipeline).made("raw_orders").data_version for _ in range(2)]
    assert versions[0] == versions[1]
    (inbox.root / "inbox" / "tuesday.csv").write_text("id,email,amount\n2,bob@x.example,25\n")
    assert inbox.run(pipeline).made("raw_orders").data_version != versions[0]


def test_bad_rows_are_set_aside_before_the_load_takes_effect(inbox: Project) -> None:
    checks = ", checks=[in_range('amount', max=15).quarantine(), row_count(min=1), unique('id')]"
    ran = inbox.run(inbox.load(FILES.format(more=checks)))
    assert ran.result("raw_orders")["set_aside"] == 1
    assert inbox.rows("SELECT id FROM raw.orders") == [(1,)]
    assert inbox.rows("SELECT rule, value FROM raw.orders__rejects") == [("in_range(amount)", "20")]
    found = ran.checked("raw_orders")
    assert {name: each.passed for name, each in found.items()} == {
        "in_range(amount)": False,
        "row_count": True,
        "unique(id)": True,
    }
    bad = found["in_range(amount)"]
    assert (bad.asset, bad.severity, bad.failed_rows) == ("warehouse.raw.orders", "quarantine", 1)
    assert bad.sample == [{"id": 2, "email": "***", "amount": 20}]


def test_a_check_of_the_table_that_blocks_takes_back_the_batch(inbox: Project) -> None:
    ran = inbox.run(inbox.load(FILES.format(more=", checks=[row_count(min=3), not_null('email')]")))
    error = ran.error("raw_orders")
    assert (error.kind, error.retryable) == ("data", False)
    assert "row_count" in error.message
    assert {name: each.passed for name, each in ran.checked("raw_orders").items()} == {
        "not_null(email)": True,
        "row_count": False,
    }
    assert inbox.rows("SELECT count(*) FROM raw.orders") == [(0,)]
    (inbox.root / "inbox" / "tuesday.csv").write_text("id,email,amount\n3,cy@x.example,1\n")
    assert (
        "row_count"
        in inbox.run(inbox.load(FILES.format(more=", checks=[row_count(min=3)]"))).error("raw_orders").message
    )


def test_a_load_that_fails_half_way_tells_what_it_has_committed(project: Project) -> None:
    pipeline = project.load(
        """
        import pyarrow as pa
        from toque import Merge, Warehouse, load, pipeline
        from toque.ports.sources import Batch

        class Broken:
            name = "broken"

            def read(self, cursor):
                yield Batch(rows=pa.table({"id": [1]}), since=cursor, upto="1")
                raise OSError("the line is cut")

            def confirm(self, cursor): ...

        broken, table = Broken(), Warehouse("warehouse").table("raw.half")
        whole = pipeline("whole", assets=[load(broken, into=table, mode=Merge("id"))])
        """
    )
    ran = project.run(pipeline)
    assert "the line is cut" in ran.error("raw_half").message
    assert (ran.made("raw_half").rows, ran.made("raw_half").metadata["inserted"]) == (1, 1)


def test_versions_of_one_key_in_a_batch_do_not_repeat_it(inbox: Project) -> None:
    (inbox.root / "inbox" / "tuesday.csv").write_text("id,email,amount\n2,bob@x.example,1\n2,bob@x.example,2\n")
    ran = inbox.run(inbox.load(FILES.format(more=", checks=[unique('id')]")))
    assert ran.checked("raw_orders")["unique(id)"].passed


def test_an_own_source_and_a_resource_are_loaded_as_they_are(project: Project) -> None:
    pipeline = project.load(
        """
        import pyarrow as pa
        from toque import Merge, Warehouse, load, pipeline, resource
        from toque.ports.sources import Batch

        warehouse = Warehouse("warehouse")

        class Counter:
            name = "counter"

            def read(self, cursor):
                last = int(cursor or 0)
                rows = pa.table({"id": [last + 1, last + 2]})
                yield Batch(rows=rows, since=cursor, upto=str(last + 2), order=rows["id"].combine_chunks())

            def confirm(self, cursor): ...

        counter = Counter()

        @resource(scope="attempt")
        def opened():
            yield Counter()

        whole = pipeline("whole", assets=[
            load(counter, into=warehouse.table("raw.counted"), mode=Merge("id")),
            load(opened, into=warehouse.table("raw.opened"), mode=Merge("id")),
        ])
        """
    )
    project.run(pipeline)
    ran = project.run(pipeline)
    assert ran.result("raw_counted")["cursor"] == ran.result("raw_opened")["cursor"] == "4"
    assert {asset.key for asset in pipeline.assets} >= {"counter", "opened"}


def test_tables_and_queries_of_a_database_are_sources(project: Project) -> None:
    project.execute("CREATE TABLE people (id INT, seen TIMESTAMP)", "INSERT INTO people VALUES (1, '2026-01-01')")
    pipeline = project.load(
        """
        from toque import Merge, Replace, Warehouse, load, pipeline

        warehouse = Warehouse("warehouse")
        whole = pipeline("whole", assets=[
            load(warehouse.table("people", cursor="seen"), into=warehouse.table("raw.newest"), mode=Merge("id")),
            load(warehouse.table("people"), into=warehouse.table("raw.copied"), mode=Merge("id")),
            load(
                warehouse.query("SELECT id + 1 AS id FROM people", name="next"),
                into=warehouse.table("raw.next"),
                mode=Replace(),
            ),
        ])
        """
    )
    ran = project.run(pipeline)
    assert {name: ran.result(name)["inserted"] for name in ran.reports} == {
        "raw_newest": 1,
        "raw_copied": 1,
        "raw_next": 1,
    }
    project.execute("DELETE FROM people", "INSERT INTO people VALUES (2, '2026-01-02')")
    again = project.run(pipeline)
    assert again.result("raw_newest")["deleted"] == 0
    assert again.result("raw_copied")["deleted"] == 1  # a table without a cursor is read as a whole
    assert project.rows("SELECT id FROM raw.next") == [(3,)]


def test_changes_of_an_object_of_salesforce_are_merged(project: Project, crm: Crm) -> None:
    first = crm.add(LastName="Ada")
    project.connect("crm", type="salesforce", **crm.options)
    pipeline = project.load(
        """
        from toque import Merge, Salesforce, Warehouse, load, pipeline

        crm, warehouse = Salesforce("crm"), Warehouse("warehouse")
        changes = crm.changes("Contact", fields=["LastName"])
        contacts = load(changes, into=warehouse.table("raw.contact"), mode=Merge("Id"))
        whole = pipeline("whole", assets=[contacts])
        """
    )
    assert project.run(pipeline).result("raw_contact")["inserted"] == 1
    assert project.rows('SELECT "Id", "LastName" FROM raw.contact') == [(first, "Ada")]


def test_changes_of_postgresql_come_from_its_log(project: Project, postgres: PostgresServer) -> None:
    url = postgres.create("template1")
    project.connect("app", type="postgresql", url=url)
    pipeline = project.load(
        """
        from toque import Append, Postgres, Warehouse, load, pipeline

        app, warehouse = Postgres("app"), Warehouse("warehouse")
        events = load(app.changes("public.events"), into=warehouse.table("raw.events"), mode=Append("id"))
        whole = pipeline("whole", assets=[events])
        """
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE events (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO events VALUES (1, 'seen')")
        assert project.run(pipeline).result("raw_events")["inserted"] == 1
        connection.execute("INSERT INTO events VALUES (2, 'bought')")
        assert project.run(pipeline).result("raw_events")["inserted"] == 1
        connection.execute("SELECT pg_drop_replication_slot('toque_public_events')")
    assert project.rows("SELECT id, name FROM raw.events ORDER BY id") == [(1, "seen"), (2, "bought")]
    postgres.drop(url)
