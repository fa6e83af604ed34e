"""Restore: a machine made of rows goes on as the one that wrote them would have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.unit.engine.driving import Driver, mapped, pipeline, retries, task, value
from tests.unit.engine.snapshots import differences, snapshot
from toque.engine import effects as fx
from toque.engine import inputs as i
from toque.engine.facts import AnyFact, decode, encode
from toque.engine.projection import drain_rows
from toque.engine.restore import restore
from toque.engine.rows import StepRow
from toque.engine.run import Run
from toque.engine.values import TaskKey
from toque.errors import ToqueBug
from toque.graph.expr import Const, Ref
from toque.graph.ir import Axis, CodeRef, TaskNode, TaskPolicy

SECOND = 1_000_000


def stored(d: Driver) -> Any:
    """The rows that `d` has written, as a store gives them back: new values through msgpack."""
    rows = [msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=type(row)) for row in d.rows.values()]
    return SimpleNamespace(run=msgspec.structs.replace(d.run_row), tasks=rows, steps=d.steps)


def restored(d: Driver) -> tuple[Run, list[Any]]:
    """A machine made of the rows of `d`; it must be in the same state."""
    run, effects = restore(d.pipeline, stored(d))
    found = differences(snapshot(d.run), snapshot(run))
    assert not found, "\n".join(found)
    return run, effects


def test_a_queued_run_is_as_it_was() -> None:
    d = Driver(pipeline(task("a")), start=False)
    run, effects = restored(d)
    assert (run.row.state.value, effects) == ("queued", [])


def test_what_is_ready_is_requested_again() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("c", "a")))
    d.succeed("a")
    _, effects = restored(d)
    assert effects == [fx.RequestSlots(task="b", count=1), fx.RequestSlots(task="c", count=1)]


def test_untouched_indexes_of_an_open_map_are_ready_again_without_rows() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3, 4]))))
    d.succeed("m", 0)
    d.dispatch("m", 1)
    run, effects = restored(d)
    assert effects == [fx.RequestSlots(task="m", count=2)]
    assert [key for key, _, _ in run.active()] == [TaskKey("m", (1,))]


def test_members_of_a_chain_that_were_ready_when_it_opened_are_so_again() -> None:
    chained = Axis(source=Ref(node="a"), chained=True)
    nodes = mapped("b", chained, member_after=("a",), after=("slow",))
    d = Driver(pipeline(mapped("a", Const(value=[1, 2])), task("slow"), nodes))
    d.succeed("a", 1)
    d.succeed("slow")
    assert d.state("b", 1) == "ready"
    restored(d)


def test_counters_are_as_they_were() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("c", "a", "b")))
    d.succeed("a")
    run, _ = restored(d)
    assert run.nodes["c"].lanes[()].counted(0) == (1, 0, 0)


def test_timers_are_set_again() -> None:
    d = Driver(
        pipeline(
            task("a", policy=retries(1, delay_s=5)),
            task("b"),
            task("c", policy=TaskPolicy(deadline_s=9)),
            mapped("m", Const(value=[1, 2]), policy=TaskPolicy(deadline_s=7)),
            deadline_s=100,
        )
    )
    d.fail("a")
    d.defer("b", seconds=3)
    _, effects = restored(d)
    timers = {(timer.kind, timer.task, timer.due_us - d.now) for timer in effects if isinstance(timer, fx.SetTimer)}
    assert timers == {
        ("run_deadline", "", 100 * SECOND),
        ("retry", "a", 5 * SECOND),
        ("deferred", "b", 3 * SECOND),
        ("deadline", "c", 9 * SECOND),
        ("deadline", "m", 7 * SECOND),
    }


def test_an_attempt_that_was_told_to_stop_is_told_again() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("down", "a", rule="teardown", teardown_of="a")))
    d.dispatch("a")
    d.cancel("a")
    _, effects = restored(d)
    assert [effect.key for effect in effects if isinstance(effect, fx.StopAttempt)] == [TaskKey("a")]
    d.dispatch("b")
    d.cancel()
    _, effects = restored(d)
    assert [effect.key for effect in effects if isinstance(effect, fx.StopAttempt)] == [TaskKey("a"), TaskKey("b")]


def test_cancelled_indexes_without_rows_stay_cancelled() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3])), task("after", "m[]")))
    d.dispatch("m", 0)
    d.cancel()
    _, effects = restored(d)
    assert [type(effect) for effect in effects] == [fx.StopAttempt]


def test_a_suspended_run_asks_for_nothing() -> None:
    d = Driver(pipeline(task("a")))
    d.feed(i.Suspend(run_id="r", actor="ana"))
    _, effects = restored(d)
    assert effects == []


def test_a_run_that_has_ended_can_be_looked_at() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2]), tolerate=1), task("after", "m[]")))
    d.succeed("m", 0)
    d.fail("m", 1)
    d.succeed("after")
    _, effects = restored(d)
    assert effects == []


def test_steps_and_their_places_are_as_they_were() -> None:
    d = Driver(pipeline(task("f", kind="flow")))
    d.dispatch("f")
    node = TaskNode(id="f/s", code=CodeRef(module="m", qualname="s"))
    for occurrence in (0, 1, 2):
        body = d.run.task_run(TaskKey("f"))
        assert body is not None
        assert body.token is not None
        request = i.StepRequested(run_id="r", body="f", node=node, occurrence=occurrence, digest="d", token=body.token)
        d.feed(request)
    d.succeed("f/s", 1)
    d.succeed("f/s", 0)
    run, effects = restored(d)
    body_lane = run.nodes["f"].lanes[()]
    assert body_lane.orders == {0: 2}
    assert effects == [fx.RequestSlots(task="f/s", count=1)]


def test_what_became_ready_first_goes_first() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3, 4]), policy=retries(1, delay_s=1))))
    d.fail("m", 0)
    d.pass_time(1)
    d.timer("retry", "m", 0)
    run, _ = restored(d)
    assert [index for _, index in run.nodes["m"].next_ready()] == [1, 2, 3, 0]


def test_restoring_gives_back_what_a_rerun_has_yet_to_take_over() -> None:
    before = Driver(pipeline(task("a"), task("b", "a")), run_id="origin")
    before.succeed("a")
    before.fail("b")
    d = Driver(before.pipeline, run_id="again", row={"origin_run": "origin"}, start=False)
    run, _ = restore(d.pipeline, stored(d), list(before.rows.values()))
    assert set(run.taken_over) == {TaskKey("a")}


def test_rows_that_fit_no_graph_are_a_bug_of_ours() -> None:
    d = Driver(pipeline(task("a")))
    with pytest.raises(ToqueBug, match="its pipeline has not"):
        restore(pipeline(task("b")), stored(d))
    alone = stored(Driver(pipeline(mapped("m", Const(value=[1])), task("x"))))
    alone.tasks = [msgspec.structs.replace(d.row("a"), task="m", map_index=(0,))]
    with pytest.raises(ToqueBug, match="whose scope is not open"):
        restore(pipeline(mapped("m", Const(value=[1]))), alone)
    orphan = StepRow(run_id="r", task="f/s", body="f", node=b"")
    with pytest.raises(ToqueBug, match="unknown flows"):
        restore(pipeline(task("a")), SimpleNamespace(run=d.run_row, tasks=[], steps=[orphan]))


def test_restoring_changes_none_of_the_rows_it_was_given() -> None:
    d = Driver(pipeline(task("a"), task("b", "a")))
    d.succeed("a")
    rows = stored(d)
    before = msgspec.msgpack.encode(rows.tasks)
    run, _ = restore(d.pipeline, rows)
    for name in ("b",):
        assert run.task_run(TaskKey(name)) is not rows.tasks[1]
    assert msgspec.msgpack.encode(rows.tasks) == before


# -- rows and facts


def test_a_task_run_that_was_touched_often_is_drained_once() -> None:
    d = Driver(pipeline(task("a"), task("b", "a")), start=False)
    d.feed(i.Start(run_id="r"))
    run = d.run
    drain_rows(run)
    from toque.engine.run import decide

    decide(run, i.Admitted(run_id="r", task="a", tokens=(d.token(),)), d.now)
    report = d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value())
    decide(run, report, d.now)
    drained = drain_rows(run)
    assert [(row.task, row.state.value) for row in drained.tasks] == [("a", "succeeded"), ("b", "ready")]
    assert drain_rows(run).tasks == []


def test_a_drained_row_does_not_change_with_the_machine() -> None:
    d = Driver(pipeline(task("a")))
    ready = d.row("a")
    d.dispatch("a")
    assert ready.state.value == "ready"
    assert d.run_row is not d.run.row


def test_attempts_that_were_followed_by_another_one_are_drained_once() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0))))
    d.dispatch("a")
    live = d.about(i.AttemptFailed, "a", finished_us=5, error=i.ErrorInfo(kind="transient", type="E", message="m"))
    from toque.engine.run import decide

    decide(d.run, live, d.now)
    (attempt,) = drain_rows(d.run).attempts
    assert (attempt.attempt, attempt.outcome.value, attempt.started_us) == (1, "failed", d.now)
    assert drain_rows(d.run).attempts == []


def test_facts_survive_their_encoding() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2]), policy=retries(1, delay_s=0)), task("b", "m[]")))
    d.succeed("m", 0)
    d.fail("m", 1)
    d.defer("m", 1, handle={"job": [1, 2]})
    d.cancel()
    again: list[AnyFact] = decode(encode(d.facts))
    assert again == d.facts
    assert not differences(snapshot(d.run), snapshot(d.refold()))
