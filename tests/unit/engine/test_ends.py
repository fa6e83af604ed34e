"""The end of a run: who answers for a failure, what hooks do, and what is torn down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.driving import ERROR, Driver, mapped, pipeline, retries, task
from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.sourcing import attempt_inputs
from toque.engine.states import RunState
from toque.engine.values import TaskKey
from toque.graph.expr import Const, RunReportOf
from toque.graph.ir import AnyNode, Edge

# -- failures


def test_an_empty_pipeline_succeeds_at_once() -> None:
    assert Driver(pipeline()).run_state == "succeeded"


def test_a_run_ends_once_and_says_so() -> None:
    d = Driver(pipeline(task("a")))
    d.succeed("a")
    assert d.said(fx.RunEnded) == [fx.RunEnded(state=RunState.SUCCEEDED)]
    assert [fact.state for fact in d.said(f.RunFinished)] == [RunState.SUCCEEDED]
    assert d.run_row.finished_us == d.now


def test_what_is_independent_of_a_failure_goes_on_before_the_run_fails() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("c", "b")))
    d.fail("a")
    assert d.run_state == "running"
    d.succeed("b")
    d.succeed("c")
    assert (d.run_state, d.run_row.error) == ("failed", ERROR)


def test_a_skipped_run_succeeds() -> None:
    d = Driver(pipeline(task("a"), task("b", "a")))
    d.skip("a")
    assert (d.states("a", "b"), d.run_state) == ("skipped skipped", "succeeded")


def test_who_takes_an_outcome_handles_the_failure() -> None:
    d = Driver(pipeline(task("a"), task("b", Edge(source="a", kind="outcome"))))
    d.fail("a")
    d.succeed("b")
    assert d.run_state == "succeeded"


@pytest.mark.parametrize("rule", ["all_failed", "one_failed"])
@pytest.mark.parametrize(("how", "state"), [("succeed", "succeeded"), ("fail", "failed")])
def test_a_rescue_handles_a_failure_if_it_succeeds(rule: Any, how: str, state: str) -> None:
    d = Driver(pipeline(task("a"), task("rescue", "a", rule=rule)))
    d.fail("a")
    getattr(d, how)("rescue")
    assert d.run_state == state


@pytest.mark.parametrize("rule", ["all_done", "always"])
def test_running_whatever_happened_handles_nothing(rule: Any) -> None:
    d = Driver(pipeline(task("a"), task("b", "a", rule=rule)))
    d.fail("a")
    d.succeed("b")
    assert d.run_state == "failed"


def test_what_failed_behind_a_rescued_task_is_not_its_own_failure() -> None:
    d = Driver(pipeline(task("a"), task("b", "a"), task("rescue", "a", rule="one_failed")))
    d.fail("a")
    d.succeed("rescue")
    assert (d.state("b"), d.run_state) == ("upstream_failed", "succeeded")


def test_a_task_that_somebody_cancelled_fails_its_run() -> None:
    d = Driver(pipeline(task("a")))
    d.cancel("a")
    assert d.run_state == "failed"
    assert d.run_row.error.message == "a was cancelled"  # type: ignore[union-attr]


def test_the_error_of_a_run_is_that_of_its_first_failed_node_in_graph_order() -> None:
    d = Driver(pipeline(task("a"), task("b")))
    d.fail("b", error=i.ErrorInfo(kind="code", type="E", message="later"))
    d.fail("a")
    assert d.run_row.error == ERROR


# -- hooks


def hooked(*nodes: Any) -> Driver:
    hooks: list[AnyNode] = [
        task("page", hook="on_failure", args=(RunReportOf(),), policy=retries(1, delay_s=0)),
        task("cheer", hook="on_success"),
    ]
    return Driver(pipeline(*nodes, hooks))


def test_hooks_wait_for_the_outcome() -> None:
    d = hooked(task("a"), task("b"))
    d.fail("a")
    assert d.states("page", "cheer") == "waiting waiting"
    d.succeed("b")
    assert d.states("page", "cheer") == "ready skipped"
    assert (d.run_state, d.run_row.outcome) == ("running", RunState.FAILED)


def test_the_hook_of_the_other_outcome_is_skipped() -> None:
    d = hooked(task("a"))
    d.succeed("a")
    assert d.states("page", "cheer") == "skipped ready"
    d.succeed("cheer")
    assert d.run_state == "succeeded"


def test_a_hook_never_changes_the_outcome() -> None:
    d = hooked(task("a"))
    d.succeed("a")
    d.fail("cheer")
    assert (d.state("cheer"), d.run_state) == ("failed", "succeeded")


def test_a_hook_is_retried_like_any_task() -> None:
    d = hooked(task("a"))
    d.fail("a")
    d.fail("page")
    d.succeed("page")
    assert (d.row("page").attempt, d.run_state) == (2, "failed")


def test_a_hook_is_told_what_happened() -> None:
    d = hooked(task("a"), mapped("m", Const(value=[1])))
    d.fail("a")
    d.fail("m", 0)
    d.dispatch("page")
    report = attempt_inputs(d.run, TaskKey("page")).run_report
    assert report is not None
    assert (report["state"], report["failed_count"], report["message"]) == ("failed", 2, "no")
    assert report["failed"] == [
        {"task": "a", "map_index": [], "type": "ValueError", "message": "no"},
        {"task": "m", "map_index": [0], "type": "ValueError", "message": "no"},
    ]


def test_a_cancelled_run_has_no_hooks() -> None:
    d = hooked(task("a"))
    d.cancel()
    assert (d.states("page", "cheer"), d.run_state) == ("skipped skipped", "cancelled")


def test_cancelling_a_run_whose_outcome_is_decided_stops_its_hooks_alone() -> None:
    d = hooked(task("a"))
    d.fail("a")
    d.dispatch("page")
    d.cancel()
    assert d.said(fx.StopAttempt)
    d.cancelled("page")
    assert (d.state("page"), d.run_state) == ("cancelled", "failed")


def test_a_run_that_missed_its_deadline_calls_its_failure_hook() -> None:
    d = Driver(pipeline(task("a"), task("page", hook="on_failure"), deadline_s=1))
    d.pass_time(1)
    d.timer("run_deadline")
    assert d.states("a", "page") == "cancelled ready"
    d.succeed("page")
    assert d.run_state == "failed"


# -- setup and teardown


def cluster(*, run: bool = True) -> Driver:
    down = task("down", *(Edge(source=name, kind="order") for name in ("up", "use")), rule="teardown", teardown_of="up")
    return Driver(pipeline(task("up"), task("use", "up"), down, task("after", "use")), start=run)


@pytest.mark.parametrize("how", ["succeed", "fail", "skip"])
def test_what_was_set_up_is_torn_down_however_its_use_ended(how: str) -> None:
    d = cluster()
    d.succeed("up")
    assert d.state("down") == "waiting"
    getattr(d, how)("use")
    assert d.state("down") == "ready"


@pytest.mark.parametrize("how", ["fail", "skip"])
def test_what_was_not_set_up_is_not_torn_down(how: str) -> None:
    d = cluster()
    getattr(d, how)("up")
    assert d.state("down") == "skipped"


def test_tearing_down_does_not_handle_a_failure() -> None:
    d = cluster()
    d.succeed("up")
    d.fail("use")
    d.succeed("down")
    assert d.run_state == "failed"


def test_a_failed_teardown_fails_the_run() -> None:
    d = cluster()
    d.succeed("up")
    d.succeed("use")
    d.succeed("after")
    d.fail("down")
    assert d.run_state == "failed"


def test_a_cancelled_run_is_torn_down_before_it_ends() -> None:
    d = cluster()
    d.succeed("up")
    d.dispatch("use")
    d.cancel()
    assert d.states("use", "down", "after") == "running waiting cancelled"
    d.cancelled("use")
    assert (d.states("use", "down"), d.run_state) == ("cancelled ready", "running")
    d.succeed("down")
    assert d.run_state == "cancelled"


def test_a_setup_that_succeeds_although_it_was_cancelled_is_torn_down() -> None:
    d = cluster()
    d.dispatch("up")
    d.cancel()
    d.feed(d.about(i.AttemptSucceeded, "up", started_us=1, finished_us=2, result=i.ValueRef(codec="json", inline=b"1")))
    assert d.states("up", "use", "down") == "succeeded cancelled ready"


def test_a_setup_that_was_stopped_is_not_torn_down() -> None:
    d = cluster()
    d.dispatch("up")
    d.cancel()
    d.cancelled("up")
    assert (d.states("up", "down"), d.run_state) == ("cancelled skipped", "cancelled")
