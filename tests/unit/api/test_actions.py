"""Cancel, suspend, resume, retry, rerun, mark: what is refused, what is written, and what a preview says before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests import store_rows as rows
from tests.unit.api.flights import FAILED, GOOD, LIVE, NOW_US, QUEUED, V1, V2, done, of
from tests.unit.api.served import Served
from toque.api.effects import MOST, STOPPED
from toque.engine.states import RunState, TaskState
from toque.ports.store import CommandRow

ORDERS = ("cancel", "suspend", "resume", "mark")
MARK = {"task": "publish", "state": "succeeded"}


async def orders(served: Served) -> list[CommandRow]:
    """What the owner of the runs will find."""
    return await served.store.list_commands(rows.ME)


async def preview(served: Served, run_id: str, kind: str, **act: Any) -> tuple[dict[Any, str], str]:
    """Effects by task run, and the summary."""
    found = await served.post(f"/runs/{run_id}/{kind}", {**act, "preview": True})
    return {(each["task"], *each["index"]): each["what"] for each in found["effects"]}, found["summary"]


# -- orders


@pytest.mark.parametrize(
    ("kind", "act", "payload"),
    [
        ("cancel", {"reason": "no more"}, {"reason": "no more", "task": "", "map_index": []}),
        (
            "cancel",
            {"task": "fetch", "index": "2"},
            {"reason": "", "task": "fetch", "map_index": [2]},
        ),
        ("suspend", {"reason": "lunch"}, {"reason": "lunch"}),
        ("mark", MARK, {"reason": "", "task": "publish", "map_index": [], "state": "succeeded"}),
        (
            "mark",
            {"task": "fetch", "index": "1", "state": "skipped", "reason": "why"},
            {"reason": "why", "task": "fetch", "map_index": [1], "state": "skipped"},
        ),
    ],
)
async def test_an_order_is_written_for_the_owner_of_the_run(
    served: Served, kind: str, act: dict[str, Any], payload: dict[str, Any]
) -> None:
    said = await served.send("POST", f"/runs/{LIVE}/{kind}", act, headers={"X-Toque-Actor": "grace"})
    assert (said.status, said.json["run_id"], said.json["state"]) == (200, LIVE, "running")
    [command] = await orders(served)
    assert (command.run_id, command.kind, command.payload) == (LIVE, kind, payload)
    assert (command.actor, command.at_us) == ("grace", NOW_US)


async def test_a_suspended_run_is_resumed(served: Served) -> None:
    await served.change(LIVE, state=RunState.SUSPENDED)
    await served.post(f"/runs/{LIVE}/resume", {})
    assert [command.kind for command in await orders(served)] == ["resume"]


async def test_the_answer_shows_what_came_of_the_order_if_that_was_quick(served: Served) -> None:
    async def owner() -> None:
        while not await orders(served):
            await asyncio.sleep(0)
        await served.change(LIVE, cancel_requested=True, fact_seq=1)

    carrying_out = asyncio.create_task(owner())
    answer = await served.post(f"/runs/{LIVE}/cancel", {})
    await carrying_out
    assert answer["cancel_requested"]


async def test_a_run_that_nobody_owns_is_not_waited_for(served: Served) -> None:
    await served.write(runs=[rows.run("r-free", owner="", version=V2, pipeline="flights", state=RunState.QUEUED)])
    answer = await served.post("/runs/r-free/cancel", {})
    assert (answer["run_id"], answer["cancel_requested"]) == ("r-free", False)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("cancel", {"cancel_requested": True}), ("suspend", {"state": RunState.SUSPENDED})],
)
async def test_an_order_that_was_given_already_is_not_given_twice(
    served: Served, kind: str, fields: dict[str, Any]
) -> None:
    await served.change(LIVE, **fields)
    await served.post(f"/runs/{LIVE}/{kind}", {})
    assert await orders(served) == []


async def test_one_task_run_of_a_run_that_is_being_cancelled_can_still_be_named(served: Served) -> None:
    await served.change(LIVE, cancel_requested=True)
    await served.post(f"/runs/{LIVE}/cancel", {"task": "fetch", "index": "0"})
    assert [command.payload["task"] for command in await orders(served)] == ["fetch"]


# -- refusals


@pytest.mark.parametrize("kind", ORDERS)
@pytest.mark.parametrize("run_id", [GOOD, FAILED])
@pytest.mark.parametrize("only_looks", [True, False])
async def test_a_run_that_has_ended_takes_no_orders(served: Served, kind: str, run_id: str, only_looks: bool) -> None:
    act = {**MARK, "preview": only_looks} if kind == "mark" else {"preview": only_looks}
    problem = await served.refused("POST", f"/runs/{run_id}/{kind}", act, status=409)
    assert "has ended" in problem["detail"]
    assert "new one" in problem["fix"]
    assert await orders(served) == []


@pytest.mark.parametrize(
    ("run_id", "kind", "fields", "words"),
    [
        (LIVE, "resume", {}, "is not suspended: it is running"),
        (QUEUED, "resume", {}, "is not suspended: it is queued"),
        (QUEUED, "suspend", {}, "has not started"),
        (LIVE, "suspend", {"cancel_requested": True}, "is being cancelled"),
    ],
)
async def test_an_order_that_has_no_meaning_is_refused(
    served: Served, run_id: str, kind: str, fields: dict[str, Any], words: str
) -> None:
    await served.change(run_id, **fields)
    assert words in (await served.refused("POST", f"/runs/{run_id}/{kind}", {}, status=409))["detail"]
    assert await orders(served) == []


@pytest.mark.parametrize(
    ("act", "status", "words"),
    [
        ({"task": "months"}, 409, "months has ended: it succeeded"),
        ({"task": "nothing"}, 404, "has no task 'nothing'"),
        ({"task": "publish", "index": "1"}, 404, "no task run publish[1]"),
        ({"task": "fetch"}, 404, "no task run fetch"),
        ({"task": "fetch", "index": "x"}, 422, "index"),
        ({"task": "fetch", "index": "1."}, 422, "index"),
    ],
)
@pytest.mark.parametrize("kind", ["cancel", "mark"])
async def test_an_order_names_a_task_run_that_can_be(
    served: Served, kind: str, act: dict[str, Any], status: int, words: str
) -> None:
    whole = {**act, "state": "failed"} if kind == "mark" else act
    problem = await served.refused("POST", f"/runs/{LIVE}/{kind}", whole, status=status)
    assert words in problem["detail"]
    assert await orders(served) == []


async def test_the_tasks_that_there_are_are_named(served: Served) -> None:
    problem = await served.refused("POST", f"/runs/{LIVE}/cancel", {"task": "nothing"}, status=404)
    assert "check.rows, clean" in problem["fix"]


async def test_an_index_that_the_map_has_not_reached_can_be_named(served: Served) -> None:
    """It still waits, so that it has no row: nobody knows yet whether it will be."""
    await served.post(f"/runs/{LIVE}/cancel", {"task": "clean", "index": "3"})
    assert [command.payload["map_index"] for command in await orders(served)] == [[3]]


@pytest.mark.parametrize(("act", "word"), [({"state": "failed"}, "no task"), ({"task": "publish"}, "no state")])
async def test_a_mark_says_what_and_as_what(served: Served, act: dict[str, Any], word: str) -> None:
    problem = await served.refused("POST", f"/runs/{LIVE}/mark", act, status=422)
    assert word in problem["detail"]
    assert "state" in problem["fix"]


@pytest.mark.parametrize(
    "body",
    [
        {"state": "running", "task": "publish"},
        {"state": "upstream_failed", "task": "publish"},
        {"unknown": 1},
        {"task": 3},
        {"preview": "perhaps"},
        [],
        "text",
        b"{",
    ],
)
async def test_a_body_that_is_none_is_refused(served: Served, body: Any) -> None:
    problem = await served.refused("POST", f"/runs/{LIVE}/mark", body, status=422)
    assert problem["errors"]
    assert await orders(served) == []


async def test_a_body_that_is_no_text_is_refused(served: Served) -> None:
    await served.refused("POST", f"/runs/{LIVE}/mark", b"\xff", status=400)


@pytest.mark.parametrize("kind", [*ORDERS, "retry", "rerun"])
async def test_a_run_that_is_not_there_takes_no_orders(served: Served, kind: str) -> None:
    problem = await served.refused("POST", f"/runs/r0/{kind}", {**MARK, "tasks": ["months"]}, status=404)
    assert "there is no run r0" in problem["detail"]


# -- once more


async def test_a_retry_is_a_new_run_of_the_same_version(served: Served) -> None:
    answer = await served.post(f"/runs/{FAILED}/retry", {"reason": "again"})
    assert (answer["origin_run"], answer["version"], answer["state"]) == (FAILED, V2, "queued")
    assert (answer["actor"], answer["reason"]) == ("ada", "again")
    row = await served.run(answer["run_id"])
    assert row.reuse == ()
    assert row.logical_us == (await served.run(FAILED)).logical_us


async def test_a_rerun_names_what_runs_anew(served: Served) -> None:
    answer = await served.post(f"/runs/{GOOD}/rerun", {"tasks": ["publish", "wait"]})
    assert (await served.run(answer["run_id"])).reuse == ("publish", "wait")
    one = await served.post(f"/runs/{GOOD}/rerun", {"task": "publish"})
    assert (await served.run(one["run_id"])).reuse == ("publish",)


@pytest.mark.parametrize(("new_code", "version"), [(False, V1), (True, V2)])
async def test_new_code_is_the_current_version(served: Served, new_code: bool, version: str) -> None:
    answer = await served.post(f"/runs/{GOOD}/rerun", {"tasks": ["months"], "new_code": new_code})
    assert answer["version"] == version


@pytest.mark.parametrize(
    ("run_id", "kind", "act", "status", "words"),
    [
        (GOOD, "retry", {}, 409, "nothing failed"),
        (LIVE, "retry", {}, 409, "has not ended"),
        (LIVE, "rerun", {"tasks": ["months"]}, 409, "has not ended"),
        (GOOD, "rerun", {}, 422, "no task is named"),
        (GOOD, "rerun", {"tasks": []}, 422, "no task is named"),
        (GOOD, "rerun", {"tasks": ["nothing"]}, 404, "no task 'nothing'"),
    ],
)
@pytest.mark.parametrize("only_looks", [True, False])
async def test_what_cannot_be_repeated_is_refused(
    served: Served, run_id: str, kind: str, act: dict[str, Any], status: int, words: str, only_looks: bool
) -> None:
    body = {**act, "preview": only_looks}
    problem = await served.refused("POST", f"/runs/{run_id}/{kind}", body, status=status)
    assert words in problem["detail"]
    assert len((await served.get("/runs"))["items"]) == 4


async def test_the_same_key_is_the_same_run_even_for_another_server(served: Served) -> None:
    async def retried(key: str) -> str:
        said = await served.send("POST", f"/runs/{FAILED}/retry", {}, headers={"Idempotency-Key": key})
        assert said.status == 200
        return str(said.json["run_id"])

    first = await retried("k")
    served.start()
    assert await retried("k") == first
    assert await retried("other") != first


# -- previews


@pytest.mark.parametrize("kind", [*ORDERS, "retry", "rerun"])
async def test_a_preview_changes_nothing(served: Served, kind: str) -> None:
    run_id = FAILED if kind in ("retry", "rerun") else LIVE
    if kind == "resume":
        await served.change(LIVE, state=RunState.SUSPENDED)
    before = (await served.run(run_id), await served.get("/runs"))
    body = {**MARK, "tasks": ["months"], "preview": True}
    assert (await served.post(f"/runs/{run_id}/{kind}", body))["summary"]
    assert (await served.run(run_id), await served.get("/runs")) == before
    assert await orders(served) == []


async def test_a_cancel_stops_what_runs_and_lets_nothing_start(served: Served) -> None:
    effects, summary = await preview(served, LIVE, "cancel")
    assert effects[("fetch", 0)] == effects[("fetch", 3)] == STOPPED
    assert effects[("fetch", 1)] == effects[("fetch", 2)] == effects[("wait",)] == "is cancelled"
    assert effects[("publish",)] == "never starts"
    assert ("months",) not in effects
    assert not any(task.endswith("[]") for task, *_ in effects)
    assert summary.startswith("2 running attempts are stopped, ")


async def test_a_cancel_of_one_attempt_is_said_in_the_singular(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("fetch", 3)))
    assert (await preview(served, LIVE, "cancel"))[1].startswith("1 running attempt is stopped")


async def test_a_cancel_of_a_queued_run_starts_nothing(served: Served) -> None:
    effects, summary = await preview(served, QUEUED, "cancel")
    assert set(effects.values()) == {"never starts"}
    assert summary == f"0 running attempts are stopped, {len(effects)} that wait never start"


async def test_a_cancel_of_one_task_run_tells_what_is_behind_it(served: Served) -> None:
    effects, summary = await preview(served, LIVE, "cancel", task="wait")
    assert effects[("wait",)] == STOPPED
    assert [task for task, *_ in effects] == ["wait", "best", "report"]
    assert summary == "wait is cancelled; 2 tasks behind it"


async def test_what_is_behind_goes_through_maps(served: Served) -> None:
    effects, _ = await preview(served, LIVE, "cancel", task="fetch", index="1")
    assert [task for task, *_ in effects] == ["fetch", "clean", "check.rows", "publish", "best", "report"]
    assert ("fetch", 1) in effects


async def test_the_last_task_has_nothing_behind_it(served: Served) -> None:
    _, summary = await preview(served, LIVE, "cancel", task="report")
    assert summary == "report is cancelled; 0 tasks behind it"


@pytest.mark.parametrize(("kind", "words"), [("suspend", "does not start until"), ("resume", "may start")])
async def test_what_runs_goes_on_while_a_run_is_suspended(served: Served, kind: str, words: str) -> None:
    if kind == "resume":
        await served.change(LIVE, state=RunState.SUSPENDED)
    effects, _ = await preview(served, LIVE, kind)
    assert effects[("fetch", 0)] == effects[("fetch", 3)] == "goes on to its end"
    assert words in effects[("fetch", 2)]
    assert words in effects[("fetch", 1)]
    assert ("months",) not in effects


@pytest.mark.parametrize(
    ("task", "index", "words"),
    [
        ("fetch", "0", "is stopped and counts as skipped"),
        ("fetch", "2", "counts as skipped"),
        ("publish", "", "counts as skipped"),
    ],
)
async def test_a_mark_stops_what_runs(served: Served, task: str, index: str, words: str) -> None:
    effects, summary = await preview(served, LIVE, "mark", task=task, index=index, state="skipped")
    key = (task, int(index)) if index else (task,)
    assert effects[key] == words
    assert effects[("report",)] == f"is decided as if {task} had skipped"
    assert summary.startswith(f"{task} counts as skipped; ")


async def test_a_retry_keeps_what_succeeded(served: Served) -> None:
    effects, summary = await preview(served, FAILED, "retry")
    assert effects[("months",)] == effects[("fetch", 0)] == effects[("fetch", 1)] == "keeps its result"
    assert effects[("fetch", 2)].startswith("runs again")
    assert effects[("publish",)] == "runs again (something before it failed)"
    kept = sum(what == "keeps its result" for what in effects.values())
    assert f"{kept} keep" in summary
    assert summary.startswith("a new run with the code it ran with")


async def test_a_rerun_repeats_what_is_named_and_what_is_behind(served: Served) -> None:
    effects, _ = await preview(served, GOOD, "rerun", tasks=["publish"])
    again = {task for (task, *_), what in effects.items() if what.startswith("runs again")}
    assert again == {"publish", "best", "report"}
    assert effects[("check.rows",)] == "keeps its result"


async def test_a_repeat_says_with_which_code(served: Served) -> None:
    _, summary = await preview(served, GOOD, "rerun", tasks=["publish"], new_code=True)
    assert summary.startswith("a new run with the current code: ")


async def test_a_rerun_with_new_code_tells_of_tasks_that_are_new(served: Served) -> None:
    effects, _ = await preview(served, GOOD, "rerun", tasks=["publish"], new_code=True)
    assert effects[("alarm",)] == "runs, if its rule allows"


async def test_a_preview_is_bounded(served: Served) -> None:
    many = [done("fetch", n, state=TaskState.READY) for n in range(10, MOST + 100)]
    await served.write(tasks=of(LIVE, *many))
    found = await served.post(f"/runs/{LIVE}/cancel", {"preview": True})
    assert len(found["effects"]) == MOST
