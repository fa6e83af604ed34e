"""Runs as lists and pages show them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.flights import FAILED, GOOD, HOUR, LIVE, MINUTE, NOW_US, QUEUED, RUNS
from tests.unit.api.served import Served
from toque.engine.states import RunState, TaskState

NEWEST_FIRST = [QUEUED, LIVE, GOOD, FAILED]


def ids(page: Any) -> list[str]:
    return [run["run_id"] for run in page["items"]]


async def test_runs_are_listed_newest_first(served: Served) -> None:
    page = await served.get("/runs")
    assert ids(page) == NEWEST_FIRST
    assert page["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "failed"}, [FAILED]),
        ({"state": ["running", "queued"]}, [QUEUED, LIVE]),
        ({"state": ["running", "running"]}, [LIVE]),
        ({"trigger": "schedule"}, [FAILED]),
        ({"trigger": "nobody"}, []),
        ({"backfill": "b1"}, [QUEUED]),
        ({"pipeline": "flights", "limit": 1000}, NEWEST_FIRST),
        ({"pipeline": "flight"}, []),
        ({"from_us": NOW_US - HOUR}, [QUEUED, LIVE]),
        ({"to_us": NOW_US - HOUR}, [GOOD, FAILED]),
        ({"from_us": NOW_US - 2 * HOUR, "to_us": NOW_US - MINUTE}, [LIVE, GOOD]),
        ({"from_us": NOW_US, "to_us": NOW_US - HOUR}, []),
        ({"search": "2012"}, [GOOD]),
        ({"search": "year=2013"}, [QUEUED, LIVE, FAILED]),
        ({"search": "FLIGHTS"}, NEWEST_FIRST),
        ({"search": LIVE}, [LIVE]),
        ({"search": "nothing"}, []),
        ({"search": "%"}, []),
        ({"state": "succeeded", "search": "2013"}, []),
    ],
)
async def test_a_list_holds_what_was_asked_for(served: Served, query: dict[str, Any], found: list[str]) -> None:
    assert ids(await served.get("/runs", **query)) == found


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_add_up_to_the_list_without_a_run_twice(served: Served, limit: int) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        page = await served.get("/runs", limit=limit, cursor=cursor)
        assert len(page["items"]) <= limit
        found += ids(page)
        if page["next"] is None:
            break
        cursor = page["next"]
    assert found == NEWEST_FIRST


async def test_a_page_stays_in_its_place_when_runs_come_on_top(served: Served) -> None:
    first = await served.get("/runs", limit=2)
    await served.post("/pipelines/small/runs", {}, status=201)
    second = await served.get("/runs", limit=2, cursor=first["next"])
    assert ids(second) == [GOOD, FAILED]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"state": "sleeping"},
        {"from_us": -1},
        {"to_us": 2**53},
        {"sort": "name"},
        {"cursor": "made-up"},
        {"search": "x" * 201},
    ],
)
async def test_what_no_list_can_be_asked_for_is_said(served: Served, query: dict[str, Any]) -> None:
    problem = await served.refused("GET", "/runs", status=422, **query)
    [name] = query
    assert name in problem["detail"] or "cursor" in problem["detail"]
    assert problem["fix"]


async def test_a_run_tells_all_about_itself_in_plain_json(served: Served) -> None:
    run = await served.get(f"/runs/{GOOD}")
    assert run["parameters"] == {"year": 2012, "extra": [1, 2]}
    assert (run["state"], run["version"], run["actor"], run["trigger"]) == ("succeeded", "v1", "bob", "manual")
    assert run["finished_us"] - run["created_us"] == 2 * MINUTE
    assert run["error"] is None


async def test_a_failed_run_says_why_and_what_failed_first(served: Served) -> None:
    run = await served.get(f"/runs/{FAILED}")
    assert (run["error"]["kind"], run["error"]["type"], run["error"]["message"]) == (
        "data",
        "flights.Wrong",
        "13 months",
    )
    assert run["error"]["sample"] == [[13]]
    assert run["error"]["traceback"] == ""
    assert [(each["task"], each["index"]) for each in run["first_failures"]] == [("fetch", [2]), ("fetch[]", [])]


async def test_at_most_five_failures_are_told_the_earliest_ones(served: Served) -> None:
    from tests.unit.api.flights import WRONG, done, of

    late = [done("fetch", 10 + n, at=(100 - n) * 1_000_000, state=TaskState.FAILED, error=WRONG) for n in range(8)]
    await served.write(tasks=of(LIVE, *late))
    failures = (await served.get(f"/runs/{LIVE}"))["first_failures"]
    assert [each["index"] for each in failures] == [[17], [16], [15], [14], [13]]


async def test_nodes_are_counted_by_state(served: Served) -> None:
    nodes = {node["task"]: node for node in (await served.get(f"/runs/{FAILED}"))["nodes"]}
    assert nodes["fetch"]["counts"] == {"succeeded": 2, "failed": 1, "skipped": 1}
    assert nodes["fetch"]["total"] == 4
    assert nodes["clean"]["counts"] == {"succeeded": 2, "upstream_failed": 1, "skipped": 1}
    assert (nodes["fetch[]"]["size"], nodes["fetch"]["size"], nodes["months"]["size"]) == (4, -1, -1)
    assert nodes["report/note"]["total"] == 1
    start_us = RUNS[FAILED].started_us
    assert nodes["fetch"]["started_us"] == start_us + 2_000_003
    assert nodes["fetch"]["finished_us"] == start_us + 20_000_003
    assert nodes["publish"]["started_us"] == 0


async def test_what_still_waits_is_not_counted(served: Served) -> None:
    nodes = {node["task"]: node for node in (await served.get(f"/runs/{LIVE}"))["nodes"]}
    assert set(nodes) == {"months", "fetch[]", "fetch", "clean[]", "wait"}
    assert nodes["fetch"]["counts"] == {"running": 1, "retrying": 1, "ready": 1, "dispatched": 1}
    assert nodes["fetch"]["finished_us"] == 0


@pytest.mark.parametrize(
    ("state", "late_us", "late"),
    [
        (RunState.RUNNING, NOW_US, True),
        (RunState.SUSPENDED, NOW_US, True),
        (RunState.RUNNING, 0, False),
        (RunState.SUCCEEDED, NOW_US, False),
    ],
)
async def test_only_a_run_that_goes_on_is_late(served: Served, state: RunState, late_us: int, late: bool) -> None:
    await served.change(LIVE, state=state, late_us=late_us)
    assert (await served.get(f"/runs/{LIVE}"))["late"] is late


@pytest.mark.parametrize(
    "path",
    [
        "/runs/{}",
        "/runs/{}/graph",
        "/runs/{}/tasks",
        "/runs/{}/timeline",
        "/runs/{}/task?task=months",
        "/runs/{}/value?task=months",
        "/runs/{}/logs?task=months",
        "/runs/{}/logs/download?task=months",
    ],
)
async def test_a_run_that_is_not_there_is_not_found_anywhere(served: Served, path: str) -> None:
    path, _, query = path.format("r0").partition("?")
    pairs = dict(part.split("=") for part in query.split("&")) if query else {}
    problem = await served.refused("GET", path, status=404, **pairs)
    assert "there is no run r0" in problem["detail"]
    assert "retention" in problem["fix"]


async def test_two_runs_are_compared(served: Served) -> None:
    found = await served.get("/compare", a=FAILED, b=GOOD)
    assert (found["a"]["run_id"], found["b"]["run_id"]) == (FAILED, GOOD)
    assert found["version_changed"]
    assert found["parameters"] == [
        {"name": "extra", "a": None, "b": [1, 2]},
        {"name": "year", "a": 2013, "b": 2012},
    ]
    tasks = {task["task"]: task for task in found["tasks"]}
    assert list(tasks) == sorted(tasks)
    assert (tasks["fetch"]["a_state"], tasks["fetch"]["b_state"]) == ("failed", "succeeded")
    assert (tasks["report/note"]["a_state"], tasks["report/note"]["b_state"]) == ("succeeded", "")
    assert (tasks["months"]["output_changed"], tasks["publish"]["output_changed"]) == (True, None)
    assert (tasks["months"]["a_us"], tasks["publish"]["a_us"], tasks["publish"]["b_us"]) == (1_000_000, 0, 60_000_000)


async def test_a_run_does_not_differ_from_itself(served: Served) -> None:
    found = await served.get("/compare", a=GOOD, b=GOOD)
    assert found["parameters"] == []
    assert not found["version_changed"]
    assert {task["output_changed"] for task in found["tasks"]} <= {False, None}
    assert all(task["a_state"] == task["b_state"] and task["a_us"] == task["b_us"] for task in found["tasks"])


async def test_a_parameter_that_is_none_differs_from_one_that_is_absent(served: Served) -> None:
    await served.change(GOOD, parameters={"year": 2013, "only": None})
    found = await served.get("/compare", a=FAILED, b=GOOD)
    assert [each["name"] for each in found["parameters"]] == ["only"]


@pytest.mark.parametrize(("a", "b"), [("r0", GOOD), (GOOD, "r0"), ("r0", "r0")])
async def test_what_is_not_there_is_not_compared(served: Served, a: str, b: str) -> None:
    assert "r0" in (await served.refused("GET", "/compare", status=404, a=a, b=b))["detail"]


async def test_comparing_needs_two_runs(served: Served) -> None:
    assert "b" in (await served.refused("GET", "/compare", status=422, a=GOOD))["detail"]
