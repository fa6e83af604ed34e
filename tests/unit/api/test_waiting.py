"""Why a task run has not started: each reason in its own words, and what stands in the way by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import store_rows as rows
from tests.unit.api import flights
from tests.unit.api.flights import FAILED, GOOD, LIVE, MINUTE, NOW_US, QUEUED, done, of
from tests.unit.api.served import Served
from toque.api.waiting import RULES
from toque.api.wire.system import PoolUser, WorkerRow
from toque.engine.states import RunState, TaskState
from toque.graph.ir import Concurrency, Edge, Pipeline, PoolClaim, TaskNode, TaskPolicy
from toque.ports.store import Hold

UNTIL = "2027-01-15 08:01:00 UTC"
"""A minute after `NOW_US`."""


async def waiting(served: Served, run_id: str, task: str, index: str = "") -> Any:
    return (await served.get(f"/runs/{run_id}/task", task=task, index=index))["waiting"]


async def hold(served: Served, pool: str, *holders: str, slots: int = 1, limit: int = 99) -> None:
    await served.write(acquire=[Hold(pool=pool, holder=holder, slots=slots, limit=limit) for holder in holders])


async def of_rule(served: Served, **fields: Any) -> Any:
    """Why a task with this rule waits for two others, of which one has ended."""
    ir = Pipeline(
        name="rules",
        nodes=(
            TaskNode(id="a", code=flights.code("a")),
            TaskNode(id="b", code=flights.code("b")),
            TaskNode(id="c", code=flights.code("c"), upstream=(Edge(source="a"), Edge(source="b")), **fields),
        ),
    )
    await served.add_version("rv", ir, bundle="b2")
    await served.write(runs=[rows.run("rr", pipeline="rules", version="rv")])
    await served.write(tasks=[rows.task("a", run_id="rr", state=TaskState.SUCCEEDED)])
    return await waiting(served, "rr", "c")


# -- what does not wait


@pytest.mark.parametrize(
    ("run_id", "task", "index"),
    [(GOOD, "months", ""), (FAILED, "publish", ""), (LIVE, "months", ""), (LIVE, "fetch", "0"), (FAILED, "fetch", "2")],
)
async def test_what_has_started_or_ended_does_not_wait(served: Served, run_id: str, task: str, index: str) -> None:
    assert await waiting(served, run_id, task, index) is None


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.SUCCEEDED])
async def test_in_a_run_that_has_ended_nothing_waits_any_more(served: Served, state: RunState) -> None:
    await served.change(LIVE, state=state, finished_us=NOW_US)
    for task, index in (("publish", ""), ("fetch", "1"), ("fetch", "2"), ("wait", "")):
        assert await waiting(served, LIVE, task, index) is None


# -- the run itself


async def test_in_a_suspended_run_everything_waits_for_somebody(served: Served) -> None:
    await served.change(LIVE, state=RunState.SUSPENDED)
    for task, index in (("publish", ""), ("fetch", "1"), ("fetch", "2")):
        found = await waiting(served, LIVE, task, index)
        assert "suspended" in found["words"]
        assert found["blockers"][0]["kind"] == "run"
        assert found["blockers"][0]["name"] == LIVE


async def test_what_runs_in_a_suspended_run_goes_on(served: Served) -> None:
    await served.change(LIVE, state=RunState.SUSPENDED)
    assert await waiting(served, LIVE, "fetch", "0") is None


async def test_a_queued_run_waits_for_the_runs_that_hold_its_places(served: Served) -> None:
    await hold(served, "runs:flights", LIVE, "r-other", limit=2)
    await hold(served, "runs:small", "r-foreign")
    found = await waiting(served, QUEUED, "months")
    assert found["words"] == f"the run is queued: flights may have 2 active runs, and {LIVE}, r-other are active"
    assert [(each["kind"], each["name"]) for each in found["blockers"]] == [("run", LIVE), ("run", "r-other")]


async def test_one_place_is_said_in_the_singular(served: Served) -> None:
    ir = msgspec.structs.replace(flights.SMALL, concurrency=Concurrency(max_active_runs=1))
    await served.add_version("s2", ir, bundle="b2")
    await served.write(runs=[rows.run("q1", pipeline="small", version="s2", state=RunState.QUEUED)])
    await hold(served, "runs:small", "r-first", limit=1)
    found = await waiting(served, "q1", "only")
    assert found["words"] == "the run is queued: small may have 1 active run, and r-first is active"


async def test_places_whose_holders_are_not_known_belong_to_others(served: Served) -> None:
    found = await waiting(served, QUEUED, "months")
    assert (found["words"].endswith("and others are active"), found["blockers"]) == (True, [])


@pytest.mark.parametrize(("owner", "words"), [("", "no server has taken it yet"), (rows.ME, "about to start")])
async def test_a_queued_run_without_a_limit_waits_for_a_server(served: Served, owner: str, words: str) -> None:
    await served.write(runs=[rows.run("q1", pipeline="small", version="s1", state=RunState.QUEUED, owner=owner)])
    assert words in (await waiting(served, "q1", "only"))["words"]


# -- clocks


async def test_a_retry_says_when_it_starts(served: Served) -> None:
    found = await waiting(served, LIVE, "fetch", "1")
    assert found["words"] == f"the last attempt failed; the next one starts at {UNTIL}"
    assert found["blockers"] == [{"kind": "timer", "name": "retry", "text": found["words"]}]


@pytest.mark.parametrize(("due_us", "words"), [(NOW_US + MINUTE, f"looks again at {UNTIL}"), (0, "outside to answer")])
async def test_a_deferred_one_says_what_it_waits_for(served: Served, due_us: int, words: str) -> None:
    await served.write(tasks=of(LIVE, done("wait", state=TaskState.DEFERRED, due_us=due_us)))
    found = await waiting(served, LIVE, "wait")
    assert words in found["words"]
    assert (found["blockers"][0]["kind"], found["blockers"][0]["name"]) == ("timer", "deferred")


# -- capacity


async def test_what_was_handed_over_names_its_worker(served: Served) -> None:
    found = await waiting(served, LIVE, "fetch", "3")
    assert (found["blockers"][0]["kind"], found["blockers"][0]["name"]) == ("capacity", "host:4")


async def test_what_is_ready_while_a_worker_is_free_starts_at_once(served: Served) -> None:
    found = await waiting(served, LIVE, "fetch", "2")
    assert found["words"] == "it is ready and about to be dispatched"


async def test_without_a_free_worker_the_busy_ones_are_counted(served: Served) -> None:
    user = PoolUser(run_id=LIVE, task="fetch", index=[0], since_us=1, slots=1)
    served.machine.slots = {"process": 0, "flow": 4}
    served.machine.rows = [
        WorkerRow(worker=name, executor=executor, state="busy", attempts=[user] * n, bundle="", environment="")
        for name, executor, n in (("w1", "process", 2), ("w2", "process", 1), ("f1", "flow", 9))
    ]
    found = await waiting(served, LIVE, "fetch", "2")
    assert found["words"] == "it is ready, but no worker is free: 3 attempts are in their hands"
    assert found["blockers"][0]["name"] == "process"


async def test_a_flow_waits_for_a_place_of_its_own_kind(served: Served) -> None:
    served.machine.slots = {"process": 4, "flow": 0}
    await served.write(
        tasks=of(LIVE, done("report", state=TaskState.READY), done("report/x", 0, state=TaskState.READY))
    )
    assert (await waiting(served, LIVE, "report"))["blockers"][0]["name"] == "flow"
    assert (await waiting(served, LIVE, "report/x", "0"))["blockers"][0]["name"] == "process"


# -- pools


async def test_a_full_pool_names_who_holds_it(served: Served) -> None:
    await hold(served, "api", f"{LIVE}/fetch[0]", "r9/other", limit=2)
    found = await waiting(served, LIVE, "fetch", "2")
    [blocker] = found["blockers"]
    assert (blocker["kind"], blocker["name"]) == ("pool", "api")
    assert blocker["text"] == f"2 of 2 slots taken by {LIVE}/fetch[0], r9/other"
    assert found["words"] == f"it is ready, but the pool api is full: {blocker['text']}"


async def test_a_pool_with_room_is_no_blocker(served: Served) -> None:
    await hold(served, "api", f"{LIVE}/fetch[0]", limit=2)
    assert (await waiting(served, LIVE, "fetch", "2"))["blockers"][0]["kind"] == "capacity"


async def test_of_many_holders_some_are_named(served: Served) -> None:
    served.pools["api"] = 8
    await hold(served, "api", *(f"r{n}/t" for n in range(8)))
    text = (await waiting(served, LIVE, "fetch", "2"))["blockers"][0]["text"]
    assert text == "8 of 8 slots taken by r0/t, r1/t, r2/t, r3/t, r4/t, 3 more"


async def test_a_claim_above_the_limit_waits_for_the_whole_pool(served: Served) -> None:
    """Such a task run is admitted alone: what it waits for is that the pool is empty."""
    served.pools["tiny"] = 2
    policy = TaskPolicy(pools=(PoolClaim(pool="tiny", slots=5),))
    await of_rule(served, policy=policy)
    await served.write(tasks=[rows.task("c", run_id="rr")])
    assert (await waiting(served, "rr", "c"))["blockers"][0]["kind"] == "capacity"
    await hold(served, "tiny", "r9/t")
    [blocker] = (await waiting(served, "rr", "c"))["blockers"]
    assert blocker["text"] == "1 of 2 slots taken by r9/t"


@pytest.mark.parametrize(("pool", "blocks"), [("duckdb:/a", True), ("unknown", False), ("connection:db", False)])
async def test_what_limit_a_pool_without_a_setting_has(served: Served, pool: str, blocks: bool) -> None:
    await of_rule(served, policy=TaskPolicy(pools=(PoolClaim(pool=pool),)))
    await served.write(tasks=[rows.task("c", run_id="rr")])
    await hold(served, pool, "r9/t")
    [blocker] = (await waiting(served, "rr", "c"))["blockers"]
    assert (blocker["kind"] == "pool") is blocks


async def test_several_full_pools_are_all_named(served: Served) -> None:
    served.pools.update({"one": 1, "two": 1, "three": 3})
    await of_rule(served, policy=TaskPolicy(pools=tuple(PoolClaim(pool=name) for name in ("one", "two", "three"))))
    await served.write(tasks=[rows.task("c", run_id="rr")])
    for pool in ("one", "two", "three"):
        await hold(served, pool, "r9/t")
    found = await waiting(served, "rr", "c")
    assert [each["name"] for each in found["blockers"]] == ["one", "two"]
    assert "; the pool two is full" in found["words"]


async def test_a_concurrency_key_is_filled_with_the_parameters_of_the_run(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("publish", state=TaskState.READY)))
    await hold(served, "key:publish-2012", "r9/publish")
    assert (await waiting(served, LIVE, "publish"))["blockers"][0]["kind"] == "capacity"
    await hold(served, "key:publish-2013", "r8/publish")
    [blocker] = (await waiting(served, LIVE, "publish"))["blockers"]
    assert (blocker["name"], blocker["text"]) == ("key:publish-2013", "1 of 1 slot taken by r8/publish")


# -- upstream


@pytest.mark.parametrize("rule", sorted(RULES))
async def test_each_rule_has_its_words(served: Served, rule: str) -> None:
    found = await of_rule(served, rule=rule)
    assert found["words"] == f"it starts {RULES[rule]}; not ended yet: b (waits itself)"
    assert found["blockers"] == [{"kind": "upstream", "name": "b", "text": "waits itself"}]


async def test_no_two_rules_have_the_same_words() -> None:
    assert len(set(RULES.values())) == len(RULES)


@pytest.mark.parametrize("state", [state for state in TaskState if not state.is_terminal])
async def test_upstream_that_has_not_ended_is_named_with_its_state(served: Served, state: TaskState) -> None:
    await of_rule(served)
    await served.write(tasks=[rows.task("b", run_id="rr", state=state)])
    [blocker] = (await waiting(served, "rr", "c"))["blockers"]
    assert (blocker["name"], blocker["text"]) == ("b", state.value)


async def test_upstream_of_a_map_says_how_far_it_is(served: Served) -> None:
    found = await waiting(served, LIVE, "check.rows")
    blockers = {each["name"]: each["text"] for each in found["blockers"]}
    assert blockers == {"clean": "waits itself"}
    await served.write(tasks=of(LIVE, done("clean", 0), done("clean", 1), done("clean", 2, state=TaskState.RUNNING)))
    [blocker] = (await waiting(served, LIVE, "check.rows"))["blockers"]
    assert blocker["text"] == "running, 2 of 3 ended"


async def test_of_several_states_the_worst_open_one_is_said(served: Served) -> None:
    """`fetch` has one running, one that is retried, one ready and one dispatched."""
    [blocker] = (await waiting(served, LIVE, "clean", "0"))["blockers"]
    assert (blocker["name"], blocker["text"]) == ("fetch", "retrying, 0 of 4 ended")


async def test_when_all_upstream_has_ended_it_is_being_decided(served: Served) -> None:
    await of_rule(served)
    await served.write(tasks=[rows.task("b", run_id="rr", state=TaskState.FAILED)])
    found = await waiting(served, "rr", "c")
    assert found["words"] == "it starts when all upstream tasks have succeeded; what it waits for is being decided"
    assert found["blockers"] == []


async def test_a_guard_is_waited_for_like_an_edge(served: Served) -> None:
    found = await waiting(served, LIVE, "publish")
    assert [each["name"] for each in found["blockers"]] == ["check.rows"]


async def test_of_many_upstream_tasks_some_are_named_in_words_and_all_as_blockers(served: Served) -> None:
    names = [f"t{n}" for n in range(8)]
    ir = Pipeline(
        name="wide",
        nodes=(
            *(TaskNode(id=name, code=flights.code(name)) for name in names),
            TaskNode(id="end", code=flights.code("end"), upstream=tuple(Edge(source=name) for name in names)),
        ),
    )
    await served.add_version("w1", ir, bundle="b2")
    await served.write(runs=[rows.run("rw", pipeline="wide", version="w1")])
    found = await waiting(served, "rw", "end")
    assert [each["name"] for each in found["blockers"]] == names
    assert found["words"].endswith("t4 (waits itself) and 3 more")


async def test_a_step_of_a_flow_that_waits_has_no_words_yet(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("report/x", 0, state=TaskState.WAITING)))
    assert await waiting(served, LIVE, "report/x", "0") is None
