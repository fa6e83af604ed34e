"""Automation on a virtual clock: every cause once, whoever dies, and each decision is kept."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.runtime.automat import BROKEN, MADE, House, state
from tests.unit.runtime.clockwork import HOUR, hourly
from toque.ports.automations import DecisionOutcome, DecisionRow
from toque.ports.store import StoreUnavailable
from toque.runtime.pausing import find_schedules, set_automation_paused, set_paused

ASKED, WAITS, PAUSED, FAILED = (
    DecisionOutcome.REQUESTED,
    DecisionOutcome.WAITS,
    DecisionOutcome.PAUSED,
    DecisionOutcome.FAILED,
)


async def test_what_is_made_upstream_makes_the_rest_once() -> None:
    house = House()
    async with house.place.server() as server:
        role = house.role(server)
        told: list[DecisionRow] = []
        role.listen(told.extend)
        await role.follow(state("raw", "clean", "report"))
        await role.look()
        await house.make(server, "raw")
        await house.until_calm(server, role)
        assert MADE == ["raw", "clean", "report"]
        [decision] = await house.decided("clean")
        assert (decision.outcome, decision.rule, decision.reason) == (ASKED, "Eager", "raw was made")
        plan = await house.place.store.backfills.get(decision.backfill)
        assert plan is not None
        assert (plan.actor, plan.selection, plan.reason) == ("automation", "clean, report", "raw was made")
        assert [(each.asset, each.outcome) for each in told] == [("clean", ASKED), ("report", ASKED)]


async def test_a_server_that_dies_before_or_behind_the_request_asks_once() -> None:
    for trouble in ("before", "behind"):
        house = House()
        async with house.place.server() as server:
            role = house.role(server)
            await role.follow(state("raw", "clean"))
            await role.look()
            await house.make(server, "raw")
            setattr(house.automations, trouble, True)
            with pytest.raises(StoreUnavailable):
                await role.look()
        async with house.place.server() as heir:
            role = house.role(heir)
            await role.follow(state("raw", "clean"))
            await house.until_calm(heir, role)
        assert MADE == ["raw", "clean"]
        assert [each.outcome for each in await house.decided("clean")] == [ASKED]


async def test_of_two_servers_one_acts() -> None:
    house = House()
    async with house.place.server() as server:
        one, other = house.role(server), house.role(server)
        for role in (one, other):
            await role.follow(state("raw", "clean"))
            await role.look()
        await house.make(server, "raw")
        draft, asked = house.drafts.draft, []

        async def meanwhile(wish: object) -> object:
            """The other one decides while this one plans."""
            asked.append(wish)
            if len(asked) == 1:
                await other.look()
            return await draft(wish)  # type: ignore[arg-type]

        house.drafts.draft = meanwhile  # type: ignore[method-assign, assignment]
        await one.look()
        await house.until_calm(server, one, other)
        assert len(asked) == 2
        assert MADE == ["raw", "clean"]


async def test_what_was_made_while_no_server_looked_is_found_by_the_next() -> None:
    house = House()
    async with house.place.server() as server:
        first = house.role(server)
        await first.follow(state("raw", "clean"))
        await first.look()
        await house.make(server, "raw")
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("raw", "clean"))
        await house.until_calm(server, role)
    assert MADE == ["raw", "clean"]


async def test_what_fails_is_not_tried_again_before_there_is_another_cause() -> None:
    house = House()
    BROKEN.add("clean")
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("raw", "clean", "report"))
        await role.look()
        await house.make(server, "raw")
        await house.until_calm(server, role)
        assert MADE == ["raw"]
        BROKEN.clear()
        house.place.clock.advance(100)
        await house.until_calm(server, role)
        assert MADE == ["raw"]
        await house.make(server, "raw")
        await house.until_calm(server, role)
        assert MADE == ["raw", "raw", "clean", "report"]


async def test_a_pause_holds_it_and_says_so_once() -> None:
    house = House()
    store = house.place.store
    async with house.place.server() as server:
        role = house.role(server)
        await set_automation_paused(store, "clean", pause=True, actor="ana", now_us=1)
        await role.follow(state("raw", "clean"))
        await role.look()
        for _ in range(3):
            await house.make(server, "raw")
            await house.until_calm(server, role)
        assert [(each.outcome, each.reason) for each in await house.decided("clean")] == [(PAUSED, "paused by ana")]
        await set_automation_paused(store, "clean", pause=False, actor="ana", now_us=2)
        await house.until_calm(server, role)
        assert MADE == ["raw", "raw", "raw", "clean"]
        assert [each.outcome for each in await house.decided("clean")] == [PAUSED, ASKED]


async def test_a_paused_pipeline_holds_what_it_makes() -> None:
    house = House()
    await house.place.define(hourly())
    async with house.place.server() as server:
        await server.scheduling.look()
        project = state("raw", "clean")
        by = msgspec.structs.replace(project.assets["clean"], pipelines=("report",))
        role = house.role(server)
        await role.follow(state("raw", "clean", assets={**project.assets, "clean": by}))
        await role.look()
        rows = await find_schedules(house.place.store, "report")
        await set_paused(house.place.store, rows, pause=True, actor="ana", now_us=house.place.clock.now_us())
        await house.make(server, "raw")
        await house.until_calm(server, role)
        assert MADE == ["raw"]
        assert [each.reason for each in await house.decided("clean")] == ["the pipeline report is paused"]


async def test_ticks_make_it_and_a_changed_rule_begins_anew() -> None:
    house = House()
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("hourly"))
        await role.look()
        for _ in range(3):
            house.place.go_to(house.place.clock.now_us() + HOUR)
            await house.until_calm(server, role)
        assert MADE == ["hourly"] * 3
        house.place.go_to(house.place.clock.now_us() + 5 * HOUR)
        await house.until_calm(server, role)
        assert MADE == ["hourly"] * 4


async def test_partitions_that_were_never_made_are_made_once() -> None:
    house = House()
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("days"))
        await house.until_calm(server, role)
        [decision] = await house.decided("days")
        assert (decision.partitions, decision.count) == ("2027-01-12, 2027-01-13, 2027-01-14", 3)
        assert MADE == ["days"] * 3
        house.place.go_to(house.place.clock.now_us() + 24 * HOUR)
        await house.until_calm(server, role)
        assert MADE == ["days"] * 4


async def test_what_cannot_be_planned_is_said_once_and_holds_up_nothing_else() -> None:
    house = House()
    house.drafts.unplannable.add("hourly")
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("raw", "clean", "hourly"))
        await role.look()
        await house.make(server, "raw")
        house.place.go_to(house.place.clock.now_us() + HOUR)
        await house.until_calm(server, role)
        house.place.clock.advance(100)
        await house.until_calm(server, role)
        assert MADE == ["raw", "clean"]
        [said] = await house.decided("hourly")
        assert said.outcome is FAILED
        assert said.reason.endswith("it could not be planned: hourly cannot be loaded")
        tries = house.drafts.asked.count("hourly")
        house.place.clock.advance(300)
        await house.until_calm(server, role)
        assert house.drafts.asked.count("hourly") == tries + 1
        assert len(await house.decided("hourly")) == 1
        house.drafts.unplannable.clear()
        await role.follow(state("raw", "clean", "hourly", indexed_us=2))
        await house.until_calm(server, role)
        assert MADE == ["raw", "clean", "hourly"]


async def test_a_look_that_finds_nothing_told_reads_little() -> None:
    house = House()
    async with house.place.server() as server:
        role = house.role(server)
        await role.follow(state("raw", "clean"))
        await house.make(server, "raw")
        await house.until_calm(server, role)
        await role.look()
        reads: list[str] = []
        slices = house.place.store.assets.slices

        async def counted(asset: str, **options: object) -> object:
            reads.append(asset)
            return await slices(asset, **options)  # type: ignore[arg-type]

        house.place.store.assets.slices = counted  # type: ignore[method-assign, assignment]
        for _ in range(5):
            await role.look()
        assert reads == []
