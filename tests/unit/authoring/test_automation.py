"""Rules as authors write them: what they become, what is refused, and the page that explains them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.schedule.automation.house import House
from toque import (
    AllFresh,
    Append,
    Cron,
    Eager,
    Every,
    OnSchedule,
    Postgres,
    Salesforce,
    Warehouse,
    WhenMissing,
    asset,
    assets,
    load,
    pipeline,
    sync,
)
from toque.authoring.assets import Asset
from toque.errors import UserError
from toque.graph import canonical
from toque.graph.automation import OnTicks
from toque.graph.syncs import Update

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "automation.md"
warehouse, crm, app = Warehouse("warehouse"), Salesforce("crm"), Postgres("app")


@asset
def raw() -> int:
    return 1


@asset(automation=[Eager(), OnSchedule(Cron("0 6 * * *", tz="Europe/Madrid"))])
def clean(raw: int) -> int:
    return raw


@assets("raw.a", "raw.b", automation=WhenMissing())
def both() -> tuple[int, int]:
    return 1, 2


def test_a_rule_or_several_become_values_of_the_graph() -> None:
    [made] = clean.described()
    first, second = made.automation
    assert first == Eager()
    assert isinstance(second, OnTicks)
    assert (second.schedule.tz, second.schedule.name) == ("Europe/Madrid", "cron")
    assert raw.described()[0].automation == ()


def test_an_asset_without_rules_keeps_its_hash() -> None:
    assert b'"automation"' not in canonical.encode(pipeline("p", assets=[raw]).ir)


def test_loads_syncs_and_several_assets_take_it_too() -> None:
    every = OnSchedule(Every("15m"))
    contacts = load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Append(), automation=every)
    copied = load(
        warehouse.table("raw.contact"), into=warehouse.table("copy.contact"), mode=Append(), automation=Eager()
    )
    scores = sync(
        warehouse.table("marts.scores"),
        into=crm.object("Contact"),
        mode=Update("Id"),
        fields={"score": "Score__c"},
        automation=AllFresh(),
    )

    found = {each.key: each.automation for made in (contacts, copied, scores, both) for each in made.described()}
    assert found == {
        "warehouse.raw.contact": (every.value,),
        "warehouse.copy.contact": (Eager(),),
        "crm.Contact": (AllFresh(),),
        "raw.a": (WhenMissing(),),
        "raw.b": (WhenMissing(),),
    }


def test_a_rule_that_could_never_hold_is_refused() -> None:
    with pytest.raises(UserError, match="what it is made from is only observed"):
        load(crm.changes("Contact"), into=warehouse.table("raw.x"), mode=Append(), automation=Eager()).described()
    lone = asset(automation=AllFresh())(raw.__toque_function__)
    with pytest.raises(UserError, match=re.escape("raw would never be made by AllFresh(): it is made from no other")):
        lone.described()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("eager", "automation='eager' is no rule"),
        ([Eager(), 3], "automation=3 is no rule"),
        (Cron("0 6 * * *"), "is no rule"),
    ],
)
def test_what_is_no_rule_is_refused(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        asset(automation=given)


def test_a_schedule_of_an_asset_has_no_runs_to_speak_of() -> None:
    with pytest.raises(UserError, match="catchup= is about the runs of a pipeline"):
        OnSchedule(Cron("0 6 * * *", catchup="all"))
    with pytest.raises(UserError, match="has no schedule"):
        OnSchedule("0 6 * * *")  # type: ignore[arg-type]


def test_the_page_shows_assets_that_are_made_as_it_says() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, str(PAGE), "exec"), names)
    found = [each.described()[0] for each in names.values() if isinstance(each, Asset)]
    house = House.of(*found)
    assert {each.key for each in found} == {"orders", "rates", "revenue", "report", "days"}
    house.make("orders")
    asked = dict(house.asks())
    assert set(asked) == {("revenue",), ("days",)}
    assert len(asked["days",]) == 100
    for request in house.asked:
        house.carry_out(request)
    house.make("rates")
    assert (("report",), ("",)) in house.asks()
