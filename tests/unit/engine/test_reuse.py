"""Reruns: what is taken over from the origin, and what runs anew."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.engine.driving import Driver, join, mapped, pipeline, task, value
from toque.engine import facts as f
from toque.engine.sourcing import attempt_inputs
from toque.engine.values import TaskKey, Value, Values
from toque.graph.expr import Const, Gather, Item, Ref
from toque.graph.ir import Axis, Edge, Guard, Pipeline


def origin(graph: Pipeline, cook: Callable[[Driver], None]) -> Driver:
    d = Driver(graph, run_id="origin")
    cook(d)
    assert d.run.row.state.is_terminal
    return d


def again(before: Driver, *anew: str) -> Driver:
    """A rerun from these nodes; from what failed, if none is named."""
    rows = list(before.rows.values())
    return Driver(before.pipeline, reuse=rows, run_id="again", row={"origin_run": "origin", "reuse": anew})


def ran(d: Driver) -> set[str]:
    return {str(fact.key) for fact in d.said(f.Reused)}


CHAIN = pipeline(task("a"), task("b", "a", args=(Ref(node="a"),)), task("c", "b"), task("x"))


def all_good(*names: str) -> Callable[[Driver], None]:
    def cook(d: Driver) -> None:
        for number, name in enumerate(names):
            d.succeed(name, number=number)

    return cook


def test_what_comes_before_is_taken_over_and_what_comes_after_runs_anew() -> None:
    d = again(origin(CHAIN, all_good("a", "b", "c", "x")), "b")
    assert d.states("a", "b", "c", "x") == "succeeded ready waiting succeeded"
    assert ran(d) == {"a", "x"}
    assert d.row("a").reused_from == "origin"
    d.dispatch("b")
    assert attempt_inputs(d.run, TaskKey("b")).sources == {"a": Value(ref=value(0))}
    d.succeed("b")
    d.succeed("c")
    assert d.run_state == "succeeded"


def test_nothing_new_is_over_at_once() -> None:
    d = again(origin(CHAIN, all_good("a", "b", "c", "x")))
    assert (d.run_state, ran(d)) == ("succeeded", {"a", "b", "c", "x"})


def test_a_retry_from_failure_runs_what_failed_and_what_it_held_up() -> None:
    def cook(d: Driver) -> None:
        d.succeed("a")
        d.fail("b")
        d.succeed("x")

    d = again(origin(CHAIN, cook))
    assert d.states("a", "b", "c", "x") == "succeeded ready waiting succeeded"


def test_a_skip_of_the_body_is_taken_over_and_one_by_rule_is_decided_again() -> None:
    graph = pipeline(task("a"), task("b", "a"), task("x"))

    def cook(d: Driver) -> None:
        d.skip("a")
        d.fail("x")

    d = again(origin(graph, cook))
    assert d.states("a", "b", "x") == "skipped skipped ready"
    assert (d.row("a").reason, ran(d)) == ("nothing new", {"a"})


def test_a_branch_is_taken_again_as_it_was() -> None:
    guard = Guard(node="if", export=0, test="equals", values=(True,))
    graph = pipeline(
        task("if", exports=((),)),
        task("yes", Edge(source="if", kind="order"), guards=(guard,)),
        task("no", Edge(source="if", kind="order")),
        join("j", "yes", "no"),
        task("end", "j", args=(Ref(node="j"),)),
    )

    def cook(d: Driver) -> None:
        d.succeed("if", exports=(False,))
        d.succeed("no", number=4)
        d.succeed("end")

    d = again(origin(graph, cook), "end")
    assert d.states("if", "yes", "no", "j", "end") == "succeeded skipped succeeded succeeded ready"
    d.dispatch("end")
    assert attempt_inputs(d.run, TaskKey("end")).sources == {"j": Value(ref=value(4))}


MAP = pipeline(
    task("a", lengths=((),)),
    mapped("m", Ref(node="a"), after=("a",), args=(Item(map="m[]", axis=0),)),
    mapped("n", Axis(source=Ref(node="m"), chained=True), member_after=("m",)),
    task("sum", "m[]", args=(Gather(map="m[]"),)),
)


def cook_map(d: Driver) -> None:
    d.succeed("a", lengths=(2,))
    for name in ("m", "n"):
        for at in (0, 1):
            d.succeed(name, at, number=at)
    d.succeed("sum")


def test_maps_are_taken_over_with_their_sizes_and_members() -> None:
    d = again(origin(MAP, cook_map), "sum")
    assert [d.states("m[]", "n[]", "sum"), d.state("m", 0), d.state("n", 1)] == [
        "succeeded succeeded ready",
        "succeeded",
        "succeeded",
    ]
    d.dispatch("sum")
    assert attempt_inputs(d.run, TaskKey("sum")).sources == {
        "m[]": Values(items=[Value(ref=value(0)), Value(ref=value(1))])
    }
    assert d.wanted.get("m", 0) == 0


def test_only_the_failed_indexes_of_a_map_run_again() -> None:
    def cook(d: Driver) -> None:
        d.succeed("a", lengths=(2,))
        d.succeed("m", 0)
        d.fail("m", 1)
        d.succeed("n", 0)

    d = again(origin(MAP, cook))
    assert [d.state("m", 0), d.state("m", 1), d.state("n", 0), d.state("n", 1)] == [
        "succeeded",
        "ready",
        "succeeded",
        "waiting",
    ]
    assert d.wanted["m"] == 1
    d.succeed("m", 1)
    d.succeed("n", 1)
    d.succeed("sum")
    assert d.run_state == "succeeded"


def test_a_map_that_runs_anew_takes_over_none_of_its_members() -> None:
    for anew in ("m[]", "m"):
        d = again(origin(MAP, cook_map), anew)
        assert [d.state("m", 0), d.state("n", 0), d.state("sum")] == ["ready", "waiting", "waiting"]


CLUSTER = pipeline(
    task("before"),
    task("up", "before"),
    task("use", "up"),
    task("use2", "use"),
    task("down", "up", "use", "use2", rule="teardown", teardown_of="up"),
    task("after", "use2"),
)


def test_a_rerun_between_setup_and_teardown_sets_up_and_tears_down_anew() -> None:
    d = again(origin(CLUSTER, all_good("before", "up", "use", "use2", "after", "down")), "use2")
    assert d.states("before", "up", "use", "down") == "succeeded ready waiting waiting"
    assert ran(d) == {"before"}


def test_a_rerun_after_the_teardown_leaves_the_setup_alone() -> None:
    d = again(origin(CLUSTER, all_good("before", "up", "use", "use2", "after", "down")), "after")
    assert d.states("up", "use", "use2", "down", "after") == "succeeded succeeded succeeded succeeded ready"


def test_a_failure_between_setup_and_teardown_needs_both_again() -> None:
    def cook(d: Driver) -> None:
        d.succeed("before")
        d.succeed("up")
        d.succeed("use")
        d.fail("use2")
        d.succeed("down")

    d = again(origin(CLUSTER, cook))
    assert d.states("before", "up", "use") == "succeeded ready waiting"


def test_hooks_are_never_taken_over() -> None:
    graph = pipeline(task("a"), task("cheer", hook="on_success"))
    d = again(origin(graph, all_good("a", "cheer")))
    assert d.states("a", "cheer") == "succeeded ready"


def test_a_rerun_of_a_rerun_names_the_run_that_did_the_work() -> None:
    first = again(origin(CHAIN, all_good("a", "b", "c", "x")), "x")
    first.succeed("x")
    second = Driver(CHAIN, reuse=list(first.rows.values()), run_id="third", row={"origin_run": "again"})
    assert (second.row("a").reused_from, second.row("x").reused_from) == ("origin", "again")


def test_results_of_a_constant_map_are_found_again() -> None:
    graph = pipeline(mapped("m", Const(value=[1, 2])), task("end", "m[]"))

    def cook(d: Driver) -> None:
        for at in (0, 1):
            d.succeed("m", at)
        d.fail("end")

    d = again(origin(graph, cook))
    assert (d.states("m[]", "end"), len(ran(d))) == ("succeeded ready", 2)
