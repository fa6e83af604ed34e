"""Flows: steps are declared while the body runs, answered from their record, and never run twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.driving import Driver, mapped, pipeline, retries, task, value
from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.sourcing import attempt_inputs
from toque.engine.states import TaskState
from toque.engine.values import TaskKey, Token
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, TaskNode, TaskPolicy

SECOND = 1_000_000


def flow(**fields: Any) -> Driver:
    """A run of a flow whose body has begun."""
    d = Driver(pipeline(task("f", kind="flow", **fields), task("after", "f")))
    d.dispatch("f")
    return d


def step(name: str = "f/s", **fields: Any) -> TaskNode:
    return TaskNode(id=name, code=CodeRef(module="m", qualname="s"), **fields)


def ask(d: Driver, occurrence: int = 0, node: TaskNode | None = None, **fields: Any) -> Any:
    """The body `f` asks for a step."""
    body = d.run.task_run(TaskKey(fields.get("body", "f"), fields.get("body_index", ())))
    given = {
        "run_id": "r",
        "body": "f",
        "node": node or step(),
        "occurrence": occurrence,
        "digest": "d",
        "payload": value(occurrence),
        "token": body.token if body is not None and body.token is not None else Token(0, 0),
        **fields,
    }
    return d.feed(i.StepRequested(**given))


def answers(decision: Any) -> list[Any]:
    return [effect for effect in decision.effects if isinstance(effect, fx.AnswerStep)]


def evict(d: Driver, seen: int = -1) -> Any:
    body = d.run.task_run(TaskKey("f"))
    assert body is not None
    assert body.token is not None
    return d.feed(i.FlowEvicted(run_id="r", body="f", token=body.token, seen=seen))


def test_a_step_is_a_task_run_of_its_own() -> None:
    d = flow()
    decision = ask(d)
    assert [type(fact) for fact in decision.facts] == [f.StepDeclared, f.StepAdded, f.Readied]
    assert d.wanted["f/s"] == 1
    d.dispatch("f/s", 0)
    assert attempt_inputs(d.run, TaskKey("f/s", (0,))).payload == value(0)
    decision = d.feed(d.about(i.AttemptSucceeded, "f/s", 0, started_us=1, finished_us=2, result=value(7)))
    (answer,) = answers(decision)
    assert (answer.body, answer.step, answer.order, answer.result) == (TaskKey("f"), TaskKey("f/s", (0,)), 1, value(7))


def test_a_step_is_declared_once_and_added_each_time() -> None:
    d = flow()
    for occurrence in range(3):
        ask(d, occurrence)
    assert len(d.said(f.StepDeclared)) == 1
    assert len(d.said(f.StepAdded)) == 3
    assert [d.state("f/s", at) for at in range(3)] == ["ready"] * 3


def test_occurrences_may_come_out_of_order() -> None:
    d = flow()
    ask(d, 2)
    ask(d, 0)
    assert [d.state("f/s", at) for at in range(3)] == ["ready", "absent", "ready"]
    assert isinstance(d.cancel("f/s", 1).facts[0], f.Rejected)
    d.cancel()
    d.cancelled("f")
    assert d.run_state == "cancelled"


def test_asked_again_while_it_runs_a_step_is_one() -> None:
    d = flow()
    ask(d)
    assert ask(d) == ([], [])


def test_a_step_that_ended_answers_from_its_record_with_its_place() -> None:
    d = flow()
    ask(d, 0)
    ask(d, 1)
    d.succeed("f/s", 1, number=11)
    d.succeed("f/s", 0, number=10)
    replayed = [answers(ask(d, at))[0] for at in (0, 1)]
    assert [(answer.order, answer.result) for answer in replayed] == [(2, value(10)), (1, value(11))]


def test_other_inputs_under_the_same_key_diverge() -> None:
    d = flow()
    ask(d)
    (answer,) = answers(ask(d, digest="other"))
    assert "other inputs" in answer.diverged
    assert d.state("f/s", 0) == "ready"


def test_a_failed_step_answers_with_its_error_and_fails_nothing_but_what_the_body_makes_of_it() -> None:
    d = flow()
    ask(d, node=step(policy=retries(1, delay_s=0)))
    d.fail("f/s", 0)
    assert d.state("f/s", 0) == "ready"
    (answer,) = answers(d.fail("f/s", 0))
    assert answer.error is not None
    d.feed(d.about(i.AttemptSucceeded, "f", started_us=1, finished_us=2, result=value()))
    d.succeed("after")
    assert d.run_state == "succeeded"


@pytest.mark.parametrize("how", ["skip", "cancel"])
def test_a_step_without_a_result_answers_with_an_error(how: str) -> None:
    d = flow()
    ask(d)
    (answer,) = answers(getattr(d, how)("f/s", 0))
    assert answer.error.kind == "cancelled"


def test_a_step_is_not_answered_into_a_body_that_is_over() -> None:
    d = flow()
    ask(d)
    d.feed(d.about(i.AttemptSucceeded, "f", started_us=1, finished_us=2, result=value()))
    assert d.states("f", "after") == "succeeded ready"
    assert d.state("f/s", 0) == "cancelled"


def test_the_open_steps_of_a_body_that_ended_are_called_off_and_waited_for() -> None:
    d = flow()
    ask(d, 0)
    ask(d, 1)
    d.dispatch("f/s", 0)
    d.feed(d.about(i.AttemptSucceeded, "f", started_us=1, finished_us=2, result=value()))
    d.succeed("after")
    assert [d.state("f/s", at) for at in (0, 1)] == ["running", "cancelled"]
    assert d.run_state == "running"
    d.cancelled("f/s", 0)
    assert d.run_state == "succeeded"


# -- sleeping


def test_a_sleep_holds_no_worker() -> None:
    d = flow()
    due_us = d.now + 60 * SECOND
    ask(d, node=step("f/sleep"), sleep_until_us=due_us)
    assert d.state("f/sleep", 0) == "deferred"
    assert d.wanted.get("f/sleep", 0) == 0
    assert fx.SetTimer(kind="sleep", due_us=due_us, task="f/sleep", map_index=(0,)) in d.effects
    d.pass_time(60)
    (answer,) = answers(d.timer("sleep", "f/sleep", 0))
    assert answer.result.inline == b"null"


def test_a_sleep_that_is_over_is_answered_at_once() -> None:
    d = flow()
    (answer,) = answers(ask(d, node=step("f/sleep"), sleep_until_us=d.now))
    assert answer.order == 1


def test_sleeping_is_not_deferring() -> None:
    d = flow()
    ask(d, node=step("f/sleep"), sleep_until_us=d.now + 1)
    assert d.row("f/sleep", 0).deferrals == 0


# -- bodies


@pytest.mark.parametrize("report", [i.AttemptLost, i.AttemptReturned])
def test_a_body_that_was_lost_without_blame_is_replayed_and_spends_nothing(report: Any) -> None:
    d = flow()
    ask(d)
    fields = {"finished_us": 1, "reason": "killed", "blameless": True} if report is i.AttemptLost else {}
    d.feed(d.about(report, "f", **fields))
    assert d.state("f") == "ready"
    d.dispatch("f")
    row = d.row("f")
    assert (row.attempt, row.losses, row.retries) == (1, 0, 0)
    assert ask(d) == ([], [])


def test_a_body_that_dies_at_the_same_place_again_and_again_fails_in_the_end() -> None:
    d = flow()
    ask(d)
    d.succeed("f/s", 0)
    for _ in range(4):
        assert d.state("f") != "failed"
        d.dispatch("f")
        d.lose("f")
    assert d.state("f") == "failed"
    assert (d.row("f").error.kind, d.row("f").losses) == ("infrastructure", 3)  # type: ignore[union-attr]
    assert "4 times" in d.row("f").error.message  # type: ignore[union-attr]


def test_a_body_that_gets_further_between_its_deaths_goes_on_for_ever() -> None:
    """Its host may be killed as often as it likes: each ended step is a whole budget again."""
    d = flow()
    for occurrence in range(10):
        d.dispatch("f")
        ask(d, occurrence=occurrence)
        d.succeed("f/s", occurrence)
        assert d.row("f").losses == 0
        for _ in range(3):
            d.dispatch("f")
            d.lose("f")
        assert d.state("f") == "ready"


def test_a_restored_body_has_spent_what_it_had() -> None:
    d = flow()
    ask(d)
    d.succeed("f/s", 0)
    d.lose("f")
    assert d.row("f").losses == 1
    again = d.refold().task_run(TaskKey("f"))
    assert again is not None
    assert again.losses == 1


def test_steps_go_on_while_nobody_runs_their_body() -> None:
    d = flow()
    ask(d)
    d.lose("f")
    assert answers(d.succeed("f/s", 0)) == []
    d.dispatch("f")
    assert len(answers(ask(d))) == 1


def test_an_evicted_body_waits_for_one_of_its_steps() -> None:
    d = flow()
    ask(d)
    evict(d, seen=0)
    assert (d.state("f"), d.row("f").due_us) == ("deferred", 0)
    assert fx.ReleaseSlots(key=TaskKey("f")) in d.effects
    d.succeed("f/s", 0)
    assert d.state("f") == "ready"
    d.dispatch("f")
    assert d.row("f").attempt == 1
    assert len(answers(ask(d))) == 1


def test_a_body_that_was_evicted_with_an_answer_on_its_way_goes_again_at_once() -> None:
    d = flow()
    ask(d, 0)
    ask(d, 1)
    d.succeed("f/s", 0)
    evict(d, seen=0)
    assert d.state("f") == "ready"


def test_a_body_that_has_seen_everything_stays_evicted() -> None:
    d = flow()
    ask(d, 0)
    ask(d, 1)
    d.succeed("f/s", 0)
    evict(d, seen=1)
    assert d.state("f") == "deferred"


def test_a_body_with_nothing_to_wait_for_is_not_left_asleep() -> None:
    d = flow()
    evict(d)
    assert d.state("f") == "ready"


def test_a_body_that_is_retried_replays_its_steps() -> None:
    d = flow(policy=retries(1, delay_s=0))
    ask(d)
    d.succeed("f/s", 0)
    error = i.ErrorInfo(kind="code", type="E", message="m")
    d.feed(d.about(i.AttemptFailed, "f", finished_us=1, error=error))
    d.dispatch("f")
    assert d.row("f").attempt == 2
    assert len(answers(ask(d))) == 1


def test_a_body_that_failed_for_good_fails_the_run() -> None:
    d = flow()
    error = i.ErrorInfo(kind="code", type="E", message="m")
    d.feed(d.about(i.AttemptFailed, "f", finished_us=1, error=error))
    assert (d.states("f", "after"), d.run_state) == ("failed upstream_failed", "failed")


def test_a_request_of_a_stale_host_is_refused_and_its_body_stopped() -> None:
    d = flow()
    decision = ask(d, token=Token(0, 5))
    assert [type(fact) for fact in decision.facts] == [f.Rejected]
    assert decision.effects == [fx.StopAttempt(key=TaskKey("f"), attempt=1, token=Token(0, 5))]


def test_a_stale_eviction_is_refused_and_acknowledged() -> None:
    d = flow()
    decision = d.feed(i.FlowEvicted(run_id="r", body="f", token=Token(0, 5)))
    assert [type(fact) for fact in decision.facts] == [f.Rejected]
    assert [type(effect) for effect in decision.effects] == [fx.Acknowledge]


def test_a_step_may_not_take_the_name_of_a_node() -> None:
    d = flow()
    decision = ask(d, node=step("after"))
    assert [type(fact) for fact in decision.facts] == [f.Rejected]


def test_a_request_implies_that_the_body_has_begun() -> None:
    d = Driver(pipeline(task("f", kind="flow")))
    d.grant("f")
    ask(d)
    assert d.state("f") == "running"


# -- cancelling


def test_cancelling_the_run_stops_the_body_and_its_steps() -> None:
    d = flow()
    ask(d, 0)
    ask(d, 1)
    d.dispatch("f/s", 0)
    d.cancel()
    assert [d.state("f/s", at) for at in (0, 1)] == ["running", "cancelled"]
    assert isinstance(ask(d, 2).facts[0], f.Rejected)
    d.cancelled("f/s", 0)
    d.cancelled("f")
    assert d.run_state == "cancelled"


def test_an_evicted_body_is_cancelled_at_once_with_its_steps() -> None:
    d = flow()
    ask(d)
    evict(d, seen=0)
    d.cancel()
    assert (d.states("f"), d.state("f/s", 0), d.run_state) == ("cancelled", "cancelled", "cancelled")


def test_a_cancel_that_crosses_an_eviction_ends_the_body_and_starts_no_other() -> None:
    d = flow()
    ask(d)
    d.feed(i.Cancel(run_id="r", actor="ana", task="f"))
    decision = evict(d)
    assert not any(isinstance(effect, fx.Dispatch | fx.RequestSlots) for effect in decision.effects)
    assert (d.states("f"), d.state("f/s", 0), d.run_state) == ("cancelled", "cancelled", "failed")


def test_a_mark_that_crosses_an_eviction_takes_effect() -> None:
    d = flow()
    d.feed(i.Mark(run_id="r", task="f", state=TaskState.SKIPPED, actor="ana"))
    evict(d)
    assert (d.states("f"), d.run_state) == ("skipped", "succeeded")


def test_the_steps_of_a_teardown_survive_a_cancel() -> None:
    down = task("f", "up", rule="teardown", teardown_of="up", kind="flow")
    d = Driver(pipeline(task("up"), down))
    d.succeed("up")
    d.dispatch("f")
    d.cancel()
    ask(d)
    d.succeed("f/s", 0)
    d.feed(d.about(i.AttemptSucceeded, "f", started_us=1, finished_us=2, result=value()))
    assert (d.states("f"), d.run_state) == ("succeeded", "cancelled")


# -- nesting


def test_a_flow_may_be_a_step_of_a_flow() -> None:
    d = flow()
    ask(d, node=step("f/g", kind="flow"))
    d.dispatch("f/g", 0)
    ask(d, node=step("f/g/s"), body="f/g", body_index=(0,), occurrence=1)
    decision = d.succeed("f/g/s", 0, 1)
    assert answers(decision)[0].body == TaskKey("f/g", (0,))
    result = d.about(i.AttemptSucceeded, "f/g", 0, started_us=1, finished_us=2, result=value(3))
    assert answers(d.feed(result))[0].result == value(3)


def test_each_index_of_a_mapped_flow_has_steps_of_its_own() -> None:
    d = Driver(pipeline(mapped("f", Const(value=[1, 2]), kind="flow")))
    d.dispatch("f", 0)
    d.dispatch("f", 1)
    for at in (0, 1):
        ask(d, body_index=(at,))
    decision = d.succeed("f/s", 1, 0)
    assert answers(decision)[0].body == TaskKey("f", (1,))
    assert d.state("f/s", 0, 0) in ("ready", "dispatched")


def test_a_step_has_the_options_of_its_node() -> None:
    d = flow()
    ask(d, node=step(policy=TaskPolicy(deadline_s=5)))
    assert fx.SetTimer(kind="deadline", due_us=d.now + 5 * SECOND, task="f/s", map_index=(0,)) in d.effects
