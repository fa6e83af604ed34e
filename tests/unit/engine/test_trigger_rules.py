"""Trigger rules: when a task run starts, and what it becomes when it can't."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.driving import Driver, edges, pipeline, task
from toque.engine.transitions import RULES
from toque.graph.ir import Edge

ENDS = ("succeeded", "failed", "skipped")

# rule: state by the ends of two upstreams, in any order
TABLE: dict[str, dict[str, str]] = {
    "all_success": {"ss": "ready", "sf": "upstream_failed", "sk": "skipped", "fk": "upstream_failed", "kk": "skipped"},
    "all_done": {"ss": "ready", "sf": "ready", "sk": "ready", "fk": "ready", "kk": "ready"},
    "all_failed": {"ss": "skipped", "sf": "skipped", "ff": "ready", "fk": "skipped", "kk": "skipped"},
    "one_success": {"ss": "ready", "sf": "ready", "ff": "upstream_failed", "fk": "upstream_failed", "kk": "skipped"},
    "one_failed": {"ss": "skipped", "sf": "ready", "ff": "ready", "fk": "ready", "kk": "skipped"},
    "one_done": {"ss": "ready", "sf": "ready", "ff": "ready", "fk": "ready", "kk": "ready"},
    "none_failed": {"ss": "ready", "sf": "upstream_failed", "sk": "ready", "fk": "upstream_failed", "kk": "ready"},
    "none_failed_min_one_success": {
        "ss": "ready",
        "sf": "upstream_failed",
        "sk": "ready",
        "fk": "upstream_failed",
        "kk": "skipped",
    },
    "none_skipped": {"ss": "ready", "sf": "ready", "ff": "ready", "sk": "skipped", "kk": "skipped"},
    "all_skipped": {"ss": "skipped", "sf": "skipped", "sk": "skipped", "kk": "ready"},
}
CASES = [
    (rule, ends, wanted)
    for rule, row in TABLE.items()
    for pair, wanted in row.items()
    for ends in sorted({pair, pair[::-1]})
]


def end(driver: Driver, name: str, how: str) -> None:
    {"s": driver.succeed, "f": driver.fail, "k": driver.skip}[how[0] if how != "skipped" else "k"](name)


@pytest.mark.parametrize(("rule", "ends", "wanted"), CASES)
def test_what_two_ended_upstreams_lead_to(rule: Any, ends: str, wanted: str) -> None:
    d = Driver(pipeline(task("a"), task("b"), task("x", "a", "b", rule=rule)))
    end(d, "a", ends[0])
    end(d, "b", ends[1])
    assert d.state("x") == wanted


@pytest.mark.parametrize(
    ("rule", "first"),
    [("one_success", "s"), ("one_failed", "f"), ("one_done", "s"), ("one_done", "f"), ("one_done", "k")],
)
def test_a_rule_about_one_upstream_fires_at_the_first(rule: Any, first: str) -> None:
    d = Driver(pipeline(task("a"), task("b"), task("x", "a", "b", rule=rule)))
    end(d, "b", first)
    assert d.states("a", "x") == "ready ready"


def test_always_fires_at_once() -> None:
    d = Driver(pipeline(task("a"), task("x", "a", rule="always")))
    assert d.state("x") == "ready"


@pytest.mark.parametrize("rule", [rule for rule in TABLE if rule not in ("one_failed", "one_done")])
def test_no_negative_outcome_is_decided_before_all_upstreams_have_ended(rule: Any) -> None:
    d = Driver(pipeline(task("a"), task("b"), task("x", "a", "b", rule=rule)))
    d.fail("a")
    assert d.state("x") == "waiting"


def test_a_node_without_upstream_starts_whatever_its_rule_says() -> None:
    for rule in TABLE:
        assert Driver(pipeline(task("x", rule=rule))).state("x") == "ready"


def test_an_outcome_edge_counts_as_success_however_it_ended() -> None:
    for how in "sfk":
        d = Driver(pipeline(task("a"), task("x", Edge(source="a", kind="outcome"))))
        end(d, "a", how)
        assert d.state("x") == "ready"


def test_a_cancelled_upstream_counts_as_failed() -> None:
    d = Driver(pipeline(task("a"), task("x", "a"), task("y", "a", rule="one_failed")))
    d.cancel("a")
    assert d.states("a", "x", "y") == "cancelled upstream_failed ready"


def test_upstream_failed_names_the_first_culprit_in_edge_order() -> None:
    d = Driver(pipeline(task("a"), task("b"), task("x", "a", "b")))
    d.fail("b")
    d.fail("a")
    assert d.row("x").reason == "a"


def test_upstream_failed_is_passed_on_with_its_own_culprit() -> None:
    d = Driver(pipeline(task("a"), task("b", "a"), task("c", "b")))
    d.fail("a")
    assert (d.row("b").reason, d.row("c").reason) == ("a", "b")
    assert d.state("c") == "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "reason"), [("all_success", "upstream"), ("all_failed", "rule"), ("none_skipped", "rule")]
)
def test_a_skip_says_whether_its_upstreams_or_its_rule_are_why(rule: Any, reason: str) -> None:
    d = Driver(pipeline(task("a"), task("x", "a", rule=rule)))
    d.skip("a")
    assert d.row("x").reason == reason


@given(
    rule=st.sampled_from([rule for rule in RULES if rule != "teardown"]),
    ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_no_outcome_depends_on_the_order_in_which_upstreams_end(rule: Any, ends: list[str], order: Any) -> None:
    names = [f"a{number}" for number in range(len(ends))]
    graph = pipeline(*(task(name) for name in names), task("x", *edges(names), rule=rule))
    states = []
    for _ in range(2):
        d = Driver(graph)
        shuffled = list(zip(names, ends, strict=True))
        order.shuffle(shuffled)
        for name, how in shuffled:
            end(d, name, how)
        states.append(d.state("x"))
    assert states[0] == states[1]
