"""How fresh an asset has to be, and what its anomalies do: as it is written, and as the graph has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from toque import Cron, Daily, Every, Fresh, Merge, Warehouse, asset, assets, external, load
from toque.errors import UserError
from toque.graph.freshness import FreshnessPolicy

NINE = Cron("0 9 * * *", tz="Europe/Madrid")


@asset(freshness=Fresh("26h", warn="2h"), anomalies="error")
def orders() -> list[int]:
    return [1]


@assets("raw.a", "raw.b", freshness=Fresh("1h"))
def both() -> tuple[int, int]:
    return 1, 2


def test_the_graph_has_it() -> None:
    made = orders.known()
    assert made.freshness == FreshnessPolicy(within_s=93_600, warn_s=7200)
    assert made.anomalies == "error"
    assert [each.freshness for each in both.described()] == [FreshnessPolicy(within_s=3600)] * 2
    by = external("crm.Contact", freshness=Fresh(by=NINE, within="12h")).known().freshness
    assert by is not None
    assert (by.within_s, by.by and by.by.tz) == (43_200, "Europe/Madrid")


def test_loads_have_it_too() -> None:
    warehouse = Warehouse("warehouse")
    made = load(
        warehouse.table("a.b"), into=warehouse.table("raw.c"), mode=Merge("id"), freshness=Fresh("1h"), anomalies="off"
    )
    (table,) = made.described()
    assert (table.freshness, table.anomalies) == (FreshnessPolicy(within_s=3600), "off")


@asset
def plain() -> int:
    return 1


def test_what_is_not_stated_is_not_in_the_graph() -> None:
    assert (plain.known().freshness, plain.known().anomalies) == (None, "warn")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Fresh, "Fresh\\(\\) says nothing"),
        (lambda: Fresh("soon"), "within: 'soon' is not a duration"),
        (lambda: Fresh(0), "within=0 is never kept"),
        (lambda: Fresh("1h", warn="1h"), "it would always be due"),
        (lambda: Fresh(by="0 9 * * *"), "is no schedule"),  # type: ignore[arg-type]
        (lambda: Fresh(by=Cron("0 9 * * *", catchup="all")), "catchup= is about runs"),
        (lambda: asset(freshness="26h"), "freshness='26h' is no policy"),  # type: ignore[call-overload]
        (lambda: asset(anomalies="loud"), "anomalies='loud' does not exist"),  # type: ignore[call-overload]
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        wrong()


def seen() -> dict[str, int]:
    return {"rows": 3}


async def later() -> dict[str, int]:
    return {"rows": 3}


shop = Warehouse("shop")
orders_of_shop = external("shop.main.orders", observe=shop.table("main.orders", cursor="at"), schedule=Every("15m"))
accounts = external("crm.Account", observe=seen, owner="ann", freshness=Fresh("1d"))


def test_a_pipeline_looks_at_external_data_on_its_schedule() -> None:
    ir = orders_of_shop.pipeline.ir  # type: ignore[attr-defined]
    (node,) = ir.nodes
    assert (ir.name, [each.name for each in ir.schedules]) == ("observe_shop_main_orders", ["every"])
    assert (node.writes, node.inject["connection"].name) == ((), "shop")
    assert [claim.pool for claim in node.policy.pools] == ["connection:shop"]
    assert [(each.key, each.node) for each in ir.assets] == [("shop.main.orders", "")]


def test_looking_makes_nothing_and_says_whose_it_is() -> None:
    ir = accounts.pipeline.ir  # type: ignore[attr-defined]
    assert (ir.meta.owner, ir.assets[0].freshness) == ("ann", FreshnessPolicy(within_s=86_400))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": Every("15m")}, "has a schedule, and nothing looks at it"),
        ({"observe": later}, "does not look at anything"),
        ({"observe": 3}, "does not look at anything"),
        ({"observe": seen, "partitions": Daily("2026-01-01")}, "has partitions"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        external("crm.Lead", **options)
