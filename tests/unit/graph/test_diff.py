"""Differences between two versions."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.unit.graph.pipelines import CODE, graph, mapped, task
from toque.graph.diff import NodeChange, diff, lines, show
from toque.graph.expr import Const, DictOf, Gather, Item, ListOf, OutcomeOf, Param, Ref, RunReportOf, TupleOf
from toque.graph.ir import Concurrency, Edge, Origin, RetryPolicy, TaskPolicy


def test_a_version_does_not_differ_from_itself() -> None:
    pipeline = graph(task("a"), mapped("m", Ref("a"), "a"))
    assert not diff(pipeline, pipeline)
    assert lines(diff(pipeline, pipeline)) == []


def test_where_it_was_written_plays_no_part() -> None:
    moved = msgspec.structs.replace(task("a"), origin=Origin(file="x.py", line=9))
    assert not diff(graph(task("a")), graph(moved))


def test_nodes_that_come_and_go() -> None:
    changes = diff(graph(task("a"), task("b", "a")), graph(task("a"), task("c", "a")))
    assert changes.nodes == (
        NodeChange(id="b", kind="removed"),
        NodeChange(id="c", kind="added", edges_added=("a",)),
    )
    assert lines(changes) == ["- b", "+ c  (after a)"]


def test_other_code_is_told_apart_from_another_function() -> None:
    edited = msgspec.structs.replace(CODE, source_hash="1" * 16)
    other = msgspec.structs.replace(edited, qualname="other")
    assert lines(diff(graph(task("a")), graph(task("a", code=edited)))) == ["~ a", "    code changed"]
    assert lines(diff(graph(task("a")), graph(task("a", code=other)))) == [
        "~ a",
        "    code.function: flows.work → flows.other",
    ]


def test_policies_are_compared_field_by_field() -> None:
    old = task("a", policy=TaskPolicy(timeout_s=60.0, retry=RetryPolicy(times=3)))
    new = task("a", policy=TaskPolicy(timeout_s=90.0, retry=RetryPolicy(times=5, jitter=True), priority=2))
    assert lines(diff(graph(old), graph(new))) == [
        "~ a",
        "    policy.retry.times: 3 → 5",
        "    policy.retry.jitter: nothing → True",
        "    policy.timeout_s: 60.0 → 90.0",
        "    policy.priority: nothing → 2",
    ]


def test_a_policy_that_goes_is_one_change() -> None:
    old = task("a", policy=TaskPolicy(retry=RetryPolicy(times=3, delay_s=60.0)))
    assert lines(diff(graph(old), graph(task("a")))) == [
        "~ a",
        "    policy.retry: times=3, delay_s=60.0, backoff=1.0 → nothing",
    ]


def test_arguments_are_shown_as_they_are_written() -> None:
    old = task("a", kwargs={"x": Const(1), "y": Ref("b")})
    new = task("a", kwargs={"x": Param("year"), "y": Ref("b")})
    assert lines(diff(graph(task("b"), old), graph(task("b"), new))) == ["~ a", "    kwargs.x: 1 → year"]


def test_edges_are_told_by_their_kind() -> None:
    old = graph(task("a"), task("b"), task("c", "a"))
    waits = msgspec.structs.replace(task("c"), upstream=(Edge(source="b", kind="order"),))
    new = graph(task("a"), task("b"), waits)
    assert lines(diff(old, new)) == ["~ c", "    + after b (order)", "    - after a"]


def test_options_and_parameters_of_the_pipeline() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}
    other: dict[str, Any] = {"type": "object", "properties": {"year": {"type": "integer", "default": 2013}}}
    old = graph(parameters=schema, deadline_s=60.0)
    new = graph(parameters=other, concurrency=Concurrency(max_active_runs=1))
    changes = diff(old, new)
    assert lines(changes) == [
        "~ concurrency.max_active_runs: nothing → 1",
        "~ deadline_s: 60.0 → nothing",
        "~ parameter year.required: True → nothing",
        "~ parameter year.default: nothing → 2013",
    ]


def test_every_expression_has_a_written_form() -> None:
    shown = {
        show(Const({"$": "range", "v": [1, 13, 1]})): "range(1, 13, 1)",
        show(Const({"$": "date", "v": "2026-01-01"})): "date('2026-01-01')",
        show(Ref("a", (("attr", "x"), ("item", "k"), ("item", 0)))): "a.x['k'][0]",
        show(Item("m[]", 0)): "each m[]",
        show(Item("m[]", 1)): "each m[] axis 1",
        show(Gather("m[]")): "all m[]",
        show(Gather("m[]", "ok")): "ok(m[])",
        show(OutcomeOf("a")): "outcome(a)",
        show(ListOf((Const(1), Ref("a")))): "[1, a]",
        show(TupleOf((Const(1),))): "(1)",
        show(DictOf((("k", Param("p")),))): "{'k': p}",
        show(RunReportOf()): "the run's report",
    }
    assert all(found == wanted for found, wanted in shown.items()), shown
