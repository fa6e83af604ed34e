"""People: cancels, marks, suspensions; and inputs that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.driving import Driver, mapped, pipeline, retries, task, value
from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.sourcing import attempt_inputs
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey, Token, Value
from toque.graph.expr import Const, Ref
from toque.graph.ir import Axis, CodeRef, MapNode, TaskPolicy

STOPPABLE = TaskPolicy(on_cancel=CodeRef(module="m", qualname="stop"))


def mark(d: Driver, name: str, *index: int, state: str = "succeeded") -> Any:
    return d.feed(
        i.Mark(run_id="r", task=name, map_index=index, state=TaskState(state), actor="ana", reason="seen by hand")
    )


# -- cancelling a run


def test_a_queued_run_is_cancelled_at_once() -> None:
    d = Driver(pipeline(task("a")), start=False)
    d.cancel()
    assert (d.run_state, d.run_row.reason) == ("cancelled", "enough")
    assert d.said(fx.RunEnded)


def test_what_has_not_begun_ends_at_once_and_what_runs_is_told_to() -> None:
    d = Driver(pipeline(task("runs"), task("ready"), task("retries", policy=retries(1)), task("waits", "runs")))
    d.fail("retries")
    started = d.dispatch("runs")
    d.cancel()
    assert d.states("runs", "ready", "retries", "waits") == "running cancelled cancelled cancelled"
    assert d.said(fx.StopAttempt) == [fx.StopAttempt(key=TaskKey("runs"), attempt=1, token=started.token)]
    assert d.run_row.cancel_requested
    assert d.run_state == "running"
    d.cancelled("runs")
    assert d.run_state == "cancelled"


def test_a_task_that_succeeds_before_the_stop_reaches_it_has_succeeded() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    d.cancel()
    d.feed(d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value()))
    assert (d.state("a"), d.run_state) == ("succeeded", "cancelled")


@pytest.mark.parametrize(
    "report",
    [
        lambda d: d.about(i.AttemptFailed, "a", finished_us=1, error=i.ErrorInfo(kind="code", type="E", message="m")),
        lambda d: d.about(i.AttemptLost, "a", finished_us=1, reason="killed"),
        lambda d: d.about(i.AttemptReturned, "a"),
        lambda d: d.about(i.AttemptCancelled, "a", finished_us=1),
    ],
)
def test_whatever_else_ends_an_attempt_of_a_cancelled_run_cancels_its_task_run(report: Any) -> None:
    d = Driver(pipeline(task("a", policy=retries(5))))
    d.dispatch("a")
    d.cancel()
    d.feed(report(d))
    assert (d.state("a"), d.run_state) == ("cancelled", "cancelled")
    assert d.row("a").reason == "enough"


def test_the_external_job_of_a_deferred_task_is_stopped() -> None:
    d = Driver(pipeline(task("a", policy=STOPPABLE), task("b"), task("c", policy=STOPPABLE)))
    d.defer("a", handle="job-1")
    d.defer("b", handle="job-2")
    d.dispatch("c")
    d.cancel()
    assert d.said(fx.StopDeferred) == [fx.StopDeferred(key=TaskKey("a"), handle="job-1")]
    d.feed(d.about(i.AttemptDeferred, "c", finished_us=1, resume_after_s=9, handle="job-3"))
    assert d.state("c") == "cancelled"
    assert d.said(fx.StopDeferred)[1].handle == "job-3"


def test_thousands_of_untouched_indexes_are_cancelled_by_one_fact() -> None:
    d = Driver(pipeline(mapped("m", Const(value={"$": "range", "v": [0, 5000, 1]})), task("r", "m[]")))
    d.succeed("m", 0)
    d.dispatch("m", 1)
    d.cancel()
    assert [d.state("m", at) for at in (0, 1, 2, 4999)] == ["succeeded", "running", "cancelled", "cancelled"]
    assert len(d.said(f.Cancelled)) == 2
    assert d.wanted["m"] == 0
    d.cancelled("m", 1)
    assert (d.states("m[]", "r"), d.run_state) == ("cancelled cancelled", "cancelled")
    assert len(d.rows) == 4


def test_a_second_cancel_is_refused() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    d.cancel()
    assert [fact.reason for fact in d.cancel().facts] == ["the run is being cancelled already"]  # type: ignore[union-attr]


def test_a_suspended_run_can_be_cancelled_and_torn_down() -> None:
    down = task("down", "up", "use", rule="teardown", teardown_of="up")
    d = Driver(pipeline(task("up"), task("use", "up"), down))
    d.succeed("up")
    d.feed(i.Suspend(run_id="r", actor="ana"))
    d.cancel()
    assert (d.states("use", "down"), d.run_state) == ("cancelled ready", "running")
    d.succeed("down")
    assert (d.run_state, d.run_row.reason) == ("cancelled", "enough")


# -- cancelling a task run


def test_cancelling_one_task_run_leaves_the_others_to_their_rules() -> None:
    d = Driver(pipeline(task("a"), task("b", "a"), task("c", "a", rule="all_done"), task("d")))
    d.dispatch("a")
    d.cancel("a")
    assert d.state("a") == "running"
    d.cancelled("a")
    assert d.states("a", "b", "c", "d") == "cancelled upstream_failed ready ready"


def test_cancelling_one_index_leaves_its_siblings() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2]), tolerate=1)))
    d.cancel("m", 0)
    d.succeed("m", 1)
    assert [d.state("m", 0), d.state("m[]")] == ["cancelled", "succeeded"]


def test_cancelling_a_map_cancels_all_its_indexes() -> None:
    inner = MapNode(id="n[]", scope="g[]", axes=(Axis(source=Const(value=[1, 2])),))
    outer = MapNode(id="g[]", axes=(Axis(source=Const(value=[1])),))
    d = Driver(pipeline(outer, inner, task("n", scope="n[]"), task("x"), task("after", "g[]")))
    d.dispatch("n", 0, 0)
    d.cancel("g[]")
    assert [d.state("n", 0, 0), d.state("n", 0, 1), d.state("g[]")] == ["running", "cancelled", "running"]
    d.cancelled("n", 0, 0)
    assert [d.state("n[]", 0), d.states("g[]", "after", "x")] == ["cancelled", "cancelled upstream_failed ready"]


@pytest.mark.parametrize(
    ("name", "index", "says"),
    [
        ("nobody", (), "no such task"),
        ("m", (), "it is mapped: name one of its indexes, or m[] for all of them"),
        ("m", (9,), "no such index"),
        ("a", (), "it has ended"),
    ],
)
def test_a_cancel_of_nothing_says_why(name: str, index: tuple[int, ...], says: str) -> None:
    d = Driver(pipeline(task("a"), mapped("m", Const(value=[1]))))
    d.succeed("a")
    (fact,) = d.cancel(name, *index).facts
    assert isinstance(fact, f.Rejected)
    assert says in fact.reason


# -- marks


@pytest.mark.parametrize("state", ["succeeded", "failed", "skipped"])
@pytest.mark.parametrize("before", ["waiting", "ready", "deferred", "retrying"])
def test_a_task_run_that_nobody_runs_ends_as_declared(before: str, state: str) -> None:
    d = Driver(
        pipeline(task("x"), task("a", *(["x"] if before == "waiting" else []), policy=retries(1)), task("b", "a"))
    )
    if before == "deferred":
        d.defer("a")
    elif before == "retrying":
        d.fail("a")
    assert d.state("a") == before
    mark(d, "a", state=state)
    wanted = {"succeeded": "ready", "failed": "upstream_failed", "skipped": "skipped"}[state]
    assert d.states("a", "b") == f"{state} {wanted}"
    assert (d.row("a").marked, d.row("a").reason) == (TaskState(state), "seen by hand")
    assert d.wanted.get("a", 0) == 0


def test_a_declared_success_has_no_result() -> None:
    d = Driver(pipeline(task("a"), task("b", "a", args=(Ref(node="a"),))))
    mark(d, "a")
    d.dispatch("b")
    (entry,) = attempt_inputs(d.run, TaskKey("b")).sources.values()
    assert isinstance(entry, Value)
    assert entry.ref.inline == b"null"


@pytest.mark.parametrize("ends", ["cancelled", "succeeded", "failed"])
def test_a_running_attempt_is_stopped_before_its_task_run_ends_as_declared(ends: str) -> None:
    d = Driver(pipeline(task("a", policy=retries(3)), task("b", "a")))
    d.dispatch("a")
    decision = mark(d, "a", state="skipped")
    assert [type(effect) for effect in decision.effects] == [fx.StopAttempt]
    assert d.states("a", "b") == "running waiting"
    if ends == "cancelled":
        d.cancelled("a")
    elif ends == "succeeded":
        d.feed(d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value()))
    else:
        error = i.ErrorInfo(kind="code", type="E", message="m")
        d.feed(d.about(i.AttemptFailed, "a", finished_us=2, error=error))
    assert d.states("a", "b") == "skipped skipped"
    assert len(d.said(fx.ReleaseSlots)) == 1


def test_a_marked_map_ends_as_declared_once_its_indexes_have() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2])), task("b", "m[]")))
    d.dispatch("m", 0)
    mark(d, "m[]")
    assert [d.state("m", 1), d.state("m[]")] == ["cancelled", "running"]
    d.cancelled("m", 0)
    assert (d.states("m[]", "b"), d.run_state) == ("succeeded ready", "running")


@pytest.mark.parametrize(("name", "state"), [("a", "succeeded"), ("nobody", "failed"), ("b", "running")])
def test_a_mark_of_what_has_ended_or_of_nonsense_is_refused(name: str, state: str) -> None:
    d = Driver(pipeline(task("a"), task("b")))
    d.succeed("a")
    (fact,) = mark(d, name, state=state).facts
    assert isinstance(fact, f.Rejected)


# -- suspending


def test_a_suspended_run_dispatches_nothing_and_takes_back_what_it_asked_for() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("c", "a")))
    d.dispatch("a")
    decision = d.feed(i.Suspend(run_id="r", actor="ana", reason="wait"))
    assert decision.effects == [fx.WithdrawRequest(task="b", count=1)]
    assert (d.run_state, d.run_row.reason) == ("suspended", "wait")
    d.feed(d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value()))
    assert (d.states("a", "c"), d.wanted.get("c", 0)) == ("succeeded ready", 0)
    decision = d.feed(i.Resume(run_id="r", actor="ana"))
    assert {(e.task, e.count) for e in decision.effects} == {("b", 1), ("c", 1)}  # type: ignore[union-attr]
    assert (d.run_state, d.run_row.reason) == ("running", "")


def test_slots_that_were_granted_too_late_are_given_back() -> None:
    d = Driver(pipeline(task("a")))
    d.feed(i.Suspend(run_id="r", actor="ana"))
    token = d.token()
    decision = d.feed(i.Admitted(run_id="r", task="a", tokens=(token,)))
    assert decision == ([], [fx.ReturnGrants(task="a", tokens=(token,))])


def test_more_slots_than_ready_tasks_are_given_back() -> None:
    d = Driver(pipeline(task("a")))
    tokens = (d.token(), d.token())
    decision = d.feed(i.Admitted(run_id="r", task="a", tokens=tokens))
    assert [type(effect) for effect in decision.effects] == [fx.Dispatch, fx.ReturnGrants]
    assert decision.effects[1].tokens == tokens[1:]  # type: ignore[union-attr]


def test_a_run_does_not_end_while_it_is_suspended() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    d.feed(i.Suspend(run_id="r", actor="ana"))
    d.feed(d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value()))
    assert d.run_state == "suspended"
    d.feed(i.Resume(run_id="r", actor="ana"))
    assert d.run_state == "succeeded"


def test_a_run_that_is_being_cancelled_cannot_be_suspended() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    d.cancel()
    assert isinstance(d.feed(i.Suspend(run_id="r", actor="ana")).facts[0], f.Rejected)


# -- what is refused


@pytest.mark.parametrize(
    "given",
    [i.Start(run_id="r"), i.Resume(run_id="r", actor="ana")],
)
def test_an_input_out_of_turn_is_rejected_and_changes_nothing(given: i.AnyInput) -> None:
    d = Driver(pipeline(task("a")))
    (fact,) = d.feed(given).facts
    assert isinstance(fact, f.Rejected)
    assert fact.reason == "the run is running"
    assert d.states("a") == "ready"


def test_a_report_with_a_stale_token_is_rejected_and_acknowledged() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    stale = i.AttemptSucceeded(
        run_id="r", task="a", attempt=1, token=Token(0, 99), started_us=1, finished_us=2, result=value()
    )
    decision = d.feed(stale)
    assert [type(fact) for fact in decision.facts] == [f.Rejected]
    assert decision.effects == [fx.Acknowledge(key=TaskKey("a"), attempt=1, token=Token(0, 99))]
    assert d.state("a") == "running"


def test_a_report_that_comes_twice_counts_once() -> None:
    d = Driver(pipeline(task("a"), task("b", "a")))
    started = d.dispatch("a")
    assert d.feed(started) == ([], [])
    report = d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value())
    d.feed(report)
    decision = d.feed(report)
    assert [type(fact) for fact in decision.facts] == [f.Rejected]
    assert [type(effect) for effect in decision.effects] == [fx.Acknowledge]
    assert len(d.said(f.Succeeded)) == 1


def test_the_end_of_an_attempt_implies_its_start() -> None:
    d = Driver(pipeline(task("a")))
    d.grant("a")
    d.feed(d.about(i.AttemptSucceeded, "a", started_us=5, finished_us=9, result=value()))
    assert [fact.started_us for fact in d.said(f.Started)] == [5]
    assert (d.row("a").started_us, d.row("a").finished_us) == (5, 9)


def test_a_start_that_arrives_after_the_end_is_rejected() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0))))
    d.grant("a")
    started = d.about(i.AttemptStarted, "a", started_us=5)
    error = i.ErrorInfo(kind="transient", type="E", message="m")
    d.feed(d.about(i.AttemptFailed, "a", finished_us=2, error=error))
    assert [type(fact) for fact in d.feed(started).facts] == [f.Rejected]
    assert d.state("a") == "ready"


@pytest.mark.parametrize("about", [("nobody", ()), ("a", (3,)), ("m", (7,)), ("m[]", ()), ("m", (0, 0))])
def test_a_report_about_nothing_is_rejected_and_acknowledged(about: tuple[str, tuple[int, ...]]) -> None:
    d = Driver(pipeline(task("a"), mapped("m", Const(value=[1]))))
    name, index = about
    lost = i.AttemptLost(run_id="r", task=name, map_index=index, attempt=1, token=Token(1, 1), finished_us=1, reason="")
    decision = d.feed(lost)
    assert [type(fact) for fact in decision.facts] == [f.Rejected]
    assert [type(effect) for effect in decision.effects] == [fx.Acknowledge]


def test_a_run_that_has_ended_refuses_everything() -> None:
    d = Driver(pipeline(task("a")))
    d.succeed("a")
    for given in (
        i.Start(run_id="r"),
        i.Cancel(run_id="r", actor="ana"),
        i.Suspend(run_id="r", actor="ana"),
        i.AttemptReturned(run_id="r", task="a", attempt=1, token=Token(1, 1)),
        i.Admitted(run_id="r", task="a", tokens=(Token(1, 2),)),
    ):
        assert all(isinstance(fact, f.Rejected) for fact in d.feed(given).facts)
    assert d.run_state == "succeeded"
    assert d.run_row.state is RunState.SUCCEEDED
    assert d.timer("retry", "a") == ([], [])
