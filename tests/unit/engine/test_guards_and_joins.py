"""Branches: guards skip what is not taken, joins pick up what was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.driving import Driver, join, mapped, pipeline, task, value
from toque.engine.sourcing import attempt_inputs
from toque.engine.values import TaskKey, Value, Values
from toque.graph.expr import Const, Gather, Ref
from toque.graph.ir import Edge, Guard, JoinNode

WHEN = Guard(node="if", export=0, test="equals", values=(True,))
OTHERWISE = Guard(node="if", export=0, test="differs", values=(True,))


def branched(**fields: Any) -> Driver:
    return Driver(
        pipeline(
            task("if", exports=((),)),
            task("yes", Edge(source="if", kind="order"), guards=(WHEN,), **fields),
            task("no", Edge(source="if", kind="order"), guards=(OTHERWISE,)),
            join("either", "yes", "no"),
            task("after", "either", args=(Ref(node="either"),)),
        )
    )


@pytest.mark.parametrize(("answer", "states"), [(True, "ready skipped"), (False, "skipped ready")])
def test_only_the_taken_side_runs(answer: bool, states: str) -> None:
    d = branched()
    d.succeed("if", exports=(answer,))
    assert d.states("yes", "no") == states


def test_the_side_that_is_not_taken_says_so() -> None:
    d = branched()
    d.succeed("if", exports=(True,))
    assert d.row("no").reason == "branch"


def test_a_guard_that_says_no_skips_at_once_whatever_else_is_waited_for() -> None:
    d = Driver(pipeline(task("if", exports=((),)), task("slow"), task("yes", "if", "slow", guards=(WHEN,))))
    d.succeed("if", exports=(False,))
    assert d.states("slow", "yes") == "ready skipped"


@pytest.mark.parametrize("rule", ["always", "one_success", "one_done"])
def test_no_rule_starts_a_task_before_its_guard_is_known(rule: Any) -> None:
    d = Driver(pipeline(task("if", exports=((),)), task("a"), task("yes", "if", "a", guards=(WHEN,), rule=rule)))
    d.succeed("a")
    assert d.state("yes") == "waiting"
    d.succeed("if", exports=(True,))
    assert d.state("yes") == "ready"


@pytest.mark.parametrize(("how", "state"), [("fail", "upstream_failed"), ("skip", "skipped")])
def test_without_a_condition_the_trigger_rule_decides(how: str, state: str) -> None:
    d = branched()
    getattr(d, how)("if")
    assert d.states("yes", "no") == f"{state} {state}"


def test_no_rule_starts_a_task_whose_condition_is_not_known() -> None:
    d = branched(rule="all_done")
    d.fail("if")
    assert d.state("yes") == "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "how", "state"),
    [
        ("one_success", "fail", "upstream_failed"),
        ("one_success", "succeed", "ready"),
        ("all_failed", "fail", "ready"),
        ("all_failed", "succeed", "skipped"),
        ("all_skipped", "skip", "ready"),
    ],
)
def test_the_rule_counts_what_is_waited_for_and_not_the_guard(rule: Any, how: str, state: str) -> None:
    order = Edge(source="if", kind="order")
    d = Driver(pipeline(task("if", exports=((),)), task("a"), task("yes", order, "a", guards=(WHEN,), rule=rule)))
    d.succeed("if", exports=(True,))
    assert d.state("yes") == "waiting"
    getattr(d, how)("a")
    assert d.state("yes") == state


@pytest.mark.parametrize(("how", "state"), [("succeed", "ready"), ("fail", "upstream_failed"), ("skip", "skipped")])
def test_a_gate_must_have_succeeded_whatever_the_rule(how: str, state: str) -> None:
    gated = task("use", Edge(source="setup", kind="gate"), "a", rule="all_done")
    d = Driver(pipeline(task("setup"), task("a"), gated))
    d.fail("a")
    assert d.state("use") == "waiting"
    getattr(d, how)("setup")
    assert d.state("use") == state


def test_a_number_is_no_truth_value() -> None:
    d = branched()
    d.succeed("if", exports=(1,))
    assert d.states("yes", "no") == "skipped ready"


def test_a_case_may_have_several_values() -> None:
    small = Guard(node="kind", export=0, test="equals", values=("s", "xs"))
    d = Driver(pipeline(task("kind", exports=((),)), task("small", "kind", guards=(small,))))
    d.succeed("kind", exports=("xs",))
    assert d.state("small") == "ready"


def test_all_guards_must_agree() -> None:
    other = Guard(node="b", export=0, test="equals", values=(True,))
    d = Driver(
        pipeline(task("if", exports=((),)), task("b", exports=((),)), task("x", "if", "b", guards=(WHEN, other)))
    )
    d.succeed("if", exports=(True,))
    assert d.state("x") == "waiting"
    d.succeed("b", exports=(False,))
    assert d.state("x") == "skipped"


def test_a_condition_outside_of_a_scope_guards_its_members() -> None:
    inner = mapped("m", Const(value=[1, 2]), after=("if",), guards=(WHEN,))
    d = Driver(pipeline(task("if", exports=((),)), inner))
    d.succeed("if", exports=(False,))
    assert [d.state("m", 0), d.state("m", 1), d.state("m[]")] == ["skipped", "skipped", "skipped"]
    d = Driver(pipeline(task("if", exports=((),)), inner))
    d.succeed("if", exports=(True,))
    assert [d.state("m", 0), d.state("m", 1)] == ["ready", "ready"]


def test_a_join_goes_on_with_the_side_that_was_taken() -> None:
    d = branched()
    d.succeed("if", exports=(False,))
    assert d.state("either") == "waiting"
    d.succeed("no", number=7)
    assert d.state("either") == "succeeded"
    d.dispatch("after")
    assert attempt_inputs(d.run, TaskKey("after")).sources == {"either": Value(ref=value(7))}


def test_a_join_takes_the_first_in_its_own_order() -> None:
    d = Driver(pipeline(task("a"), task("b"), join("j", "b", "a"), task("x", "j", args=(Ref(node="j"),))))
    d.succeed("a", number=1)
    d.succeed("b", number=2)
    d.dispatch("x")
    assert attempt_inputs(d.run, TaskKey("x")).sources == {"j": Value(ref=value(2))}


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [("fail", "skip", "upstream_failed"), ("skip", "skip", "skipped"), ("fail", "succeed", "upstream_failed")],
)
def test_a_join_fails_with_its_sources(first: str, second: str, state: str) -> None:
    d = Driver(pipeline(task("a"), task("b"), join("j", "a", "b")))
    getattr(d, first)("a")
    getattr(d, second)("b")
    assert d.state("j") == state


def test_a_join_of_a_mapped_task_stands_for_all_its_results() -> None:
    node = JoinNode(
        id="j",
        sources=(Gather(map="m[]"), Ref(node="a")),
        upstream=(Edge(source="m[]"), Edge(source="a")),
        rule="none_failed_min_one_success",
    )
    d = Driver(pipeline(mapped("m", Const(value=[1, 2])), task("a"), node, task("x", "j", args=(Ref(node="j"),))))
    d.skip("a")
    d.succeed("m", 0, number=1)
    d.succeed("m", 1, number=2)
    d.dispatch("x")
    assert attempt_inputs(d.run, TaskKey("x")).sources == {
        "j": Values(items=[Value(ref=value(1)), Value(ref=value(2))])
    }


def test_a_branch_may_be_taken_on_a_joined_value() -> None:
    guard = Guard(node="j", export=0, test="equals", values=(True,))
    d = Driver(pipeline(task("a", exports=((),)), join("j", "a", rule="none_failed"), task("x", "j", guards=(guard,))))
    d.succeed("a", exports=(True,))
    assert d.state("x") == "ready"
