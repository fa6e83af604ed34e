"""The role that decides ticks, on a virtual clock: each tick one outcome, each started tick one run."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from tests.unit.runtime.clockwork import HOUR, SECOND, T0, Clockwork, hourly
from toque.engine.states import RunState, TickOutcome
from toque.graph import canonical
from toque.graph.ir import Concurrency
from toque.graph.schedules import CronRule, IntervalRule
from toque.ports.project import IndexedPipeline, ProjectState
from toque.ports.triggers import Change, ScheduleFilter
from toque.runtime.pausing import find_schedules, set_paused
from toque.runtime.ticking import GRACE_US


async def pause(place: Clockwork, name: str, *, pause: bool = True) -> None:
    rows = await find_schedules(place.store, name)
    await set_paused(place.store, rows, pause=pause, actor="ann", now_us=place.clock.now_us())


async def test_a_tick_starts_a_run_of_the_current_version_that_ends() -> None:
    place = Clockwork()
    version = await place.define(hourly(parameters={"n": 7}))
    async with place.server() as server:
        await server.at(T0 + 1)
        assert await place.runs() == []
        await server.at(T0 + HOUR)
        await server.at(T0 + 2 * HOUR + 5)
    first, second = await place.runs()
    assert (first.state, first.version, first.parameters, first.trigger) == (
        RunState.SUCCEEDED,
        version,
        {"n": 7},
        "schedule",
    )
    assert (first.interval_start_us, first.logical_us) == (T0, T0 + HOUR)
    assert (second.interval_start_us, second.logical_us) == (T0 + HOUR, T0 + 2 * HOUR)
    seen = await place.ticks()
    assert [(each.tick.at_us, each.tick.run_id, each.run_state) for each in seen] == [
        (T0 + HOUR, first.run_id, RunState.SUCCEEDED),
        (T0 + 2 * HOUR, second.run_id, RunState.SUCCEEDED),
    ]


async def test_the_role_waits_for_ticks_by_itself() -> None:
    place = Clockwork()
    await place.define(hourly(rule=IntervalRule(every_s=60)))
    async with place.server() as server:
        heard: list[int] = []
        server.scheduling.listen(lambda ticks: heard.extend(tick.at_us for tick in ticks))
        server.scheduling.start()
        await server.scheduling.caught_up.wait()
        await place.clock.wait_until(T0 + 181 * SECOND)
        await server.settle()
        await server.scheduling.stop()
    assert heard == [T0 + n * 60 * SECOND for n in (1, 2, 3)]
    assert [run.logical_us for run in await place.runs()] == heard


async def test_a_server_that_was_down_catches_up_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    place = Clockwork()
    await place.define(hourly("skips", catchup="skip"), hourly("latest"), hourly("all", catchup="all", catchup_limit=2))
    async with place.server() as server:
        await server.at(T0 + 1)
    with caplog.at_level(logging.INFO, "toque.schedules"):
        async with place.server() as server:
            await server.at(T0 + 3 * HOUR + GRACE_US + 1)
    outcomes = {
        name: [str(seen.tick.outcome) for seen in await place.ticks(f"report/{name}")]
        for name in ("skips", "latest", "all")
    }
    assert outcomes == {
        "skips": ["skipped"] * 3,
        "latest": ["coalesced", "coalesced", "started"],
        "all": ["skipped", "started", "started"],
    }
    assert len(await place.runs()) == 3
    said = caplog.text
    assert (
        "report/latest: 3 ticks were not started in time (2027-01-15 09:00:00 UTC to 2027-01-15 11:00:00 UTC)" in said
    )
    assert "1 started (caught up)" in said
    assert "2 coalesced" in said
    assert "report/skips: 3 ticks were not started in time" in said


async def test_of_many_schedules_that_missed_ticks_some_are_named_and_the_rest_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Clockwork()
    await place.define(*(hourly(f"s{n:03}", catchup="skip") for n in range(150)))
    async with place.server() as server:
        await server.at(T0 + 1)
    async with place.server() as server:
        await server.at(T0 + 2 * HOUR + GRACE_US + 1)
    assert len(await place.triggers.list_missed(since_us=T0, limit=1000)) == 300
    lines = [record.getMessage() for record in caplog.records if record.name == "toque.schedules"]
    assert sum("were not started in time" in line for line in lines) == 20
    assert any("and 130 more schedules" in line for line in lines)


async def test_a_restart_within_the_grace_misses_nothing() -> None:
    place = Clockwork()
    await place.define(hourly(catchup="skip"))
    async with place.server() as server:
        await server.at(T0 + HOUR - 1)
    async with place.server() as server:
        await server.at(T0 + HOUR + 20 * SECOND)
    assert [(seen.tick.outcome, seen.tick.reason) for seen in await place.ticks()] == [(TickOutcome.STARTED, "")]


async def test_a_clock_that_jumps_ahead_neither_loses_nor_doubles_a_tick() -> None:
    """A laptop that slept: what fell due meanwhile was missed, and is caught up."""
    place = Clockwork()
    await place.define(hourly(catchup="all"))
    async with place.server() as server:
        await server.at(T0 + 1)
        await server.at(T0 + HOUR)
        await server.at(T0 + 9 * HOUR + 1800 * SECOND)
        await server.at(T0 + 9 * HOUR + 1801 * SECOND)
        await server.at(T0 + 10 * HOUR)
    assert [run.logical_us for run in await place.runs()] == [T0 + n * HOUR for n in range(1, 11)]


async def test_a_clock_that_was_set_back_between_two_servers_decides_nothing_again() -> None:
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        await server.at(T0 + 1)
        await server.at(T0 + 2 * HOUR)
    before = len(await place.runs())
    place.clock._now_us = T0 + HOUR
    async with place.server() as server:
        await server.at(T0 + HOUR + 1)
        await server.at(T0 + 2 * HOUR + 1)
        assert len(await place.runs()) == before
        await server.at(T0 + 3 * HOUR)
    assert Counter(run.logical_us for run in await place.runs()).most_common(1)[0][1] == 1


async def test_a_pause_skips_its_ticks_and_the_next_one_is_started() -> None:
    place = Clockwork()
    await place.define(hourly(catchup="all"))
    async with place.server() as server:
        await server.at(T0 + HOUR)
        await server.at(T0 + HOUR + 1)
        await pause(place, "report/s")
        await server.at(T0 + 4 * HOUR)
        assert len(await place.ticks()) == 0
        place.go_to(T0 + 4 * HOUR + 9)
        await pause(place, "report", pause=False)
        await server.at(T0 + 4 * HOUR + 10)
        await server.at(T0 + 5 * HOUR)
    seen = [(each.tick.outcome, each.tick.reason, each.tick.count, each.tick.at_us) for each in await place.ticks()]
    assert seen == [
        (TickOutcome.SKIPPED, "paused", 3, T0 + 4 * HOUR),
        (TickOutcome.STARTED, "", 1, T0 + 5 * HOUR),
    ]


async def test_a_pause_holds_against_a_server_that_has_not_seen_it() -> None:
    """The row that it decided on is no longer so: it is refused, and looks again."""
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        await server.at(T0 + 1)
        known = server.scheduling._revision
        await pause(place, "report/s")
        server.scheduling._revision = await place.triggers.revision()
        assert known != server.scheduling._revision
        await server.at(T0 + HOUR)
        assert await place.runs() == []
        await server.at(T0 + 2 * HOUR)
    assert await place.runs() == []
    assert await place.ticks() == []


async def test_whoever_pauses_at_the_same_time_as_somebody_else_is_told_how_it_is() -> None:
    place = Clockwork()
    await place.define(hourly("a"), hourly("b"))
    async with place.server() as server:
        await server.at(T0 + 1)
    rows = await find_schedules(place.store, "report")
    await set_paused(place.store, rows[:1], pause=True, actor="ann", now_us=T0 + 2)
    done = await set_paused(place.store, rows, pause=True, actor="bob", now_us=T0 + 3)
    assert [(row.paused, row.actor) for row in done] == [(True, "ann"), (True, "bob")]
    assert [row.id for row in done] == ["report/a", "report/b"]


async def test_a_new_version_is_followed_whoever_made_it_current() -> None:
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        await server.at(T0 + 1)
        second = await place.define(hourly(parameters={"n": 2}), hourly("more"))
        await server.at(T0 + HOUR)
        third = await place.define(hourly("more"))
        await server.at(T0 + 2 * HOUR)
        await place.store.set_current("report", second, actor="ann", now_us=0)
        await server.at(T0 + 2 * HOUR + 1)
        await server.at(T0 + 3 * HOUR)
    runs = Counter((run.actor, run.version, (run.logical_us - T0) // HOUR) for run in await place.runs())
    assert runs == {
        ("report/s", second, 1): 1,
        ("report/more", third, 2): 1,
        ("report/s", second, 3): 1,
        ("report/more", second, 3): 1,
    }


async def test_a_tick_that_admission_skips_says_so() -> None:
    place = Clockwork()
    await place.define(hourly("a"), hourly("b"), concurrency=Concurrency(max_active_runs=1, overlap="skip"))
    async with place.server() as server:
        await server.at(T0 + 1)
        await server.at(T0 + HOUR)
    seen = [*await place.ticks("report/a"), *await place.ticks("report/b")]
    assert [each.tick.outcome for each in seen] == [TickOutcome.STARTED] * 2
    [skipped] = [each for each in seen if not each.was_admitted]
    assert "1 active of at most 1" in skipped.run_reason


async def test_two_servers_on_one_store_start_each_tick_once() -> None:
    place = Clockwork()
    await place.define(*(hourly(f"s{n}") for n in range(7)))
    async with place.server() as one, place.server() as other:
        await one.at(T0 + 1)
        await other.at(T0 + 1)
        for hour in range(1, 6):
            first, second = (one, other) if hour % 2 else (other, one)
            await first.at(T0 + hour * HOUR)
            await second.at(T0 + hour * HOUR)
    runs = await place.runs()
    assert Counter((run.actor, run.logical_us) for run in runs) == {
        (f"report/s{n}", T0 + hour * HOUR): 1 for n in range(7) for hour in range(1, 6)
    }
    assert {run.state for run in runs} == {RunState.SUCCEEDED}


async def test_when_the_store_is_away_a_tick_waits() -> None:
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        server.scheduling.start()
        await server.scheduling.caught_up.wait()
        place.triggers.before = True
        await place.clock.wait_until(T0 + HOUR + 10 * SECOND)
        await server.settle()
        await server.scheduling.stop()
    [run] = await place.runs()
    assert (run.logical_us, run.state) == (T0 + HOUR, RunState.SUCCEEDED)


async def test_when_the_answer_of_the_store_is_lost_the_run_goes_on_and_there_is_one() -> None:
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        server.scheduling.start()
        await server.scheduling.caught_up.wait()
        place.triggers.behind = True
        await place.clock.wait_until(T0 + HOUR + 10 * SECOND)
        await server.settle()
        await server.scheduling.stop()
    [run] = await place.runs()
    assert (run.logical_us, run.state) == (T0 + HOUR, RunState.SUCCEEDED)


async def test_a_server_that_dies_after_the_transaction_leaves_a_run_for_the_next_one() -> None:
    place = Clockwork()
    await place.define(hourly())
    async with place.server() as server:
        await server.at(T0 + 1)
        place.go_to(T0 + HOUR)
        server.scheduling._launch = lambda runs, code: None  # type: ignore[method-assign]
        await server.scheduling.look()
    place.store.lose(server.runtime.instance)
    async with place.server() as server:
        assert (await server.runtime.adopt()).total == 1
        await server.at(T0 + HOUR + 1)
    [run] = await place.runs()
    assert run.state is RunState.SUCCEEDED


async def test_a_tick_whose_code_is_elsewhere_is_skipped_and_says_so() -> None:
    place = Clockwork()
    await place.define(hourly())
    place.has_code = False
    async with place.server() as server:
        await server.at(T0 + 1)
        await server.at(T0 + HOUR)
    [seen] = await place.ticks()
    assert (seen.tick.outcome, "not on this machine" in seen.tick.reason) == (TickOutcome.SKIPPED, True)
    assert await place.runs() == []


async def test_a_schedule_that_this_toque_cannot_read_stands_still_and_hinders_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Clockwork()
    await place.define(hourly("a"), hourly("b"))
    async with place.server() as server:
        await server.at(T0 + 1)
        row = await place.triggers.get_schedule("report/a")
        assert row is not None
        strange = msgspec.structs.replace(row, definition=b'{"name":"a","rule":{"kind":"moon"}}')
        await place.triggers.record([Change(before=row, after=strange, tell=True)])
        await server.at(T0 + HOUR)
    assert [run.actor for run in await place.runs()] == ["report/b"]
    assert "report/a stands still" in caplog.text


async def test_schedules_follow_what_the_project_defines() -> None:
    place = Clockwork()
    version = await place.define(hourly())
    row = await place.store.get_version(version)
    assert row is not None
    ir = canonical.decode(row.ir)
    indexed = IndexedPipeline(name="report", file="f.py", version=version, file_version=version, ir=ir)
    async with place.server() as server:
        follow = server.scheduling.following.follow
        await server.at(T0 + 1)
        await follow(ProjectState(pipelines={}, indexed_us=0))
        await follow(ProjectState(pipelines={}, indexed_us=1, fault="unreadable"))
        await server.at(T0 + HOUR)
        assert len(await place.runs()) == 1
        await follow(ProjectState(pipelines={}, indexed_us=1))
        assert await place.triggers.list_schedules(ScheduleFilter()) == []
        await server.at(T0 + 3 * HOUR)
        assert len(await place.runs()) == 1
        await follow(ProjectState(pipelines={"report": indexed}, indexed_us=1))
        await server.at(T0 + 3 * HOUR + 1)
        await server.at(T0 + 4 * HOUR)
    assert [(run.logical_us - T0) // HOUR for run in await place.runs()] == [1, 4]


async def test_a_thousand_that_coincide_are_decided_in_pieces_with_turns_for_the_others() -> None:
    place = Clockwork()
    await place.define(*(hourly(f"s{n:04}") for n in range(1000)))
    async with place.server() as server:
        await server.at(T0 + 1)
        sizes: list[int] = []
        server.scheduling.listen(lambda ticks: sizes.append(len(ticks)))
        place.go_to(T0 + HOUR)
        await server.scheduling.look()
        assert len(sizes) == 1000
        await server.settle()
    assert len(await place.runs(states=(RunState.SUCCEEDED,))) == 1000


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        # 2026-03-29: the clocks of Madrid go from 02:00 to 03:00. 2026-10-25: from 03:00 back to 02:00.
        (CronRule(text="30 2 * * *"), 1774738800, ["01:00"]),
        (CronRule(text="30 2 * * *"), 1792879200, ["00:30"]),
        (CronRule(text="30 * * * *"), 1774738800, [f"{hour:02}:30" for hour in (23, *range(22))]),
        (CronRule(text="30 * * * *"), 1792879200, [f"{hour:02}:30" for hour in (22, 23, *range(23))]),
    ],
)
async def test_the_nights_on_which_the_clocks_change_are_lived_through_once(
    rule: CronRule, day: int, expected: list[str]
) -> None:
    """From midnight to midnight in Madrid, looking every seven minutes."""
    start_us = day * SECOND
    place = Clockwork(start_us - 600 * SECOND)
    await place.define(hourly(rule=rule, tz="Europe/Madrid"))
    async with place.server() as server:
        await server.at(start_us - 60 * SECOND)
        hours = 23 if day == 1774738800 else 25
        for at_us in range(start_us, start_us + hours * HOUR, 60 * 7 * SECOND):
            await server.at(at_us)
    shown = [datetime.fromtimestamp(run.logical_us / 1e6, UTC).strftime("%H:%M") for run in await place.runs()]
    assert shown == expected
    assert len(await place.ticks()) == len(expected)


async def test_jitter_delays_the_start_and_not_the_logical_time() -> None:
    place = Clockwork()
    await place.define(*(hourly(f"s{n}", jitter_s=600) for n in range(5)))
    async with place.server() as server:
        await server.at(T0 + 1)
        await server.at(T0 + HOUR)
        at_once = len(await place.runs())
        await server.at(T0 + HOUR + 600 * SECOND)
    runs = await place.runs()
    assert at_once < len(runs) == 5
    assert {run.logical_us for run in runs} == {T0 + HOUR}


async def test_a_schedule_of_every_second_keeps_its_pace() -> None:
    place = Clockwork()
    await place.define(hourly(rule=IntervalRule(every_s=1)))
    async with place.server() as server:
        server.scheduling.start()
        await server.scheduling.caught_up.wait()
        await place.clock.wait_until(T0 + 120 * SECOND)
        await server.settle()
        await server.scheduling.stop()
    ticks = [seen.tick for seen in await place.ticks()]
    assert [tick.at_us for tick in ticks] == [T0 + n * SECOND for n in range(1, len(ticks) + 1)]
    assert len(ticks) >= 119
    assert {tick.outcome for tick in ticks} == {TickOutcome.STARTED}
