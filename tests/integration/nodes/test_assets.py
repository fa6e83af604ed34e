"""Assets with checks, and assets that are kept as tables of a warehouse."""

from __future__ import annotations

import psycopg

from tests.integration.nodes.conftest import Project
from tests.postgres import PostgresServer
from toque.graph.ir import Pipeline, TaskNode

CHECKED = """
import pyarrow as pa
from toque import asset, in_range, not_null, pipeline, row_count

@asset(checks=[{checks}])
def people() -> pa.Table:
    return pa.table({{"id": [1, 2, None], "email": ["ada@x.example", "bob@x.example", "cy@x.example"]}})

@asset
def count(people: pa.Table) -> int:
    return people.num_rows

whole = pipeline("whole", assets=[people, count])
"""

TABLES = """
import pyarrow as pa
from toque import Static, Warehouse, asset, pipeline, sync, Upsert, load, Replace, use, AllPartitions

warehouse = Warehouse("warehouse")
marts = warehouse.tables("marts")

@asset(io=marts)
def cities() -> pa.Table:
    return pa.table({"id": [1, 2], "name": ["Rome", "Oslo"]})

@asset(io=marts, partitions=Static(["jan", "feb"]))
def sales() -> list[dict]:
    from toque import context
    month = context().partition_key
    return [{"month": month, "amount": len(month)}]

@asset
def names(cities: list) -> list:
    return [row["name"] for row in cities]

@asset
def total(sales: list = use(sales, AllPartitions())) -> int:
    return sum(row["amount"] for row in sales)

copied = load(warehouse.table("marts.cities"), into=warehouse.table("raw.copied"), mode=Replace())
monthly = pipeline("monthly", assets=[sales])
summed = pipeline("summed", assets=[total])
whole = pipeline("whole", assets=[copied, names, cities])
"""


def test_bad_rows_of_a_value_are_set_aside_before_it_is_kept(project: Project) -> None:
    pipeline = project.load(
        CHECKED.format(checks="not_null('id').quarantine(), row_count(min=1), in_range('id', max=1).warn()")
    )
    ran = project.run(pipeline)
    assert ran.result("count")["asset"] == "count"
    made = ran.made("people")
    assert (made.rows, made.metadata["set_aside"]) == (2, 1)
    assert ran.blobs.get(f"{made.metadata['rejects']}")
    found = ran.checked("people")
    assert {name: (each.passed, each.severity) for name, each in found.items()} == {
        "not_null(id)": (False, "quarantine"),
        "row_count": (True, "block"),
        "in_range(id)": (False, "warn"),
    }
    assert found["not_null(id)"].sample == [{"id": None, "email": "***"}]


def test_a_check_that_blocks_keeps_nothing_and_is_told_of(project: Project) -> None:
    ran = project.run(project.load(CHECKED.format(checks="not_null('id'), row_count(min=1)")))
    error = ran.error("people")
    assert (error.kind, error.retryable) == ("data", False)
    assert "1 row of 3 (33.3 %)" in error.message
    assert error.sample == [{"check": "not_null(id)", "id": None, "email": "***"}]
    assert {event.asset for event in ran.told("people")} == {"people"}
    assert ran.checked("people")["row_count"].passed
    assert not ran.checked("people")["not_null(id)"].passed
    assert "count" not in ran.reports


def find(pipeline: Pipeline, name: str) -> TaskNode:
    return next(node for node in pipeline.nodes if isinstance(node, TaskNode) and node.id == name)


def test_an_asset_of_a_warehouse_has_the_key_of_its_table(project: Project) -> None:
    pipeline = project.load(TABLES)
    cities, copied, names = (find(pipeline, name) for name in ("cities", "raw_copied", "names"))
    assert cities.writes == names.reads == copied.reads == ("warehouse.marts.cities",)
    assert [edge.source for edge in copied.upstream] == ["cities"]
    assert {claim.pool for node in (cities, names) for claim in node.policy.pools} == {"connection:warehouse"}


def test_a_value_takes_the_place_of_the_table(project: Project) -> None:
    pipeline = project.load(TABLES)
    first = project.run(pipeline)
    assert first.result("raw_copied")["inserted"] == 2
    made = first.made("cities")
    assert (made.rows, made.columns, made.metadata) == (
        2,
        (("id", "BIGINT"), ("name", "VARCHAR")),
        {"table": "marts.cities"},
    )
    assert project.run(pipeline).made("cities").data_version == made.data_version
    other = project.load(
        TABLES.replace('{"id": [1, 2], "name": ["Rome", "Oslo"]}', '{"code": ["a"]}').replace(
            'row["name"]', 'row["code"]'
        )
    )
    assert project.run(other).made("cities").data_version != made.data_version
    assert project.rows("SELECT * FROM marts.cities") == [("a",)]


def test_slices_are_replaced_alone(project: Project) -> None:
    project.load(TABLES)
    monthly = project.named("monthly")
    for month in ("jan", "feb", "jan"):
        project.run(monthly, partition_key=month)
    assert project.rows("SELECT month, amount FROM marts.sales ORDER BY 1") == [("feb", 3), ("jan", 3)]
    ran = project.run(project.named("summed"))
    assert ran.made("total").data_version


def test_a_slice_that_was_never_made_is_named(project: Project) -> None:
    project.load(TABLES)
    project.run(project.named("monthly"), partition_key="jan")
    assert (
        "warehouse.marts.sales[feb] has not been materialized"
        in project.run(project.named("summed")).error("total").message
    )


def test_postgresql_keeps_assets_as_well(project: Project, postgres: PostgresServer) -> None:
    url = postgres.create("template1")
    project.settings = f'[connections.warehouse]\ntype = "postgresql"\nurl = "{url}"\n'
    project.load(TABLES)
    monthly = project.named("monthly")
    for month in ("jan", "feb", "jan"):
        assert project.run(monthly, partition_key=month).made("sales").rows == 1
    ran = project.run(project.named("whole"))
    assert ran.result("raw_copied")["inserted"] == 2
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id, name FROM marts.cities ORDER BY id").fetchall() == [
            (1, "Rome"),
            (2, "Oslo"),
        ]
        assert connection.execute("SELECT count(*) FROM marts.sales").fetchall() == [(2,)]
    postgres.drop(url)
