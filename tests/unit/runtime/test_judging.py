"""What attempts made is compared with its past where their ends are recorded: an error halts what is made from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.runtime.scenes import Scene
from toque import asset, pipeline
from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed, Reviewed
from toque.engine.rows import AssetEventRow, RunRow
from toque.engine.states import RunState
from toque.ports.assets import EventQuery
from toque.runtime.loop import Runtime
from toque.runtime.past import CHECKS, Made, judged, made_in, told_of

ROWS = {"count": 100}
"""Of the next materialization of each."""
NORMAL = 100


@asset(anomalies="error")
def strict() -> list[dict[str, int]]:
    return [{"n": n} for n in range(ROWS["count"])]


@asset
def behind(strict: list[dict[str, int]]) -> int:
    return len(strict)


@asset
def lenient() -> list[dict[str, int]]:
    return [{"n": n} for n in range(ROWS["count"])]


@asset(anomalies="off")
def blind() -> list[dict[str, int]]:
    return [{"n": n} for n in range(ROWS["count"])]


nightly = pipeline("nightly", assets=[strict, behind])
others = pipeline("others", assets=[lenient, blind])


class Kitchen(Scene):
    """Makes assets, one run after the other."""

    running: Runtime

    async def make(self, count: int = NORMAL, *, times: int = 1, backfill: str = "", of: Any = nightly) -> RunRow:
        ROWS["count"] = count
        for _ in range(times):
            launch = self.launch(of)
            launch.row.backfill_id = backfill
            ended = await self.running.launch(launch)
        return ended

    async def said(self, key: str) -> list[Checked]:
        """What was found of its last materialization."""
        rows = await self.store.assets.events(EventQuery(asset=key, limit=1000))
        last = max(row.at_us for row in rows if row.kind == "materialized")
        return [row.event for row in rows if row.at_us == last and isinstance(row.event, Checked)]

    async def review(self, key: str, *, was_anomaly: bool) -> None:
        """Of its last materialization."""
        last = made_in(await told_of(self.store, key))[-1].row
        said = Reviewed(asset=key, made_us=last.at_us, run=last.run_id, check=CHECKS["rows"], was_anomaly=was_anomaly)
        assert await self.store.assets.say([row(last.at_us + 1, said)])


def row(at_us: int, event: AnyAssetEvent, run: str = "", backfill: str = "") -> AssetEventRow:
    return AssetEventRow(
        run_id=run or f"r{at_us}",
        task="t",
        attempt=1,
        n=at_us,
        pipeline="p",
        asset=event.asset,
        partition=event.partition,
        kind=str(type(event).__struct_config__.tag),
        at_us=at_us,
        event=event,
        backfill_id=backfill,
    )


@pytest.fixture
async def kitchen() -> AsyncIterator[Kitchen]:
    place = Kitchen()
    async with place.runtime() as runtime:
        place.running = runtime
        yield place


async def test_an_error_halts_what_is_made_from_it_until_somebody_calls_it_normal(kitchen: Kitchen) -> None:
    await kitchen.make(times=7)
    assert await kitchen.said("strict") == []  # seven points are needed, and there were six
    good = await kitchen.make()
    assert [(each.check, each.passed) for each in await kitchen.said("strict")][-1] == (CHECKS["rows"], True)
    bad = await kitchen.make(0)
    states = {each.task: each.state.value for each in await kitchen.tasks(bad.run_id)}
    assert (good.state, bad.state, states) == (
        RunState.SUCCEEDED,
        RunState.FAILED,
        {"strict": "failed", "behind": "upstream_failed"},
    )
    assert bad.error is not None
    assert bad.error.message.startswith("strict 0 rows, there always were some; expected")
    [standing] = await kitchen.store.assets.failing(10)
    assert (standing.asset, standing.failing, standing.rows) == ("strict", {CHECKS["rows"]: "block"}, 0)
    await kitchen.review("strict", was_anomaly=False)
    assert await kitchen.store.assets.failing(10) == []
    assert (await kitchen.make(0)).state is RunState.SUCCEEDED


async def test_unless_it_is_stated_otherwise_an_anomaly_is_shown_and_halts_nothing(kitchen: Kitchen) -> None:
    await kitchen.make(times=7, of=others)
    assert (await kitchen.make(0, of=others)).state is RunState.SUCCEEDED
    found = [each for each in await kitchen.said("lenient") if not each.passed]
    assert [(each.check, each.severity) for each in found] == [(CHECKS["rows"], "warn")]
    assert await kitchen.said("blind") == []
    await kitchen.make(of=others)
    assert await kitchen.store.assets.failing(10) == []


async def test_backfills_are_not_judged_and_teach_nothing(kitchen: Kitchen) -> None:
    await kitchen.make(times=9, backfill="b1")
    assert (await kitchen.make(0)).state is RunState.SUCCEEDED
    assert await kitchen.said("strict") == []
    assert (await kitchen.make(0, backfill="b1")).state is RunState.SUCCEEDED


def past(*counts: int, key: str = "orders") -> list[AssetEventRow]:
    return [row(n, Materialized(asset=key, data_version=str(n), rows=count)) for n, count in enumerate(counts, 1)]


def level(value: float, made: list[Made]) -> str:
    return judged(value, 1000, made, "rows").level


def test_a_confirmed_anomaly_teaches_nothing() -> None:
    counts = past(*[1000, 1010, 990, 1005] * 2, *[3000, 3010, 2990] * 4)
    reviews = [
        row(100 + n, Reviewed(asset="orders", made_us=n, run=f"r{n}", check=CHECKS["rows"], was_anomaly=True))
        for n in range(9, 21)
    ]
    assert level(3000, made_in(counts)) == "ok"
    assert level(3000, made_in([*counts, *reviews])) == "error"


def test_of_several_reviews_the_last_one_counts() -> None:
    counts = past(*[1000] * 8, 3000)
    told = [
        row(50 + n, Reviewed(asset="orders", made_us=9, run="r9", check=CHECKS["rows"], was_anomaly=was))
        for n, was in enumerate((True, False))
    ]
    assert level(3000, made_in(counts)) == "error"
    assert level(3000, made_in([*counts, *told])) == "ok"
    assert level(2500, made_in([*counts, *told])) == "error"


def test_rows_that_a_run_counts_when_it_has_ended_are_those_of_what_it_made() -> None:
    told = [
        row(1, Materialized(asset="orders", data_version="1"), run="a"),
        row(2, Observed(asset="orders", rows=5), run="a"),
        row(3, Materialized(asset="orders", data_version="2", rows=6), run="b"),
        row(4, Observed(asset="orders", rows=7), run="b"),
        row(5, Observed(asset="orders", rows=8), run="c"),
    ]
    assert [(each.row.at_us, each.rows) for each in made_in(told)] == [(1, 5), (3, 6)]


def test_what_others_saw_is_a_point_only_of_what_nobody_makes() -> None:
    seen = [row(n, Observed(asset="orders", rows=15), run=f"seen{n}") for n in (2, 4)]
    made = [row(n, Materialized(asset="orders", partition=str(n), data_version="1", rows=3)) for n in (1, 3)]
    assert [each.rows for each in made_in(seen)] == [15, 15]
    assert [(each.row.at_us, each.rows) for each in made_in(sorted(seen + made, key=lambda each: each.at_us))] == [
        (1, 3),
        (3, 3),
    ]


def test_small_moves_are_nobodys_business() -> None:
    assert level(16, made_in(past(*[7] * 8))) == "ok"
    assert level(17, made_in(past(*[7] * 8))) == "error"
    assert level(0, made_in(past(*[7] * 8))) == "error"


async def test_the_past_of_all_slices_is_one(kitchen: Kitchen) -> None:
    events = [
        row(n, Materialized(asset="orders", partition=str(n), data_version="1", rows=1000), backfill="b" * (n % 2))
        for n in range(1, 21)
    ]
    for each in events:
        assert await kitchen.store.assets.say([each])
    made = made_in(await told_of(kitchen.store, "orders"))
    found = judged(10, 1000, made, "rows")
    assert (found.level, found.points) == ("error", 10)
    assert len(made_in(await told_of(kitchen.store, "orders", "3"))) == 1
