"""What needs a person, pools, the system; signing in and out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import store_rows as rows
from tests import trigger_rows as triggers
from tests.unit.api import flights
from tests.unit.api.asgi import ask
from tests.unit.api.flights import FAILED, GOOD, HOUR, LIVE, NOW_US, QUEUED, done, of
from tests.unit.api.served import TOKEN, Served
from toque.api.wire.system import PoolUser, WorkerRow
from toque.engine.rows import RunRow
from toque.engine.run_ids import first_run_id
from toque.engine.states import RunState, TaskState, TickOutcome
from toque.engine.values import ErrorInfo
from toque.graph.ir import Concurrency
from toque.ports.project import BrokenFile, FileProblem, ProjectState
from toque.ports.store import Hold
from toque.ports.triggers import Change

DAILY = msgspec.json.encode(flights.PIPELINE.schedules[0])
DAY = 24 * HOUR


async def attention(served: Served, kind: str) -> list[Any]:
    return [each for each in (await served.get("/attention"))["items"] if each["kind"] == kind]


def ended(pipeline: str, ago_us: int, state: RunState, **fields: Any) -> RunRow:
    at_us = NOW_US - ago_us
    run_id = f"{first_run_id(at_us)}{pipeline}"
    return rows.run(run_id, pipeline=pipeline, state=state, created_us=at_us, finished_us=at_us + 1, **fields)


# -- attention


async def test_a_failure_that_no_success_followed_needs_a_person(served: Served) -> None:
    error = ErrorInfo(kind="code", type="KeyError", message="'x'")
    await served.write(
        runs=[ended("small", 3 * HOUR, RunState.FAILED), ended("small", HOUR, RunState.FAILED, error=error)]
    )
    [found] = await attention(served, "failed_run")
    assert (found["pipeline"], found["count"], found["detail"]) == ("small", 2, "KeyError: 'x'")
    assert found["title"] == "small failed 2 times in a row"
    assert found["since_us"] == NOW_US - HOUR + 1


async def test_failures_of_a_selection_name_what_was_to_be_made(served: Served) -> None:
    first, second = (ended("materialize", ago, RunState.FAILED) for ago in (3 * HOUR, HOUR))
    second.tags = {"makes": "orders · 2026-01-03"}
    await served.write(runs=[first, second])
    [found] = await attention(served, "failed_run")
    assert found["title"] == "materialize orders · 2026-01-03 failed, and 1 of materialize before it"


async def test_a_success_behind_the_failure_settles_it(served: Served) -> None:
    """As with `flights`, whose failed run was followed by a good one."""
    assert await attention(served, "failed_run") == []
    await served.change(GOOD, state=RunState.CANCELLED)
    [found] = await attention(served, "failed_run")
    assert (found["run_id"], found["title"]) == (FAILED, "flights failed")


async def test_a_late_run_needs_a_person_until_it_ends(served: Served) -> None:
    [late] = await attention(served, "late_run")
    assert (late["run_id"], late["title"], late["detail"]) == (LIVE, "flights is late", "it is running")
    await served.change(LIVE, state=RunState.SUCCEEDED, finished_us=NOW_US)
    assert await attention(served, "late_run") == []


async def test_a_broken_file_needs_a_person(served: Served) -> None:
    problems = (FileProblem(message="invalid syntax", line=7), FileProblem(message="another"))
    served.project.state = ProjectState(
        broken=(
            BrokenFile(file="bad.py", problems=problems, since_us=3),
            BrokenFile(file="b.py", problems=(), since_us=2),
        )
    )
    first, second = await attention(served, "broken_file")
    assert (first["title"], first["detail"], first["count"]) == ("bad.py:7 cannot be loaded", "invalid syntax", 2)
    assert (second["title"], second["detail"]) == ("b.py cannot be loaded", "")


async def test_a_broken_file_says_which_pipelines_are_not_there_because_of_it(served: Served) -> None:
    many = tuple(f"p{n}" for n in range(10))
    problem = FileProblem(message="invalid syntax.")
    served.project.state = ProjectState(
        broken=(BrokenFile(file="bad.py", problems=(problem,), since_us=3, kept=("flights",), missing=many),)
    )
    [found] = await attention(served, "broken_file")
    assert found["detail"] == (
        "invalid syntax; missing until it loads: p0, p1, p2, p3, p4, p5, p6, p7 and 2 more; "
        "as they were when it last loaded: flights"
    )


async def test_a_project_that_cannot_be_looked_at_needs_a_person(served: Served) -> None:
    served.project.state = ProjectState(fault="too large", indexed_us=9)
    [found] = await attention(served, "broken_file")
    assert (found["detail"], found["since_us"]) == ("too large", 9)


@pytest.mark.parametrize(
    ("outcome", "reason", "recorded_us", "told"),
    [
        (TickOutcome.SKIPPED, "the server was down", NOW_US - HOUR, True),
        (TickOutcome.COALESCED, "a later tick stands for it", NOW_US - HOUR, True),
        (TickOutcome.SKIPPED, "paused", NOW_US - HOUR, False),
        (TickOutcome.SKIPPED, "no server ran during the pause of ann", NOW_US - HOUR, True),
        (TickOutcome.SKIPPED, "the server was down", NOW_US - 2 * DAY, False),
        (TickOutcome.STARTED, "", NOW_US - HOUR, False),
    ],
)
async def test_missed_ticks_need_a_person_for_a_day(
    served: Served, outcome: TickOutcome, reason: str, recorded_us: int, told: bool
) -> None:
    before = await served.add_schedule("flights", "daily", DAILY, next_at_us=NOW_US + 1, next_due_us=NOW_US + 1)
    row = triggers.tick(NOW_US - 2 * HOUR, before.id, outcome=outcome, reason=reason, recorded_us=recorded_us, count=3)
    stored = await served.store.triggers.get_schedule(before.id)
    assert stored is not None
    await served.store.triggers.record([Change(before=stored, after=stored, ticks=[row])])
    found = await attention(served, "missed_ticks")
    assert [each["title"] for each in found] == (["flights/daily missed 3 ticks"] if told else [])
    assert [each["detail"] for each in found] == ([reason] if told else [])


async def test_a_paused_schedule_misses_nothing(served: Served) -> None:
    before = await served.add_schedule("flights", "daily", DAILY, paused=True)
    row = triggers.tick(NOW_US - HOUR, before.id, reason="the server was down", recorded_us=NOW_US)
    stored = await served.store.triggers.get_schedule(before.id)
    assert stored is not None
    await served.store.triggers.record([Change(before=stored, after=stored, ticks=[row])])
    assert await attention(served, "missed_ticks") == []


async def test_the_newest_comes_first_and_pages_follow(served: Served) -> None:
    served.project.state = ProjectState(
        broken=tuple(BrokenFile(file=f"{n}.py", problems=(), since_us=NOW_US + n) for n in range(5))
    )
    whole = (await served.get("/attention"))["items"]
    assert [each["since_us"] for each in whole] == sorted((each["since_us"] for each in whole), reverse=True)
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await served.get("/attention", limit=2, cursor=cursor)
        found += page["items"]
        cursor = page["next"]
    assert found == whole
    assert len(whole) == 6


async def test_a_calm_server_needs_nobody(bare: Served) -> None:
    assert await bare.get("/attention") == {"items": [], "next": None}


# -- pools


async def pools(served: Served) -> dict[str, Any]:
    return {each["pool"]: each for each in (await served.get("/pools"))["items"]}


async def test_a_declared_pool_is_shown_though_nobody_wants_it(bare: Served) -> None:
    assert await pools(bare) == {"api": {"pool": "api", "limit": 2, "used": 0, "holders": [], "waiters": []}}


async def test_holders_and_waiters_of_a_pool_are_named(served: Served) -> None:
    await served.write(acquire=[Hold(pool="api", holder=f"{LIVE}/fetch[0]", slots=2, limit=2)])
    found = (await pools(served))["api"]
    assert (found["limit"], found["used"]) == (2, 2)
    [holder] = found["holders"]
    assert (holder["run_id"], holder["task"], holder["index"], holder["slots"]) == (LIVE, "fetch", [0], 2)
    assert holder["since_us"] == flights.RUNS[LIVE].started_us + 2
    [waiter] = found["waiters"]
    assert (waiter["run_id"], waiter["task"], waiter["index"], waiter["slots"]) == (LIVE, "fetch", [2], 1)


async def test_places_of_runs_are_a_pool_with_the_limit_of_the_pipeline(served: Served) -> None:
    await served.write(acquire=[Hold(pool="runs:flights", holder=LIVE, slots=1, limit=2)])
    found = (await pools(served))["runs:flights"]
    assert (found["limit"], found["used"]) == (2, 1)
    assert [(each["run_id"], each["task"]) for each in found["holders"]] == [(LIVE, "")]
    assert [(each["run_id"], each["since_us"]) for each in found["waiters"]] == [
        (QUEUED, flights.RUNS[QUEUED].created_us)
    ]


async def test_a_key_is_a_pool_of_one(served: Served) -> None:
    await served.write(acquire=[Hold(pool="key:publish-2013", holder="r9/publish", slots=1, limit=1)])
    assert (await pools(served))["key:publish-2013"]["limit"] == 1


async def test_a_run_without_claims_waits_for_no_pool(served: Served) -> None:
    await served.write(runs=[rows.run("rs", pipeline="small", version="s1")])
    await served.write(tasks=[rows.task("only", run_id="rs", state=TaskState.READY)])
    assert [each["run_id"] for each in (await pools(served))["api"]["waiters"]] == [LIVE]


async def test_a_queued_run_of_an_unlimited_pipeline_waits_for_no_place(served: Served) -> None:
    await served.write(runs=[rows.run("rs", pipeline="small", version="s1", state=RunState.QUEUED)])
    assert "runs:small" not in await pools(served)
    limited = msgspec.structs.replace(flights.SMALL, concurrency=Concurrency(max_active_runs=1))
    await served.add_version("s2", limited, bundle="b2")
    await served.change("rs", version="s2")
    assert (await pools(served))["runs:small"]["limit"] == 1


# -- the system


async def test_the_system_tells_of_itself(served: Served) -> None:
    user = PoolUser(run_id=LIVE, task="fetch", index=[0], since_us=1, slots=1)
    served.machine.rows = [
        WorkerRow(worker="w1", executor="process", state="busy", attempts=[user], bundle="b2", environment="")
    ]
    found = await served.get("/system")
    assert found["store"]["kind"] == "memory"
    assert "schema" in found["store"]
    assert found["retention"] == {"age_s": 3600.0, "keep_last": 5}
    assert found["workers"][0]["attempts"][0]["task"] == "fetch"
    totals = found["totals"]
    assert (totals["pipelines"], totals["versions"]) == (2, 3)
    assert (totals["runs_active"], totals["runs_queued"], totals["task_runs_active"]) == (1, 1, 1)
    assert totals["runs_ended"] == {"failed": 1, "succeeded": 1}
    assert totals["task_runs_ended"] == len(flights.failed_tasks()) + len(flights.good_tasks())


async def test_a_suspended_run_is_an_active_one(served: Served) -> None:
    await served.change(LIVE, state=RunState.SUSPENDED)
    assert (await served.get("/system"))["totals"]["runs_active"] == 1


async def test_counters_are_handed_on(served: Served) -> None:
    await served.write(counters={"ticks": 2})
    await served.write(counters={"ticks": 3})
    assert (await served.get("/system"))["totals"]["counters"]["ticks"] == 5


# -- sessions


async def send(served: Served, method: str, path: str, *, body: bytes = b"", query: str = "", **headers: str) -> Any:
    """A request without the token."""
    whole = {"Host": "127.0.0.1:8787", **{name.replace("_", "-"): value for name, value in headers.items()}}
    await served.get("/session")  # the routes are those of this server
    return await ask(served.app, method, path, headers=whole, body=body, query=query)


async def sign_in(served: Served, key: str) -> Any:
    body = msgspec.json.encode({"key": key})
    return await send(served, "POST", "/api/v1/session", body=body, Content_Type="application/json")


async def test_who_asks_is_told_who_answers(served: Served) -> None:
    found = await served.get("/session")
    assert found["actor"] == "ada"
    assert found["server"] == {
        "version": "9",
        "instance": rows.ME,
        "boot": 7,
        "project": "air",
        "profile": "test",
        "now_us": NOW_US,
        "role": "server",
    }


async def test_a_key_becomes_a_cookie_that_only_this_site_sends(served: Served) -> None:
    key = (await served.post("/session/keys", status=201))["key"]
    said = await sign_in(served, key)
    assert (said.status, said.json["actor"]) == (200, "ada")
    cookie = said.headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    assert name == served.access.cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    value = rest.partition(";")[0]
    found = await send(served, "GET", "/api/v1/session", Cookie=f"{name}={value}")
    assert (found.status, found.json["actor"]) == (200, "ada")
    assert (await sign_in(served, key)).status == 401  # it was good once


@pytest.mark.parametrize("key", ["", "wrong", TOKEN + "x"])
async def test_another_key_signs_nobody_in(served: Served, key: str) -> None:
    said = await sign_in(served, key)
    assert said.status in (401, 422)
    assert "set-cookie" not in said.headers


async def test_the_token_signs_in(served: Served) -> None:
    assert (await sign_in(served, TOKEN)).status == 200


async def test_a_key_is_made_by_those_who_are_signed_in(served: Served) -> None:
    said = await send(served, "POST", "/api/v1/session/keys")
    assert said.status == 401


async def test_the_printed_address_signs_in_and_is_forgotten(served: Served) -> None:
    key = served.access.new_key(NOW_US)
    said = await send(served, "GET", "/sign-in", query=f"key={key}")
    assert (said.status, said.headers["location"]) == (303, "/")
    assert served.access.cookie in said.headers["set-cookie"]
    assert said.headers["cache-control"] == "no-store"
    again = await send(served, "GET", "/sign-in", query=f"key={key}")
    assert (again.status, again.headers["location"]) == (303, "/?signin=expired")
    assert "set-cookie" not in again.headers


async def test_signing_out_takes_the_cookie_back(served: Served) -> None:
    said = await served.send("DELETE", "/session")
    assert said.status == 204
    assert said.headers["set-cookie"].startswith(f'{served.access.cookie}="";')


async def test_health_needs_nobody(served: Served) -> None:
    assert (await send(served, "GET", "/healthz")).json["status"] == "ok"
    assert (await send(served, "GET", "/readyz")).json["status"] == "ready"


@pytest.mark.parametrize("path", ["/runs", "/pipelines", "/attention", "/pools", "/system", "/schedules", "/stream"])
async def test_nothing_is_read_without_signing_in(served: Served, path: str) -> None:
    said = await send(served, "GET", f"/api/v1{path}")
    assert (said.status, said.json["status"]) == (401, 401)


@pytest.mark.parametrize(
    "path", [f"/runs/{LIVE}/cancel", "/pipelines/flights/runs", "/pipelines/flights/pause", "/session/keys"]
)
async def test_a_page_of_another_site_writes_nothing(served: Served, path: str) -> None:
    cookie = f"{served.access.cookie}={served.access.sign_in(TOKEN, NOW_US)}"
    for headers in (
        {"Cookie": cookie},
        {"Cookie": cookie, "Origin": "http://evil.example", "X_Toque": "1"},
        {"Cookie": cookie, "Sec_Fetch_Site": "cross-site", "X_Toque": "1"},
        {"Cookie": cookie, "Origin": "http://127.0.0.1:8787"},
    ):
        said = await send(served, "POST", f"/api/v1{path}", body=b"{}", Content_Type="application/json", **headers)
        assert said.status == 403
    assert len((await served.get("/runs"))["items"]) == 4
    assert await served.store.list_commands(rows.ME) == []


async def test_a_stream_is_not_there_while_the_server_starts(served: Served) -> None:
    problem = await served.refused("GET", "/stream", status=503, topics="home")
    assert "starting or stopping" in problem["detail"]


async def test_waiters_of_a_pool_are_bounded(served: Served) -> None:
    many = [done("fetch", n, state=TaskState.READY, finished_us=0) for n in range(10, 400)]
    await served.write(tasks=of(LIVE, *many))
    assert len((await pools(served))["api"]["waiters"]) == 100
