"""The same pipeline in DuckDB, PostgreSQL and Snowflake: loads, checks, and assets that are audited where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.nodes.conftest import Project
from tests.postgres import PostgresServer
from tests.snowflake import settings_of
from toque import in_range
from toque.engine.assets import Materialized
from toque.errors import UserError
from toque.integrations.checking import desk_of, look_at, replay
from toque.integrations.probes import probe_for
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.warehouse import Warehouse

WHOLE = """
import pyarrow as pa
from toque import (
    Append, Merge, Replace, Scd2, Static, Upsert, {kind}, asset, context, in_range, load, matches, not_null,
    pipeline, relationships, row_count, schema,
)
from toque.ports.sources import Batch

warehouse = {kind}("warehouse")
marts = warehouse.tables("marts")


class Users:
    name = "app.users"
    days = [
        ([1, 2, 3], ["trial", "team", "team"], [False] * 3),
        ([2, 3, 4], ["free", None, "trial"], [False, True, False]),
    ]

    def read(self, cursor):
        for day in range(int(cursor or 0), len(self.days)):
            ids, plans, deleted = self.days[day]
            yield Batch(
                rows=pa.table({{"id": ids, "plan": pa.array(plans, pa.string())}}), since=str(day or ""),
                upto=str(day + 1), deleted=pa.array(deleted), order=pa.array([day + 1] * 3, pa.int64()),
            )

    def confirm(self, cursor):
        pass


users = Users()
SAME = matches("raw.users", key="id", columns=["plan"])
CHECKS = [not_null("id"), row_count(min=1), schema(["id", "plan"], extra=False)]
merged = load(users, into=warehouse.table("raw.users"), mode=Merge("id"), checks=CHECKS)
history = load(users, into=warehouse.table("raw.history"), mode=Scd2("id"))
log = load(users, into=warehouse.table("raw.log"), mode=Append())
now = warehouse.query("SELECT id, plan FROM raw.users", name="now")
copied = load(now, into=warehouse.table("raw.copied"), mode=Replace(), checks=[SAME])
grown = load(warehouse.table("raw.copied", cursor="id"), into=warehouse.table("raw.grown"), mode=Upsert("id"))


@asset(
    io=marts, publish="audited", reads=[copied],
    checks=[relationships("id", "raw.copied"), in_range("n", max=5).quarantine()],
)
def plans() -> list[dict]:
    return {rows}


REGION = [in_range("n", max=2), in_range("n", min=1).quarantine(), schema(["region", "n"], extra=False)]


@asset(io=marts, publish="audited", checks=REGION, partitions=Static(["eu", "us"]))
def sales() -> list[dict]:
    return [{{"region": context().partition_key, "n": n}} for n in {sales}]


@asset
def names(plans: list) -> list:
    return sorted(row["name"] for row in plans)


regions = pipeline("regions", assets=[sales])
audited = pipeline("audited", assets=[plans, names])
kept = pipeline("kept", assets=[history, log])
again = pipeline("again", assets=[merged])
loads = pipeline("loads", assets=[merged, copied, grown])
"""
GOOD = '[{"id": 1, "name": "ada", "n": 1}, {"id": 4, "name": "dan", "n": 9}]'


@pytest.fixture(params=["Warehouse", "Postgres", "Snowflake"])
def kind(request: pytest.FixtureRequest) -> str:
    """The class of the connection."""
    return str(request.param)


@pytest.fixture
def warehouse(kind: str, project: Project, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """What the connection `warehouse` of the project is bound to."""
    match kind:
        case "Warehouse":
            yield project.warehouse
        case "Postgres":
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create("template1")
            project.settings = f'[connections.warehouse]\ntype = "postgresql"\nurl = "{url}"\n'
            yield PostgreSQLWarehouse(url)
            server.drop(url)
        case _:
            from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

            emulator = request.getfixturevalue("snowflake_emulator")
            project.settings = settings_of(emulator, "warehouse")
            made = SnowflakeWarehouse(emulator)
            yield made
            with made.session() as session:
                for schema in ("raw", "marts"):
                    session.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def rows(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.session() as session:
        return session.fetch(query)


def of(kind: str, *, rows: str = GOOD, sales: str = "[1, 2]") -> str:
    return WHOLE.format(kind=kind, rows=rows, sales=sales)


def test_loads_take_effect_once(kind: str, project: Project, warehouse: Warehouse) -> None:
    ran = project.run(project.load(of(kind)))
    assert (ran.result("raw_users")["cursor"], ran.made("raw_users").rows) == ("2", 3)
    assert ran.made("raw_copied").metadata["inserted"] == 3
    assert ran.checked("raw_copied")["matches(raw.users)"].passed
    assert ran.result("raw_grown")["cursor"] == "int:4"
    again = project.run(project.named("again")).result("raw_users")
    assert (again["inserted"], again["updated"], again["deleted"]) == (0, 0, 0)
    for name in ("users", "copied", "grown"):
        found = rows(warehouse, f"SELECT id, plan FROM raw.{name} ORDER BY id")
        assert found == [(1, "trial"), (2, "free"), (4, "trial")]


@pytest.mark.parametrize("kind", ["Warehouse", "Postgres"], indirect=True)
def test_what_came_stays_where_the_mode_keeps_it(kind: str, project: Project, warehouse: Warehouse) -> None:
    """On Snowflake each mode is held by the conformance suite of the warehouses: the emulator takes its time."""
    project.load(of(kind))
    for _ in range(2):
        project.run(project.named("kept"))
    assert rows(warehouse, "SELECT count(*), sum(CASE WHEN is_current THEN 1 ELSE 0 END) FROM raw.history") == [(5, 3)]
    assert rows(warehouse, "SELECT count(*) FROM raw.log") == [(5,)]


def test_an_asset_is_audited_where_it_is_before_it_is_published(
    kind: str, project: Project, warehouse: Warehouse
) -> None:
    project.load(of(kind))
    with warehouse.session() as session:
        for statement in ("CREATE SCHEMA raw", "CREATE TABLE raw.copied (id INT)", "INSERT INTO raw.copied VALUES (1)"):
            session.execute(statement)
        session.execute("INSERT INTO raw.copied VALUES (2), (4)")
    ran = project.run(project.named("audited"))
    made = ran.made("plans")
    assert (made.rows, made.metadata["set_aside"], made.metadata["rejects"]) == (1, 1, "marts.plans__rejects")
    assert {name: each.passed for name, each in ran.checked("plans").items()} == {
        "relationships(id in raw.copied.id)": True,
        "in_range(n)": False,
    }
    assert ran.result("names")["rows"] == 1
    assert project.run(project.named("audited")).made("plans").data_version == made.data_version

    project.load(of(kind, rows='[{"id": 7, "name": "eve", "n": 1}]'))
    failed = project.run(project.named("audited"))
    assert failed.error("plans").kind == "data"
    assert "The old data stays live; what was built stands in marts.plans__staging." in failed.error("plans").message
    assert not failed.checked("plans")["relationships(id in raw.copied.id)"].passed
    assert rows(warehouse, "SELECT id, name FROM marts.plans") == [(1, "ada")]
    assert rows(warehouse, "SELECT id, name FROM marts.plans__staging") == [(7, "eve")]

    project.load(of(kind, rows='[{"id": 2, "name": "bob", "n": 1, "more": True}]'))
    project.run(project.named("audited"))
    assert rows(warehouse, "SELECT id, more FROM marts.plans") == [(2, True)]


def test_a_slice_is_audited_alone(kind: str, project: Project, warehouse: Warehouse) -> None:
    project.load(of(kind))
    for region in ("eu", "us"):
        assert project.run(project.named("regions"), partition_key=region).made("sales").rows == 2
    project.load(of(kind, sales="[3]"))
    failed = project.run(project.named("regions"), partition_key="us")
    assert "what was built stands in marts.sales__staging_us." in failed.error("sales").message
    everything = "SELECT region, n FROM marts.sales ORDER BY region, n"
    assert rows(warehouse, everything) == [("eu", 1), ("eu", 2), ("us", 1), ("us", 2)]
    project.load(of(kind, sales="[2, 0]"))
    assert project.run(project.named("regions"), partition_key="us").made("sales").metadata["set_aside"] == 1
    assert rows(warehouse, everything) == [("eu", 1), ("eu", 2), ("us", 2)]
    with desk_of(warehouse) as desk:
        assert [each.loaded for each in replay(desk, look_at("marts.sales"), [in_range("n", min=0)])] == [1]
    assert rows(warehouse, "SELECT _toque_partition FROM marts.sales WHERE n = 0") == [("us",)]


SPAN = """
from toque import Span, Static, Warehouse, asset, in_range, pipeline, use

CHECKS = [in_range("n", min=1).quarantine(), in_range("n", max=9)]

@asset(
    io=Warehouse("warehouse").tables("marts"), publish="audited", checks=CHECKS, partitions=Static(["eu", "us", "zz"])
)
def sales(span: Span = use(Span)) -> dict[str, list[dict]]:
    return {{"eu": [{{"n": 0}}, {{"n": 1}}], "us": [{{"n": -1}}, {{"n": 2}}], "zz": [{{"n": {last}}}]}}

whole = pipeline("whole", assets=[sales])
"""


def test_of_a_span_each_slice_is_published_and_set_aside_alone(project: Project) -> None:
    failed = project.run(project.load(SPAN.format(last=10)), partition_key="eu..zz")
    assert "what was built stands in marts.sales__staging_zz" in failed.error("sales").message
    told = [(event.asset, event.partition) for event in failed.told("sales") if isinstance(event, Materialized)]
    assert told == [("warehouse.marts.sales", "eu"), ("warehouse.marts.sales", "us")]
    versions = []
    for _ in range(2):
        ran = project.run(project.load(SPAN.format(last=9)), partition_key="eu..zz")
        versions.append([event.data_version for event in ran.told("sales") if isinstance(event, Materialized)])
    assert versions[0] == versions[1]
    assert project.rows("SELECT n FROM marts.sales ORDER BY n") == [(1,), (2,), (9,)]
    assert project.rows("SELECT count(*), count(DISTINCT batch_id) FROM marts.sales__rejects") == [(2, 2)]


PLAIN = """
import pyarrow as pa
from toque import Mirror, Snowflake, Static, asset, context, pipeline, sync
from toque.ports.destinations import Result

class Shelf:
    name = "shelf"
    batch_size = 10
    sent = []

    def send(self, operation, records):
        self.sent += [(operation, record.values) for record in records]
        return [Result() for _ in records]

shelf = Shelf()
marts = Snowflake("warehouse").tables("marts")

@asset(io=marts)
def cities() -> pa.Table:
    return pa.table({cities})

@asset(io=marts, partitions=Static(["eu", "us"]))
def sales() -> list[dict]:
    return [{{"region": context().partition_key, "n": 1}}]

@asset
def count(cities: list) -> int:
    return sum(row["id"] for row in cities)

sent = sync(Snowflake("warehouse").table("marts.cities"), into=shelf, mode=Mirror("id"), fields={{"id": "id"}})
regions = pipeline("regions", assets=[sales])
whole = pipeline("whole", assets=[cities, count, sent])
"""


@pytest.mark.parametrize("kind", ["Snowflake"], indirect=True)
def test_snowflake_keeps_assets_without_checks_and_is_the_source_of_a_sync(
    kind: str, project: Project, warehouse: Warehouse
) -> None:
    shelved: list[tuple[str, dict[str, int]]] = []
    for cities in ('{"id": [1, 2]}', '{"id": [2, 7], "name": ["Oslo", "Rome"]}'):
        ran = project.run(project.load(PLAIN.format(cities=cities)))
        assert ran.made("count").rows is None
        shelved += project.module.shelf.sent
    sent = [("upsert", 1), ("upsert", 2), ("upsert", 7), ("delete", 1)]
    assert shelved == [(operation, {"id": key}) for operation, key in sent]
    assert rows(warehouse, "SELECT id, name FROM marts.cities ORDER BY id") == [(2, "Oslo"), (7, "Rome")]
    for _ in range(2):
        project.run(project.named("regions"), partition_key="eu")
    assert rows(warehouse, "SELECT region, n FROM marts.sales") == [("eu", 1)]


def test_it_is_asked_whether_it_answers(snowflake_emulator: dict[str, object]) -> None:
    probe = probe_for("snowflake")
    assert probe is not None
    assert probe(snowflake_emulator).startswith("Snowflake ")
    with pytest.raises(Exception, match="Password is empty"):
        probe({"user": "nobody"})


def test_a_connection_of_another_type_is_no_snowflake(project: Project) -> None:
    ran = project.run(project.load(PLAIN.format(cities='{"id": [1]}')))
    error = ran.error("cities")
    assert "warehouse is a connection of type duckdb, and a Snowflake account is asked for" in error.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('publish="aside"', "publish='aside' does not exist"),
        ('publish="audited", checks=[row_count(min=1)]', "the blob store checks nothing"),
        ('publish="audited", io=Warehouse("warehouse").tables("marts")', "there are no checks"),
    ],
)
def test_what_cannot_be_published_is_refused(options: str, message: str, project: Project) -> None:
    text = f"from toque import Warehouse, asset, row_count\n\n@asset({options})\ndef wrong() -> int:\n    return 1\n"
    with pytest.raises(UserError, match=message):
        project.load(text)
