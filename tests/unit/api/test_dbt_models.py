"""What a run has of dbt: models with their tests, and the rows of what it made."""

from __future__ import annotations

from tests import store_rows as rows
from tests.unit.api.served import Served
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, Edge, Origin, Pipeline, TaskNode

CODE = CodeRef(module="toque.integrations.dbt.node", qualname="run")


def node(task: str, unique_id: str, materialized: str, *upstream: str, writes: tuple[str, ...] = ()) -> TaskNode:
    kind = unique_id.partition(".")[0]
    told = {"dbt": unique_id, "kind": kind, "materialized": materialized, "docs": "dbt-shop"}
    return TaskNode(
        id=task,
        code=CODE,
        kwargs={name: Const(value=value) for name, value in told.items()},
        upstream=tuple(Edge(source=each, kind="order") for each in upstream),
        writes=writes,
        origin=Origin(file=f"dbt/{task}.sql", line=1),
        host="dbt.build",
    )


SHOP = Pipeline(
    name="shop",
    nodes=(
        TaskNode(id="dbt.build", code=CODE),
        node("dbt.orders", "model.shop.orders", "table", writes=("lake.orders",)),
        node("dbt.unique_orders", "test.shop.unique_orders.1a2b", "test", "dbt.orders"),
        node("dbt.names", "seed.shop.names", "seed", writes=("lake.names",)),
        node("dbt.fit", "test.shop.names_fit_orders", "test", "dbt.orders", "dbt.names"),
        node("dbt.empty", "unit_test.shop.names.empty", "unit", "dbt.names"),
    ),
)


async def test_models_come_with_their_tests_and_the_rows_that_this_run_made(bare: Served) -> None:
    await bare.store.new_boot(rows.ME, pid=1, host="host", role="server", now_us=1)
    await bare.add_version("s1", SHOP, bundle="b1", created_us=1)
    event = Materialized(asset="lake.orders", data_version="1", rows=7)
    told = AssetEventRow(
        run_id="r1",
        task="dbt.orders",
        attempt=1,
        n=0,
        pipeline="shop",
        asset=event.asset,
        partition="",
        kind="materialized",
        at_us=5,
        event=event,
    )
    runs = [rows.run(run_id, pipeline="shop", version="s1", owner=rows.ME) for run_id in ("r1", "r2")]
    await bare.write(runs=runs, asset_events=[told])
    orders, names = (await bare.get("/runs/r1/dbt"))["items"]
    assert orders == {
        "task": "dbt.orders",
        "unique_id": "model.shop.orders",
        "kind": "model",
        "materialized": "table",
        "asset": "lake.orders",
        "file": "dbt/dbt.orders.sql",
        "doc": "",
        "docs": "dbt-shop",
        "host": "dbt.build",
        "rows": 7,
        "tests": [
            {"task": "dbt.unique_orders", "name": "unique_orders"},
            {"task": "dbt.fit", "name": "names_fit_orders"},
        ],
    }
    assert (names["kind"], [each["name"] for each in names["tests"]]) == ("seed", ["names_fit_orders", "empty"])
    assert (await bare.get("/runs/r2/dbt"))["items"][0]["rows"] is None


async def test_a_run_without_dbt_has_none(served: Served) -> None:
    run_id = next(iter((await served.get("/runs"))["items"]))["run_id"]
    assert (await served.get(f"/runs/{run_id}/dbt"))["items"] == []
    await served.refused("GET", "/runs/nobody/dbt", status=404)
