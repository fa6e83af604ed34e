"""What the zoo keeps: assets, some with a slice for each house."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from toque import (
    AllPartitions,
    Dynamic,
    Eager,
    Fresh,
    Partition,
    Static,
    asset,
    context,
    external,
    materialized,
    observe,
    pipeline,
    task,
    use,
)

visitors = external("crm.visitors", owner="front desk")
HOUSES = Static(["apes", "birds", "cats"])


@asset(group="larder", owner="keepers", tags=["food"], columns={"shelf": (), "kilos": "scales.readings.grams"})
def stock() -> list[dict[str, int]]:
    """What lies in the larder, weighed each morning."""
    return [{"shelf": shelf, "kilos": 10 * shelf} for shelf in range(5)]


@asset(
    group="larder",
    partitions=HOUSES,
    columns="SELECT shelf AS house, sum(2 * kilos) AS kilos FROM stock GROUP BY shelf",
)
def portions(stock: list[dict[str, int]]) -> list[dict[str, str]]:
    """What each house gets."""
    return [{"house": context().partition_key}]


@asset(group="reports", columns={"guests": "crm.visitors.heads", "kilos": "portions.kilos"})
def menu(visitors: int, portions: dict[str, list[dict[str, str]]] = use(portions, AllPartitions())) -> int:
    return visitors + len(portions)


weighing = pipeline("weighing", assets=[stock])


MEALS = Static(["breakfast", "elevenses", "lunch", "tea", "dinner", "supper"])


@asset(group="kitchen", partitions=MEALS)
def cooked(meal: Partition = use(Partition)) -> str:
    if meal.key == "tea" and not Path("kettle").exists():
        raise FileNotFoundError("there is no kettle")
    return meal.key


@asset(group="kitchen", partitions=MEALS)
def served(cooked: str) -> str:
    return cooked


@asset(group="kitchen", partitions=Static(["first", "second", "third"]))
def course() -> str:
    return Path("gate-of-courses").read_text()


@asset(group="kitchen", partitions=Dynamic("guests"))
def seat(guest: Partition = use(Partition)) -> str:
    return guest.key


@asset(group="pond")
def bait() -> str:
    return "worms"


@asset(group="pond", automation=Eager())
def catch(bait: str) -> str:
    return f"caught with {bait}"


visits = external("gate.visits")
tickets = external("gate.tickets", freshness=Fresh("26h"))


@task
def count(heads: int) -> None:
    materialized(visits, rows=heads)
    observe(tickets, version="1", updated_at=datetime(2020, 1, 1, tzinfo=UTC))


@pipeline
def counting(heads: int = 100) -> None:
    """How many came through the gate."""
    count(heads)
