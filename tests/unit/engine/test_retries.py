"""Retries, timeouts and losses: what an ended attempt means for its task run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.driving import ERROR, Driver, mapped, pipeline, retries, task, value
from toque.engine import effects as fx
from toque.engine import inputs as i
from toque.engine.backoff import delay_us, fraction
from toque.engine.facts import AttemptEnded
from toque.engine.rows import TaskRow
from toque.engine.sourcing import idempotency_key
from toque.engine.states import TaskState
from toque.engine.values import ErrorInfo, TaskKey
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, RetryPolicy, TaskPolicy

SECOND = 1_000_000


def error(**fields: Any) -> ErrorInfo:
    return ErrorInfo(**{"kind": "transient", "type": "E", "message": "m", **fields})


def row(**fields: Any) -> TaskRow:
    return TaskRow(**{"run_id": "r", "task": "t", "state": TaskState.RUNNING, "attempt": 1, **fields})


# -- failures


def test_a_failed_attempt_waits_for_its_delay_and_goes_again() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=5))))
    d.fail("a")
    assert (d.state("a"), d.row("a").due_us) == ("retrying", d.now + 5 * SECOND)
    assert d.said(fx.SetTimer) == [fx.SetTimer(kind="retry", due_us=d.now + 5 * SECOND, task="a")]
    d.pass_time(5)
    d.timer("retry", "a")
    assert d.state("a") == "ready"
    d.succeed("a")
    assert (d.row("a").attempt, d.row("a").retries, d.run_state) == (2, 1, "succeeded")
    assert d.row("a").error is None


def test_a_retry_without_delay_needs_no_timer() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0))))
    d.fail("a")
    assert d.state("a") == "ready"
    assert not d.said(fx.SetTimer)


def test_when_its_retries_are_spent_it_fails() -> None:
    d = Driver(pipeline(task("a", policy=retries(2, delay_s=0))))
    for _ in range(3):
        d.fail("a")
    assert (d.state("a"), d.row("a").attempt, d.row("a").retries) == ("failed", 3, 2)
    assert d.row("a").error == ERROR


def test_without_a_policy_there_is_no_retry() -> None:
    d = Driver(pipeline(task("a")))
    d.fail("a")
    assert d.state("a") == "failed"


def test_what_cannot_heal_is_not_retried() -> None:
    d = Driver(pipeline(task("a", policy=retries(3))))
    d.fail("a", error=error(retryable=False))
    assert d.state("a") == "failed"


@pytest.mark.parametrize(("kind", "state"), [("transient", "ready"), ("data", "failed"), ("code", "failed")])
def test_classes_limit_what_is_retried(kind: Any, state: str) -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0, classes=("transient",)))))
    d.fail("a", error=error(kind=kind))
    assert d.state("a") == state


def test_a_timeout_is_transient_whatever_the_executor_called_it() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0, classes=("transient",)))))
    d.fail("a", error=error(kind="infrastructure"), timed_out=True)
    assert d.state("a") == "ready"
    assert [fact.outcome.value for fact in d.said(AttemptEnded)] == ["timed_out"]


def test_the_attempt_that_failed_is_kept_with_its_error() -> None:
    d = Driver(pipeline(task("a", policy=retries(1))))
    d.fail("a")
    (ended,) = d.said(AttemptEnded)
    assert (ended.attempt, ended.spends, ended.error) == (1, "retry", ERROR)


def test_the_idempotency_key_outlives_attempts_and_is_new_in_a_rerun() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0))))
    before = idempotency_key(d.run, TaskKey("a"))
    d.fail("a")
    assert idempotency_key(d.run, TaskKey("a")) == before
    other = Driver(d.pipeline, run_id="r2", row={"origin_run": "r"})
    assert idempotency_key(other.run, TaskKey("a")) != before
    assert idempotency_key(d.run, TaskKey("a", (0,))) != before


# -- delays


def test_delays_grow_to_their_cap() -> None:
    policy = RetryPolicy(times=9, delay_s=2, backoff=3, cap_s=20)
    waits = [delay_us(policy, row(retries=spent), ERROR) / SECOND for spent in range(4)]
    assert waits == [2, 6, 18, 20]


def test_an_error_may_say_when_to_come_back() -> None:
    assert delay_us(RetryPolicy(times=1, delay_s=60), row(), error(retry_after_s=2.5)) == 2.5 * SECOND


@given(attempt=st.integers(1, 50), index=st.integers(0, 10_000))
def test_jitter_keeps_half_of_the_delay_and_is_the_same_each_time(attempt: int, index: int) -> None:
    policy = RetryPolicy(times=1, delay_s=10, jitter=True)
    tried = row(attempt=attempt, map_index=(index,))
    wait = delay_us(policy, tried, ERROR)
    assert 5 * SECOND <= wait <= 10 * SECOND
    assert wait == delay_us(policy, row(attempt=attempt, map_index=(index,)), ERROR)


def test_jitter_spreads_a_herd() -> None:
    drawn = sorted(fraction(row(map_index=(index,))) for index in range(1000))
    assert drawn[50] < 0.15
    assert drawn[950] > 0.85
    assert len(set(drawn)) == 1000


# -- losses


def test_a_loss_spends_its_own_budget_of_three() -> None:
    d = Driver(pipeline(task("a", policy=retries(1))))
    for lost in range(1, 4):
        d.dispatch("a")
        d.lose("a")
        assert (d.state("a"), d.run.task_run(TaskKey("a")).losses) == ("ready", lost)  # type: ignore[union-attr]
    d.dispatch("a")
    d.lose("a")
    assert (d.state("a"), d.row("a").retries) == ("failed", 0)
    assert d.row("a").error.kind == "infrastructure"  # type: ignore[union-attr]


def test_a_blameless_loss_spends_nothing() -> None:
    d = Driver(pipeline(task("a")))
    for _ in range(10):
        d.dispatch("a")
        d.lose("a", blameless=True)
    assert d.state("a") == "ready"
    d.succeed("a")
    assert (d.row("a").losses, d.row("a").retries, d.row("a").attempt) == (0, 0, 11)


def test_what_kills_its_worker_before_it_begins_spends_the_same_budget() -> None:
    """Or an attempt whose mere start is deadly would come again for ever."""
    d = Driver(pipeline(task("a")))
    for _ in range(4):
        assert d.state("a") == "ready"
        d.grant("a")
        d.lose("a")
    assert (d.state("a"), d.row("a").losses) == ("failed", 3)
    assert [fact.attempt for fact in d.said(AttemptEnded)] == [1, 2, 3]
    assert "killed" in d.row("a").error.message  # type: ignore[union-attr]


def test_what_was_lost_without_blame_before_it_began_goes_again_as_the_same_attempt() -> None:
    d = Driver(pipeline(task("a")))
    d.grant("a")
    d.lose("a", blameless=True)
    assert d.state("a") == "ready"
    d.dispatch("a")
    assert d.row("a").attempt == 1
    assert not d.said(AttemptEnded)


def test_what_is_given_back_goes_again_as_the_same_attempt() -> None:
    d = Driver(pipeline(task("a")))
    d.grant("a")
    d.feed(d.about(i.AttemptReturned, "a"))
    assert d.state("a") == "ready"
    d.dispatch("a")
    assert (d.row("a").attempt, d.row("a").losses) == (1, 0)


def test_an_attempt_that_its_executor_gave_up_by_itself_is_innocent() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    d.cancelled("a")
    assert (d.state("a"), d.run.task_run(TaskKey("a")).losses) == ("ready", 0)  # type: ignore[union-attr]


def test_each_index_of_a_map_has_its_own_budget() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2]), policy=retries(1, delay_s=0))))
    d.fail("m", 0)
    d.fail("m", 0)
    d.fail("m", 1)
    assert [d.state("m", 0), d.state("m", 1)] == ["failed", "ready"]


# -- deferring


def test_a_deferral_holds_no_slot_and_spends_no_retry_and_keeps_the_attempt() -> None:
    d = Driver(pipeline(task("a")))
    d.defer("a", seconds=30, handle={"job": 7})
    assert d.state("a") == "deferred"
    assert len(d.said(fx.ReleaseSlots)) == 1
    d.pass_time(30)
    d.timer("deferred", "a")
    d.dispatch("a")
    live = d.run.task_run(TaskKey("a"))
    assert live is not None
    assert (live.attempt, live.retries, live.deferrals, live.handle) == (1, 0, 1, {"job": 7})


def test_a_deferral_that_is_due_already_needs_no_timer() -> None:
    d = Driver(pipeline(task("a")))
    d.defer("a", seconds=0)
    assert d.state("a") == "ready"


def test_a_retry_after_a_deferral_is_the_next_attempt() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=0))))
    d.defer("a", seconds=0)
    d.fail("a")
    d.succeed("a")
    assert (d.row("a").attempt, d.row("a").deferrals) == (2, 1)


# -- timers


def test_a_timer_that_fires_early_is_set_again() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=5))))
    d.fail("a")
    decision = d.timer("retry", "a")
    assert (d.state("a"), decision.facts) == ("retrying", [])
    assert [effect.due_us for effect in decision.effects] == [d.now + 5 * SECOND]  # type: ignore[union-attr]


def test_a_timer_that_fires_twice_or_too_late_does_nothing() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=5))))
    d.fail("a")
    d.pass_time(5)
    d.timer("retry", "a")
    assert d.timer("retry", "a") == ([], [])
    d.succeed("a")
    assert d.timer("retry", "a") == ([], [])


@pytest.mark.parametrize("kind", ["retry", "deferred", "deadline", "sleep", "run_deadline"])
def test_a_timer_about_nothing_does_nothing(kind: Any) -> None:
    d = Driver(pipeline(task("a")))
    assert d.timer(kind, "nobody") == ([], [])
    assert d.timer(kind, "a", 4) == ([], [])
    assert d.timer(kind, "a") == ([], [])


# -- deadlines


def test_a_deadline_counts_from_the_moment_of_being_ready() -> None:
    d = Driver(pipeline(task("a"), task("b", "a", policy=TaskPolicy(deadline_s=10))))
    d.pass_time(100)
    d.succeed("a")
    assert fx.SetTimer(kind="deadline", due_us=d.now + 10 * SECOND, task="b") in d.effects


def test_what_is_not_running_fails_at_its_deadline() -> None:
    d = Driver(pipeline(task("a", policy=TaskPolicy(deadline_s=10))))
    d.pass_time(10)
    d.timer("deadline", "a")
    assert d.state("a") == "failed"
    assert d.row("a").error.type == "DeadlineExceeded"  # type: ignore[union-attr]
    assert d.wanted["a"] == 0


def test_what_runs_is_stopped_at_its_deadline_and_fails_once_it_is_gone() -> None:
    d = Driver(pipeline(task("a", policy=TaskPolicy(deadline_s=10, retry=RetryPolicy(times=5)))))
    started = d.dispatch("a")
    d.pass_time(10)
    decision = d.timer("deadline", "a")
    assert decision.effects == [fx.StopAttempt(key=TaskKey("a"), attempt=1, token=started.token)]
    assert d.state("a") == "running"
    d.cancelled("a")
    assert d.state("a") == "failed"
    assert d.row("a").error.type == "DeadlineExceeded"  # type: ignore[union-attr]


def test_a_result_that_beats_the_stop_counts() -> None:
    d = Driver(pipeline(task("a", policy=TaskPolicy(deadline_s=10))))
    d.dispatch("a")
    d.pass_time(10)
    d.timer("deadline", "a")
    d.feed(d.about(i.AttemptSucceeded, "a", started_us=1, finished_us=2, result=value()))
    assert d.state("a") == "succeeded"


def test_deferring_does_not_stretch_a_deadline() -> None:
    policy = TaskPolicy(deadline_s=10, on_cancel=CodeRef(module="m", qualname="stop"))
    d = Driver(pipeline(task("a", policy=policy)))
    d.defer("a", seconds=60, handle="job")
    d.pass_time(10)
    d.timer("deadline", "a")
    assert d.state("a") == "failed"
    assert d.said(fx.StopDeferred) == [fx.StopDeferred(key=TaskKey("a"), handle="job")]


def test_the_indexes_of_a_map_share_one_deadline_timer() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3]), policy=TaskPolicy(deadline_s=10))))
    assert [timer.map_index for timer in d.said(fx.SetTimer)] == [()]
    d.succeed("m", 0)
    d.dispatch("m", 1)
    d.pass_time(10)
    d.timer("deadline", "m")
    assert [d.state("m", at) for at in range(3)] == ["succeeded", "running", "failed"]
    d.cancelled("m", 1)
    assert [d.state("m", 1), d.state("m[]")] == ["failed", "failed"]


def test_a_run_that_misses_its_deadline_fails() -> None:
    d = Driver(pipeline(task("a"), task("b", "a"), deadline_s=60))
    d.dispatch("a")
    d.timer("run_deadline")
    assert d.run_state == "running"
    d.pass_time(60)
    d.timer("run_deadline")
    d.cancelled("a")
    assert (d.states("a", "b"), d.run_state) == ("cancelled cancelled", "failed")
    assert d.run_row.error.type == "DeadlineExceeded"  # type: ignore[union-attr]
