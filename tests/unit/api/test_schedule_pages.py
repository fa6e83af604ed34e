"""Schedules, their ticks, what is planned, and backfills."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import store_rows as rows
from tests import trigger_rows as triggers
from tests.unit.api import flights
from tests.unit.api.flights import HOUR, MINUTE, NOW_US, QUEUED, SECOND, V2
from tests.unit.api.served import Served
from toque.engine.states import BackfillState, RunState, TickOutcome
from toque.graph.schedules import AnyRule, BusinessDaysRule, CronRule, IntervalRule, RRuleRule, Schedule
from toque.ports.triggers import Change, ScheduleRow, TickRow

DAY = 24 * HOUR
SEVEN = NOW_US + 23 * HOUR
"""The next 07:00, since it is 08:00."""


def definition(rule: AnyRule | None = None, **fields: Any) -> bytes:
    rule = rule or CronRule(text="0 7 * * *")
    return msgspec.json.encode(Schedule(name="daily", rule=rule, **fields))


async def daily(served: Served, name: str = "daily", pipeline: str = "flights", **fields: Any) -> ScheduleRow:
    given = {"next_at_us": SEVEN, "next_due_us": SEVEN, "definition": definition(), **fields}
    return await served.add_schedule(pipeline, name, given.pop("definition"), **given)


async def record(served: Served, of: str, *ticks: TickRow) -> None:
    row = await served.store.triggers.get_schedule(of)
    assert row is not None
    await served.store.triggers.record([Change(before=row, after=row, ticks=list(ticks))])


# -- lists


async def test_a_schedule_says_what_it_does_in_words(served: Served) -> None:
    in_madrid = definition(tz="Europe/Madrid", parameters={"year": 2013}, catchup="all")
    await daily(served, definition=in_madrid, next_at_us=SEVEN - HOUR, next_due_us=SEVEN - HOUR)
    [found] = (await served.get("/schedules"))["items"]
    assert (found["id"], found["rule"], found["tz"], found["catchup"]) == (
        "flights/daily",
        "0 7 * * *",
        "Europe/Madrid",
        "all",
    )
    assert "07:00" in found["words"]
    assert found["parameters"] == {"year": 2013}
    assert found["next_us"] == SEVEN - HOUR
    assert (found["version"], found["paused"], found["last_us"]) == (V2, False, NOW_US)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (CronRule(text="*/5 * * * *"), "*/5 * * * *"),
        (IntervalRule(every_s=900), "every 15m"),
        (RRuleRule(text="FREQ=DAILY", dtstart="2026-01-01T09:00:00"), "FREQ=DAILY"),
        (BusinessDaysRule(at=("07:00", "19:30")), "business days at 07:00, 19:30"),
        (BusinessDaysRule(at=("07:00",), nth=(1, -1)), "business days 1,-1 at 07:00"),
    ],
)
async def test_each_kind_of_rule_is_written_out(served: Served, rule: AnyRule, text: str) -> None:
    await daily(served, definition=definition(rule))
    [found] = (await served.get("/schedules"))["items"]
    assert found["rule"] == text
    assert found["words"]
    assert found["next_us"] > NOW_US


async def test_a_schedule_of_a_newer_toque_is_shown_by_its_name(served: Served) -> None:
    newer = msgspec.json.encode({"name": "daily", "rule": {"kind": "moon", "phase": "full"}})
    await daily(served, definition=newer)
    [found] = (await served.get("/schedules"))["items"]
    assert (found["rule"], found["next_us"], found["words"]) == ("(of a newer Toque)", SEVEN, "")
    assert (await served.get("/upcoming", until_us=NOW_US + 2 * DAY))["items"] == []


async def test_a_paused_schedule_has_no_next_tick(served: Served) -> None:
    await daily(served, paused=True)
    [found] = (await served.get("/schedules"))["items"]
    assert (found["paused"], found["next_us"]) == (True, 0)
    assert (await served.get("/upcoming", until_us=NOW_US + 2 * DAY))["items"] == []


async def test_schedules_come_in_pages_of_one_pipeline_or_all(served: Served) -> None:
    for pipeline in ("flights", "small"):
        for name in ("a", "b"):
            await daily(served, name, pipeline)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await served.get("/schedules", limit=3, cursor=cursor)
        found += [each["id"] for each in page["items"]]
        cursor = page["next"]
    assert found == ["flights/a", "flights/b", "small/a", "small/b"]
    only = await served.get("/schedules", pipeline="small")
    assert [each["id"] for each in only["items"]] == ["small/a", "small/b"]


async def test_a_retired_schedule_is_gone(served: Served) -> None:
    await daily(served, retired=True)
    assert (await served.get("/schedules"))["items"] == []
    await served.refused("POST", "/schedules/flights/daily/pause", status=404)


# -- pausing


async def test_a_schedule_is_paused_and_goes_on(served: Served) -> None:
    await daily(served)
    paused = await served.post("/schedules/flights/daily/pause")
    assert (paused["paused"], paused["actor"], paused["changed_us"], paused["next_us"]) == (True, "ada", NOW_US, 0)
    resumed = await served.post("/schedules/flights/daily/unpause")
    assert (resumed["paused"], resumed["next_us"]) == (False, SEVEN)


async def test_pausing_twice_keeps_who_did_it_first(served: Served) -> None:
    await daily(served)
    await served.send("POST", "/schedules/flights/daily/pause", headers={"X-Toque-Actor": "grace"})
    again = await served.post("/schedules/flights/daily/pause")
    assert (again["paused"], again["actor"]) == (True, "grace")


@pytest.mark.parametrize("path", ["/schedules/flights/none/pause", "/schedules/none/unpause"])
async def test_a_schedule_that_is_not_there_is_not_paused(served: Served, path: str) -> None:
    assert "no schedule" in (await served.refused("POST", path, status=404))["detail"]


# -- ticks


async def test_ticks_say_what_became_of_them(served: Served) -> None:
    before = await daily(served)
    run = triggers.queued("rt", NOW_US - HOUR, pipeline="flights", state=RunState.FAILED)
    await served.store.triggers.record(
        [
            Change(
                before=await served.store.triggers.get_schedule(before.id),
                after=before,
                ticks=[
                    triggers.tick(NOW_US - HOUR, before.id, run_id="rt", due_us=NOW_US - HOUR + SECOND),
                    triggers.tick(NOW_US - 2 * HOUR, before.id, reason="the server was down"),
                    triggers.tick(
                        NOW_US - 3 * HOUR,
                        before.id,
                        outcome=TickOutcome.COALESCED,
                        count=4,
                        first_us=NOW_US - 6 * HOUR,
                    ),
                ],
                runs=[run],
            )
        ]
    )
    started, skipped, coalesced = (await served.get("/schedules/flights/daily/ticks"))["items"]
    assert (started["outcome"], started["run_id"], started["run_state"]) == ("started", "rt", "failed")
    assert (skipped["outcome"], skipped["reason"], skipped["run_state"]) == ("skipped", "the server was down", None)
    assert (coalesced["outcome"], coalesced["count"], coalesced["first_us"]) == ("coalesced", 4, NOW_US - 6 * HOUR)


async def test_ticks_come_in_pages_newest_first(served: Served) -> None:
    await daily(served)
    await record(served, "flights/daily", *(triggers.tick(NOW_US - n * HOUR, "flights/daily") for n in range(1, 8)))
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await served.get("/schedules/flights/daily/ticks", limit=3, cursor=cursor)
        found += [tick["at_us"] for tick in page["items"]]
        cursor = page["next"]
    assert found == [NOW_US - n * HOUR for n in range(1, 8)]


async def test_a_row_of_many_ticks_is_passed_as_one(served: Served) -> None:
    await daily(served)
    many = triggers.tick(NOW_US - 2 * HOUR, "flights/daily", count=3, first_us=NOW_US - 4 * HOUR)
    await record(served, "flights/daily", triggers.tick(NOW_US - HOUR, "flights/daily"), many)
    await record(served, "flights/daily", triggers.tick(NOW_US - 5 * HOUR, "flights/daily"))
    first = await served.get("/schedules/flights/daily/ticks", limit=2)
    second = await served.get("/schedules/flights/daily/ticks", limit=2, cursor=first["next"])
    assert [tick["at_us"] for tick in second["items"]] == [NOW_US - 5 * HOUR]


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"limit": 0}, {"since": 1}])
async def test_ticks_that_cannot_be_asked_for(served: Served, query: dict[str, Any]) -> None:
    await daily(served)
    await served.refused("GET", "/schedules/flights/daily/ticks", status=422, **query)
    await served.refused("GET", "/schedules/flights/none/ticks", status=404)


# -- what is planned


async def test_planned_ticks_of_all_schedules_are_merged(served: Served) -> None:
    await daily(served)
    hourly = definition(CronRule(text="30 * * * *"))
    await daily(served, "hourly", "small", definition=hourly, next_at_us=NOW_US + 1, next_due_us=NOW_US + 1)
    found = (await served.get("/upcoming"))["items"]
    assert len(found) == 25
    assert [tick["due_us"] for tick in found] == sorted(tick["due_us"] for tick in found)
    assert [tick["at_us"] for tick in found if tick["schedule"] == "flights/daily"] == [SEVEN]
    assert {tick["outcome"] for tick in found} == {"planned"}
    assert [tick["schedule"] for tick in (await served.get("/upcoming", limit=2))["items"]] == ["small/hourly"] * 2


async def test_nothing_is_planned_beyond_what_was_asked_for(served: Served) -> None:
    await daily(served)
    assert (await served.get("/upcoming", until_us=SEVEN - 1))["items"] == []
    assert len((await served.get("/upcoming", until_us=SEVEN + 2 * DAY))["items"]) == 3


async def test_a_planned_tick_has_the_interval_of_its_data(served: Served) -> None:
    await daily(served)
    [tick] = (await served.get("/upcoming"))["items"]
    assert (tick["start_us"], tick["end_us"]) == (SEVEN - DAY, SEVEN)


# -- looking at a rule


@pytest.mark.parametrize(
    ("rule", "tz", "first"),
    [
        ("0 7 * * *", "UTC", SEVEN),
        ("0 7 * * *", "Asia/Tokyo", NOW_US + 14 * HOUR),
        ("every 15m", "UTC", NOW_US + 15 * MINUTE),
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "UTC", NOW_US + HOUR),
        ("  0 7 * * *  ", "UTC", SEVEN),
    ],
)
async def test_a_rule_is_tried_before_it_is_written_into_a_file(served: Served, rule: str, tz: str, first: int) -> None:
    found = await served.post("/schedules/preview", {"rule": rule, "tz": tz, "count": 3})
    assert found["words"]
    times = [tick["at_us"] for tick in found["ticks"]]
    assert times[0] == first
    assert len(times) == 3
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"rule": "every day at noon"}, 422),
        ({"rule": "0 7 * *"}, 422),
        ({"rule": "61 * * * *"}, 422),
        ({"rule": "0 7 31 2 *"}, 422),
        ({"rule": "FREQ=SOMETIMES"}, 422),
        ({"rule": "0 7 * * *", "tz": "Mars/Olympus"}, 422),
        ({"rule": "0 7 * * *", "count": 0}, 422),
        ({"rule": "0 7 * * *", "count": 201}, 422),
        ({}, 422),
        ({"pipeline": "nothing"}, 404),
        ({"pipeline": "flights", "name": "nothing"}, 404),
    ],
)
async def test_a_rule_that_cannot_be_says_why(served: Served, body: dict[str, Any], status: int) -> None:
    problem = await served.refused("POST", "/schedules/preview", body, status=status)
    assert problem["detail"]


async def test_a_declared_schedule_is_looked_at_by_its_name(served: Served) -> None:
    await daily(served)
    for body in ({"pipeline": "flights", "name": "daily"}, {"pipeline": "flights"}):
        found = await served.post("/schedules/preview", {**body, "count": 1})
        assert [(tick["schedule"], tick["at_us"]) for tick in found["ticks"]] == [("flights/daily", SEVEN)]


async def test_one_of_two_schedules_has_to_be_named(served: Served) -> None:
    await daily(served)
    await daily(served, "nightly")
    problem = await served.refused("POST", "/schedules/preview", {"pipeline": "flights"}, status=404)
    assert "flights/daily, flights/nightly" in problem["fix"]


# -- backfills


def span(days: int, **more: Any) -> dict[str, Any]:
    return {"from_us": NOW_US - days * DAY, "to_us": NOW_US, **more}


async def test_a_dry_run_names_the_slices_and_writes_nothing(served: Served) -> None:
    await daily(served)
    found = await served.post("/pipelines/flights/backfills", span(3, dry_run=True), status=201)
    assert (found["id"], found["state"], found["total"]) == ("", "planned", 3)
    times = [tick["at_us"] for tick in found["slices"]]
    assert times == [SEVEN - 3 * DAY, SEVEN - 2 * DAY, SEVEN - DAY]
    assert (await served.get("/backfills"))["items"] == []
    backward = await served.post("/pipelines/flights/backfills", span(3, dry_run=True, reverse=True), status=201)
    assert [tick["at_us"] for tick in backward["slices"]] == times[::-1]


async def test_a_backfill_is_planned_once_for_a_key(served: Served) -> None:
    await daily(served)

    async def planned(key: str) -> Any:
        headers = {"Idempotency-Key": key}
        said = await served.send("POST", "/pipelines/flights/backfills", span(2, max_active=2), headers=headers)
        assert said.status == 201
        served.start()
        return said.json

    first = await planned("k")
    assert (first["state"], first["total"], first["started"], first["actor"]) == ("running", 2, 0, "ada")
    assert (await planned("k"))["id"] == first["id"]
    assert (await planned("l"))["id"] != first["id"]
    assert len((await served.get("/backfills"))["items"]) == 2
    assert (await served.get(f"/backfills/{first['id']}"))["max_active"] == 2


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("flights", {"from_us": 10, "to_us": 10}, 422),
        ("flights", {"from_us": NOW_US, "to_us": NOW_US - DAY}, 422),
        ("flights", {**span(1), "max_active": 0}, 422),
        ("flights", {**span(1), "schedule": "nothing"}, 404),
        ("flights", {"to_us": NOW_US}, 422),
        ("small", span(1), 404),
        ("nothing", span(1), 404),
    ],
)
async def test_a_backfill_that_cannot_be_is_refused(
    served: Served, name: str, body: dict[str, Any], status: int
) -> None:
    await daily(served)
    await served.refused("POST", f"/pipelines/{name}/backfills", body, status=status)
    assert (await served.get("/backfills"))["items"] == []


async def test_backfills_come_in_pages_newest_first(served: Served) -> None:
    for name in ("b1", "b2", "b3"):
        await served.store.backfills.create(triggers.backfill(name, pipeline="flights"))
    first = await served.get("/backfills", limit=2)
    second = await served.get("/backfills", limit=2, cursor=first["next"])
    assert [each["id"] for page in (first, second) for each in page["items"]] == ["b3", "b2", "b1"]
    assert second["next"] is None


async def test_a_backfill_is_cancelled_with_its_runs(served: Served) -> None:
    await served.store.backfills.create(triggers.backfill("b1", pipeline="flights"))
    found = await served.post("/backfills/b1/cancel")
    assert found["state"] == "cancelled"
    again = await served.post("/backfills/b1/cancel")
    assert again["state"] == "cancelled"
    assert {command.run_id for command in await served.store.list_commands(rows.ME)} == {QUEUED}


@pytest.mark.parametrize("state", [BackfillState.SUCCEEDED, BackfillState.FAILED])
async def test_a_backfill_that_has_ended_is_not_cancelled(served: Served, state: BackfillState) -> None:
    await served.store.backfills.create(triggers.backfill("b2", pipeline="flights", state=state, finished_us=5))
    problem = await served.refused("POST", "/backfills/b2/cancel", status=409)
    assert "has ended" in problem["detail"]
    assert (await served.get("/backfills/b2"))["state"] == state.value


@pytest.mark.parametrize(("method", "path"), [("GET", "/backfills/b0"), ("POST", "/backfills/b0/cancel")])
async def test_a_backfill_that_is_not_there_is_not_found(served: Served, method: str, path: str) -> None:
    assert "b0" in (await served.refused(method, path, status=404))["detail"]


async def test_the_schedules_of_a_pipeline_stand_on_its_page(served: Served) -> None:
    await daily(served)
    found = await served.get("/pipelines/flights")
    assert [each["id"] for each in found["schedules"]] == ["flights/daily"]
    assert flights.PIPELINE.schedules[0].name == "daily"
