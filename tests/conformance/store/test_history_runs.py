"""Pages of runs: filters, cursors both ways, searches, strips, calendars, durations, days, what needs a person."""

from __future__ import annotations

from typing import Any

import pytest

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from toque.engine.rows import RunRow
from toque.engine.run_ids import first_run_id
from toque.engine.states import RunState
from toque.errors import UserError
from toque.ports.pages import DayCounts, RunQuery
from toque.ports.store import Store
from toque.store.sql.history import finding

DAY_US = 86_400_000_000
NOON_US = 1_763_812_800_000_000
"""2025-11-22 12:00 UTC."""


def ended(run_id: str, state: RunState = RunState.SUCCEEDED, **fields: Any) -> RunRow:
    return rows.run(run_id, state=state, **{"started_us": 1, "finished_us": 2, **fields})


async def made(store: Store, *runs: RunRow) -> None:
    for run in runs:
        await store.commit(rows.commit(runs=[run]))


async def ids(store: Store, **query: Any) -> list[str]:
    return [run.run_id for run in (await store.history.runs(RunQuery(**query))).runs]


async def test_pages_lead_down_and_up_again(store: Store) -> None:
    names = [f"r{n}" for n in range(7)]
    await made(store, *map(rows.run, names))
    down: list[list[str]] = []
    query = RunQuery(limit=3)
    while True:
        page = await store.history.runs(query)
        down.append([run.run_id for run in page.runs])
        if not page.older:
            break
        query = RunQuery(limit=3, before=page.older)
    assert down == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]
    up = [down[-1]]
    while page.newer:
        page = await store.history.runs(RunQuery(limit=3, after=page.newer))
        up.append([run.run_id for run in page.runs])
    assert up == [["r0"], ["r3", "r2", "r1"], ["r6", "r5", "r4"]]


async def test_the_first_page_has_nothing_above_it(store: Store) -> None:
    await made(store, *map(rows.run, ("r1", "r2")))
    page = await store.history.runs(RunQuery(limit=2))
    assert (page.older, page.newer) == ("", "")
    empty = await store.history.runs(RunQuery(pipeline="none"))
    assert (empty.runs, empty.older, empty.newer) == ([], "", "")


async def test_filters_add_up(store: Store) -> None:
    await made(
        store,
        ended("r1", RunState.FAILED, trigger="schedule"),
        ended("r2", RunState.FAILED, trigger="manual"),
        ended("r3", RunState.FAILED, trigger="schedule", pipeline="q"),
        ended("r4", trigger="schedule", backfill_id="b"),
        rows.run("r5", trigger="schedule"),
    )
    assert await ids(store, trigger="schedule") == ["r5", "r4", "r3", "r1"]
    assert await ids(store, trigger="schedule", pipeline="p", states=(RunState.FAILED, RunState.RUNNING)) == [
        "r5",
        "r1",
    ]
    assert await ids(store, states=(RunState.FAILED,), limit=2) == ["r3", "r2"]
    assert await ids(store, backfill_id="b") == ["r4"]
    assert await ids(store, backfill_id="b", pipeline="q") == []


async def test_a_range_of_creation_is_a_range_of_ids(store: Store) -> None:
    made_at = [NOON_US + n * DAY_US for n in range(4)]
    names = [first_run_id(at_us) + "000000000" for at_us in made_at]
    await made(store, *(rows.run(name, created_us=at_us) for name, at_us in zip(names, made_at, strict=True)))
    assert await ids(store, from_us=made_at[1], to_us=made_at[3]) == [names[2], names[1]]
    assert await ids(store, from_us=made_at[3] + 1_000) == []
    assert await ids(store, to_us=made_at[0]) == []


async def test_runs_are_found_by_id_pipeline_and_parameters(store: Store) -> None:
    await made(
        store,
        rows.run("r1", pipeline="Flights", parameters={"airport": "EWR", "year": 2013, "deep": {"a": [1]}}),
        rows.run("r2", pipeline="flights.daily", parameters={"airport": "JFK", "dry": True}),
        rows.run("s1", pipeline="weather", parameters={"day": {"$": "date", "v": "2013-01-05"}, "nothing": None}),
    )
    assert await ids(store, search="r") == ["r2", "r1"]
    assert await ids(store, search="FLIGHTS") == ["r2", "r1"]
    assert await ids(store, search="flights.") == ["r2"]
    assert await ids(store, search="ewr") == ["r1"]
    assert await ids(store, search="year=20") == ["r1"]
    assert await ids(store, search="dry=true") == ["r2"]
    assert await ids(store, search="2013-01") == ["s1"]
    assert await ids(store, search="irport") == [], "only the beginning of a word counts"
    assert await ids(store, search="ewr", states=(RunState.FAILED,)) == []
    assert await ids(store, search="\0 ") == []


async def test_a_search_that_looks_no_deeper_goes_on_with_the_next_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "SEARCH_DEPTH", 6)
    states = [RunState.FAILED if n % 10 == 0 else RunState.RUNNING for n in range(40)]
    await made(store, *(rows.run(f"r{n:02}", state=state, pipeline="pq"[n % 2]) for n, state in enumerate(states)))
    for cursor, turned in (("before", False), ("after", True)):
        found: list[str] = []
        at = "q" if turned else "s"
        looks = 0
        while at:
            query = RunQuery(search="p", states=(RunState.FAILED,), limit=1, **{cursor: at})
            page = await store.history.runs(query)
            found += [run.run_id for run in page.runs]
            at = page.newer if turned else page.older
            looks += 1
            assert looks < 40
        assert found == sorted(["r00", "r10", "r20", "r30"], reverse=not turned)


async def test_what_is_deleted_is_not_found(store: Store) -> None:
    await made(store, ended("r1", parameters={"airport": "EWR"}), ended("r2"))
    assert await store.prune(before_us=100, keep_last=1, limit=10) == ["r1"]
    assert await ids(store, search="ewr") == []
    assert await store.history.get_runs(["r1", "r2"]) == {"r2": ended("r2")}


async def test_a_strip_has_the_last_runs_newest_last(store: Store) -> None:
    await made(store, *(rows.run(f"r{n:02}", pipeline="pq"[n % 3 == 0]) for n in range(30)))
    strips = await store.history.recent(["p", "q", "none", "p"], 3)
    assert {name: [run.run_id for run in strip] for name, strip in strips.items()} == {
        "p": ["r26", "r28", "r29"],
        "q": ["r21", "r24", "r27"],
        "none": [],
    }
    many = [f"n{n}" for n in range(700)]
    assert list(await store.history.recent([*many, "q"], 1)) == [*many, "q"]


async def test_active_runs_are_counted_by_pipeline_and_state(store: Store) -> None:
    await made(store, ended("r1"), rows.run("r2"), rows.run("r3"), rows.run("r4", state=RunState.QUEUED, pipeline="q"))
    assert await store.history.active_counts() == {"p": {RunState.RUNNING: 2}, "q": {RunState.QUEUED: 1}}


async def test_pipelines_are_those_with_runs_or_versions(store: Store) -> None:
    await made(store, rows.run("r1", pipeline="b"), rows.run("r2", pipeline="a"))
    await store.put_version(rows.version("v1", pipeline="c"), make_current=True)
    assert await store.history.pipelines() == ["a", "b", "c"]


async def test_a_failure_needs_attention_until_a_success_follows(store: Store) -> None:
    await made(
        store,
        ended("r1", RunState.FAILED),
        ended("r2"),
        ended("r3", RunState.FAILED, created_us=30),
        ended("r4", RunState.CANCELLED),
        ended("r5", RunState.FAILED, created_us=50),
        rows.run("r6"),
        ended("q1", RunState.FAILED, pipeline="q"),
        ended("q2", pipeline="q"),
    )
    [entry] = await store.history.attention()
    assert (entry.pipeline, entry.run.run_id, entry.count, entry.since_us) == ("p", "r5", 2, 30)
    await made(store, ended("r7"))
    assert await store.history.attention() == []


async def test_a_calendar_has_days_of_its_zone(store: Store) -> None:
    late_us = NOON_US + 11 * 3_600_000_000  # 23:00 UTC, 04:45 of the next day in Kathmandu
    await made(
        store,
        ended("r1", logical_us=NOON_US),
        ended("r2", RunState.FAILED, created_us=late_us),
        rows.run("r3", logical_us=late_us),
        ended("r4", logical_us=NOON_US - 9 * DAY_US),
        ended("r5", pipeline="q", logical_us=NOON_US),
    )
    days = (NOON_US - DAY_US, NOON_US + 2 * DAY_US)
    assert await store.history.calendar("p", *days, "UTC") == [
        DayCounts(date="2025-11-22", succeeded=1, failed=1, active=1)
    ]
    assert await store.history.calendar("p", *days, "Asia/Kathmandu") == [
        DayCounts(date="2025-11-22", succeeded=1),
        DayCounts(date="2025-11-23", failed=1, active=1),
    ]
    with pytest.raises(UserError, match="Mars"):
        await store.history.calendar("p", *days, "Mars/Olympus")


async def test_a_calendar_remembers_what_retention_deleted(store: Store) -> None:
    await made(store, ended("r1", logical_us=NOON_US), ended("r2", logical_us=NOON_US))
    before = await store.history.calendar("p", 0, 2 * NOON_US, "UTC")
    assert await store.prune(before_us=100, keep_last=1, limit=10) == ["r1"]
    assert await store.history.calendar("p", 0, 2 * NOON_US, "UTC") == before
    totals = await store.history.totals()
    assert totals.ended_runs == {RunState.SUCCEEDED: 2}


async def test_durations_are_those_of_ended_runs_oldest_first(store: Store) -> None:
    await made(
        store,
        ended("r1", created_us=5, started_us=10, finished_us=40),
        ended("r2", RunState.FAILED, created_us=5, started_us=6, finished_us=7, version="v2"),
        ended("r3", RunState.CANCELLED, started_us=0),
        rows.run("r4", started_us=9),
    )
    points = await store.history.durations("p")
    assert [(point.run_id, point.queued_us, point.duration_us, point.state, point.version) for point in points] == [
        ("r1", 5, 30, "succeeded", "v1"),
        ("r2", 1, 1, "failed", "v2"),
    ]
    assert [point.run_id for point in await store.history.durations("p", limit=1)] == ["r2"]
    assert [point.run_id for point in await store.history.durations("p", before="r2")] == ["r1"]


async def test_a_day_has_every_run_that_ran_in_it(store: Store) -> None:
    from_us, to_us = NOON_US, NOON_US + DAY_US
    await made(
        store,
        ended("r1", started_us=from_us - 9, finished_us=from_us),  # over by then
        ended("r2", started_us=from_us - 9, finished_us=from_us + 1),
        ended("r3", started_us=from_us - 9 * DAY_US, finished_us=to_us + 9 * DAY_US),  # all of it and more
        ended("r4", started_us=to_us - 1, finished_us=to_us + DAY_US // 2),
        ended("r5", started_us=to_us, finished_us=to_us + 1),
        rows.run("r6", started_us=from_us - 3 * DAY_US),  # still running
        rows.run("r7", started_us=to_us),
        rows.run("r8", state=RunState.QUEUED),
        ended("r9", RunState.CANCELLED, started_us=0, finished_us=from_us + 5),
    )
    bars = await store.history.day(from_us, to_us)
    assert [bar.run_id for bar in bars] == ["r3", "r6", "r2", "r4"]
    assert [bar.run_id for bar in await store.history.day(from_us, to_us, 2)] == ["r6", "r2"]


async def test_what_a_run_of_another_process_came_to_is_there_at_once(place: Place) -> None:
    first, second = await place.open(), await place.open()
    await made(first, rows.run("r1"))
    await made(first, ended("r1", RunState.FAILED))
    assert [entry.run.run_id for entry in await second.history.attention()] == ["r1"]
