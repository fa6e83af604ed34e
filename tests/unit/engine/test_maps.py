"""Maps: sizes, indexes, chains, products, nested scopes, tolerated failures."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from tests.unit.engine.driving import Driver, join, mapped, pipeline, task, value
from toque.engine import inputs as i
from toque.engine.facts import ScopeOpened
from toque.engine.sourcing import ItemInput, attempt_inputs
from toque.engine.values import Hole, TaskKey, Value, Values
from toque.graph.expr import AnyExpr, Const, Gather, Item, ListOf, Param, Ref
from toque.graph.ir import Axis, Edge, MapNode


def chain(name: str, source: str, **fields: Any) -> list[Any]:
    """`name.map(each(source.map(…)))`."""
    axis = Axis(source=Ref(node=source), chained=True)
    return mapped(name, axis, member_after=(source,), args=(Item(map=f"{name}[]", axis=0),), **fields)


def sizes(driver: Driver) -> list[int]:
    return [fact.size for fact in driver.said(ScopeOpened)]


# -- how many indexes


@pytest.mark.parametrize(
    ("source", "size"),
    [
        (Const(value=[1, 2, 3]), 3),
        (Const(value=[]), 0),
        (Const(value={"$": "tuple", "v": [1, 2]}), 2),
        (Const(value={"$": "range", "v": [1, 13, 1]}), 12),
        (Const(value={"a": 1, "b": 2}), 2),
        (Param(name="tables"), 2),
        (Param(name="config", path=(("attr", "regions"),)), 3),
        (ListOf(items=(Const(value=1), Const(value=2))), 2),
    ],
)
def test_the_size_is_known_without_reading_a_value(source: AnyExpr, size: int) -> None:
    parameters = {
        "tables": ["x", "y"],
        "config": {"$": "model", "c": "m:Config", "v": {"regions": ["eu", "us", "asia"]}},
    }
    d = Driver(pipeline(mapped("m", source)), parameters=parameters)
    assert sizes(d) == [size]


def test_the_size_of_a_result_is_the_length_that_its_worker_counted() -> None:
    paths = ((), (("attr", "rows"),))
    source = Ref(node="a", path=(("attr", "rows"),))
    d = Driver(pipeline(task("a", lengths=paths), mapped("m", source, after=("a",))))
    d.succeed("a", lengths=(7, 2))
    assert sizes(d) == [2]


def test_no_items_succeed_with_nothing() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[])), task("r", "m[]", args=(Gather(map="m[]"),))))
    assert d.states("m[]", "r") == "succeeded ready"
    d.dispatch("r")
    assert attempt_inputs(d.run, TaskKey("r")).sources == {"m[]": Values(items=[])}


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (mapped("m", Const(value=7)), "not a list"),
        (mapped("m", Param(name="nope")), "no parameter 'nope'"),
        (mapped("m", Param(name="p", path=(("item", "k"),))), "has no ['k']"),
        (mapped("m", Item(map="m[]", axis=0)), "not a list whose length is known"),
    ],
)
def test_what_cannot_be_iterated_fails_the_map_with_a_reason(node: Any, says: str) -> None:
    d = Driver(pipeline(node), parameters={"p": {}})
    assert d.state("m[]") == "failed"
    error = d.row("m[]").error
    assert error is not None
    assert (error.kind, error.retryable) == ("code", False)
    assert says in error.message


def test_a_result_that_is_no_list_fails_the_map() -> None:
    d = Driver(pipeline(task("a", lengths=((),)), mapped("m", Ref(node="a"), after=("a",))))
    d.succeed("a", lengths=())
    assert d.state("m[]") == "failed"


def test_zipped_lists_of_different_lengths_fail_and_are_named() -> None:
    both = (Ref(node="a"), Const(value=[1, 2]))
    d = Driver(pipeline(task("a", lengths=((),)), mapped("m", *both, after=("a",))))
    d.succeed("a", lengths=(3,))
    assert d.row("m[]").error.message == (  # type: ignore[union-attr]
        "m is mapped over lists of different lengths: a has 3, a constant has 2"
    )


def test_a_product_crosses_its_axes_the_last_one_fastest() -> None:
    args = (Item(map="m[]", axis=0), Item(map="m[]", axis=1))
    d = Driver(pipeline(mapped("m", Const(value=["a", "b"]), Const(value=[1, 2, 3]), mode="product", args=args)))
    assert (d.row("m[]").size, d.row("m[]").shape) == (6, (2, 3))
    d.dispatch("m", 4)
    given = attempt_inputs(d.run, TaskKey("m", (4,))).items["m[]"]
    assert [item.source for item in given] == [Const(value="b"), Const(value=2)]


# -- the end of a map


def fill(d: Driver, ends: str, name: str = "m") -> None:
    for at, how in enumerate(ends):
        {"s": d.succeed, "f": d.fail, "k": d.skip}[how](name, at)


@pytest.mark.parametrize(
    ("tolerate", "ends", "state"),
    [
        (0, "sss", "succeeded"),
        (0, "ssf", "failed"),
        (0, "sks", "succeeded"),
        (0, "kkk", "skipped"),
        (1, "ssf", "succeeded"),
        (1, "sff", "failed"),
        (0.5, "sfsf", "succeeded"),
        (0.5, "sfff", "failed"),
        (2, "ff", "succeeded"),
    ],
)
def test_a_map_fails_when_more_indexes_fail_than_it_tolerates(tolerate: float, ends: str, state: str) -> None:
    d = Driver(pipeline(mapped("m", Const(value=list(ends)), tolerate=tolerate)))
    fill(d, ends)
    assert d.state("m[]") == state
    assert d.run_state == ("failed" if state == "failed" else "succeeded")


def test_the_error_of_a_map_names_its_first_failed_index_in_index_order() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3]))))
    for at in (2, 1, 0):
        (d.fail if at else d.succeed)("m", at)
    message = d.row("m[]").error.message  # type: ignore[union-attr]
    assert message == "2 of 3 indexes failed; the first is [1]: ValueError: no"


def test_other_indexes_go_on_when_one_fails() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1, 2]))))
    d.fail("m", 0)
    assert [d.state("m", 1), d.state("m[]")] == ["ready", "running"]


def test_holes_are_visible_to_a_reduce() -> None:
    reduce = task("r", "m[]", args=(Gather(map="m[]", holes="outcome"),))
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3]), tolerate=2), reduce))
    d.succeed("m", 0, number=5)
    d.fail("m", 1)
    d.skip("m", 2)
    d.dispatch("r")
    items = attempt_inputs(d.run, TaskKey("r")).sources["m[]"].items  # type: ignore[union-attr]
    assert items[0] == Value(ref=value(5))
    assert (items[1].state, items[1].error.message, items[1].index) == ("failed", "no", 1)
    assert items[2] == Hole(state="skipped", index=2)


@pytest.mark.parametrize(("holes", "size"), [("ok", 1), ("failures", 2), ("outcome", 4)])
def test_a_map_over_a_tolerated_map_has_as_many_indexes_as_are_left(holes: Any, size: int) -> None:
    again = mapped("n", Gather(map="m[]", holes=holes), after=("m[]",), args=(Item(map="n[]", axis=0),))
    d = Driver(pipeline(mapped("m", Const(value=[1, 2, 3, 4]), tolerate=4), again))
    for at, how in enumerate((d.skip, d.fail, d.succeed, d.fail)):
        how("m", at)
    assert d.row("n[]").size == size
    d.dispatch("n", size - 1)
    (item,) = attempt_inputs(d.run, TaskKey("n", (size - 1,))).items["n[]"]
    assert item.position == 0
    (entry,) = item.entry.items  # type: ignore[union-attr]
    assert entry == Value(ref=value()) if holes == "ok" else entry.index == 3


# -- items


def test_an_index_of_a_result_is_read_from_it_by_its_worker() -> None:
    source = Ref(node="a", path=(("attr", "rows"),))
    nodes = mapped("m", source, after=("a",), args=(Item(map="m[]", axis=0),))
    d = Driver(pipeline(task("a", lengths=((("attr", "rows"),),)), nodes))
    d.succeed("a", number=9, lengths=(2,))
    d.dispatch("m", 1)
    given = attempt_inputs(d.run, TaskKey("m", (1,)))
    assert given.items == {"m[]": (ItemInput(1, Value(ref=value(9)), source),)}


@pytest.mark.parametrize(
    ("data", "at", "element"),
    [
        ({"$": "range", "v": [10, 40, 10]}, 2, 30),
        ({"$": "tuple", "v": ["a", "b"]}, 1, "b"),
        ({"k": 1, "l": 2}, 1, "l"),
        ({"$": "dict", "v": [[1, "x"], [2, "y"]]}, 1, 2),
        ([[1], [2]], 0, [1]),
    ],
)
def test_an_index_of_a_constant_travels_by_itself(data: Any, at: int, element: Any) -> None:
    d = Driver(pipeline(mapped("m", Const(value=data), args=(Item(map="m[]", axis=0),))))
    d.dispatch("m", at)
    (item,) = attempt_inputs(d.run, TaskKey("m", (at,))).items["m[]"]
    assert (item.source, item.is_item) == (Const(value=element), True)


# -- chains


def test_a_chained_map_waits_for_no_whole() -> None:
    d = Driver(pipeline(mapped("a", Const(value=[1, 2])), chain("b", "a"), chain("c", "b")))
    assert d.states("a[]", "b[]", "c[]") == "running running running"
    d.succeed("a", 1)
    d.succeed("b", 1)
    assert [d.state("c", 1), d.state("b", 0), d.state("a", 0)] == ["ready", "waiting", "dispatched"]


def test_a_chained_item_is_the_result_at_the_same_index() -> None:
    d = Driver(pipeline(mapped("a", Const(value=[1, 2])), chain("b", "a")))
    d.succeed("a", 1, number=4)
    d.dispatch("b", 1)
    given = attempt_inputs(d.run, TaskKey("b", (1,)))
    assert given.sources == {"a": Value(ref=value(4))}
    assert given.items == {"b[]": (ItemInput(1, None, Ref(node="a"), is_item=True),)}


def test_a_chained_map_that_opens_late_catches_up() -> None:
    nodes = chain("b", "a", after=("slow",))
    d = Driver(pipeline(mapped("a", Const(value=[1, 2, 3]), tolerate=1), task("slow"), nodes))
    d.succeed("a", 0)
    d.fail("a", 1)
    assert d.state("b[]") == "waiting"
    d.succeed("slow")
    assert [d.state("b", at) for at in range(3)] == ["ready", "upstream_failed", "waiting"]
    d.succeed("a", 2)
    assert d.state("b", 2) == "ready"


def test_an_index_that_failed_before_is_blocked_in_the_chain_and_counts_there() -> None:
    d = Driver(pipeline(mapped("a", Const(value=[1, 2]), tolerate=1), chain("b", "a")))
    d.fail("a", 0)
    d.succeed("a", 1)
    d.succeed("b", 1)
    assert d.state("b", 0) == "upstream_failed"
    assert d.states("a[]", "b[]") == "succeeded failed"


def test_a_chained_map_tolerates_what_did_not_reach_it() -> None:
    d = Driver(pipeline(mapped("a", Const(value=[1, 2]), tolerate=1), chain("b", "a", tolerate=1)))
    d.fail("a", 0)
    d.succeed("a", 1)
    d.succeed("b", 1)
    assert (d.states("a[]", "b[]"), d.run_state) == ("succeeded succeeded", "succeeded")


@pytest.mark.parametrize(("how", "state"), [("fail", "upstream_failed"), ("skip", "skipped")])
def test_a_chain_whose_first_map_never_opened_ends_with_it(how: str, state: str) -> None:
    d = Driver(pipeline(task("x"), mapped("a", Const(value=[1]), after=("x",)), chain("b", "a")))
    getattr(d, how)("x")
    assert d.states("a[]", "b[]") == f"{state} {state}"


# -- scopes


def group(*members: Any, **fields: Any) -> list[Any]:
    """A group mapped over two items."""
    axes = (Axis(source=Const(value=[1, 2])),)
    return [MapNode(id="g[]", axes=axes, result=Ref(node="y"), **fields), *members]


def test_the_members_of_a_mapped_group_depend_on_each_other_index_by_index() -> None:
    d = Driver(pipeline(group(task("x", scope="g[]"), task("y", "x", scope="g[]"))))
    d.succeed("x", 1)
    assert [d.state("y", 0), d.state("y", 1)] == ["waiting", "ready"]


def test_an_index_of_a_group_fails_with_any_of_its_members() -> None:
    d = Driver(pipeline(group(task("x", scope="g[]"), task("y", scope="g[]"), tolerate=1)))
    d.fail("x", 0)
    d.succeed("x", 1)
    d.succeed("y", 0)
    d.succeed("y", 1)
    assert d.state("g[]") == "succeeded"
    assert list(d.run.nodes["g[]"].lanes[()].opened[0].usable_indexes()) == [1]


def test_a_handled_failure_inside_of_a_group_is_none() -> None:
    rescue = task("y", Edge(source="x", kind="outcome"), scope="g[]")
    d = Driver(pipeline(group(task("x", scope="g[]"), rescue)))
    for at in (0, 1):
        d.fail("x", at)
        d.succeed("y", at)
    assert (d.state("g[]"), d.run_state) == ("succeeded", "succeeded")


def test_an_index_without_its_result_is_a_hole_as_that_ended() -> None:
    reduce = task("r", "g[]", args=(Gather(map="g[]", holes="outcome"),))
    d = Driver(pipeline(group(task("x", scope="g[]"), task("y", "x", scope="g[]")), reduce))
    for at in (0, 1):
        d.succeed("x", at)
    d.skip("y", 0)
    d.succeed("y", 1, number=3)
    d.dispatch("r")
    assert attempt_inputs(d.run, TaskKey("r")).sources["g[]"] == Values(
        items=[Hole(state="skipped", index=0), Value(ref=value(3))]
    )


def nested() -> Driver:
    inner = [
        MapNode(
            id="m[]",
            scope="g[]",
            axes=(Axis(source=Ref(node="x")),),
            upstream=(Edge(source="x"),),
            result=Ref(node="m"),
        ),
        task("m", scope="m[]", args=(Item(map="m[]", axis=0), Item(map="g[]", axis=0))),
        task("y", "m[]", scope="g[]", args=(Gather(map="m[]"),)),
    ]
    outer = MapNode(id="g[]", axes=(Axis(source=Const(value=["p", "q"])),), result=Gather(map="m[]"))
    return Driver(
        pipeline(outer, task("x", scope="g[]", lengths=((),)), inner, task("r", "g[]", args=(Gather(map="g[]"),)))
    )


def test_a_map_in_a_map_has_a_size_of_its_own_at_each_index() -> None:
    d = nested()
    d.succeed("x", 0, lengths=(2,))
    d.succeed("x", 1, lengths=(0,))
    assert [d.row("m[]", at).size for at in (0, 1)] == [2, 0]
    assert [d.state("m", 0, 0), d.state("m", 0, 1), d.state("y", 1)] == ["ready", "ready", "ready"]


def test_an_inner_index_reads_its_item_and_that_of_the_outer_one() -> None:
    d = nested()
    d.succeed("x", 1, number=8, lengths=(3,))
    d.dispatch("m", 1, 2)
    given = attempt_inputs(d.run, TaskKey("m", (1, 2)))
    assert given.items["g[]"] == (ItemInput(1, None, Const(value="q"), is_item=True),)
    assert given.items["m[]"] == (ItemInput(2, Value(ref=value(8)), Ref(node="x")),)


def test_nested_results_are_gathered_as_lists_of_lists() -> None:
    d = nested()
    d.succeed("x", 0, lengths=(2,))
    d.succeed("x", 1, lengths=(0,))
    for at in (0, 1):
        d.succeed("m", 0, at, number=at)
    for at in (0, 1):
        d.succeed("y", at)
    d.dispatch("r")
    assert attempt_inputs(d.run, TaskKey("r")).sources["g[]"] == Values(
        items=[Values(items=[Value(ref=value(0)), Value(ref=value(1))]), Values(items=[])]
    )


def test_a_join_may_be_what_an_index_stands_for() -> None:
    members = [task("a", scope="g[]"), task("b", scope="g[]")]
    node = join("y", "a", "b")
    inside = type(node)(id="y", scope="g[]", sources=node.sources, upstream=node.upstream, rule=node.rule)
    d = Driver(pipeline(group(*members, inside), task("r", "g[]", args=(Gather(map="g[]"),))))
    for at in (0, 1):
        d.skip("a", at)
        d.succeed("b", at, number=at)
    d.dispatch("r")
    assert attempt_inputs(d.run, TaskKey("r")).sources["g[]"] == Values(
        items=[Value(ref=value(0)), Value(ref=value(1))]
    )


# -- size in memory


def test_ready_indexes_are_one_request_and_no_rows() -> None:
    d = Driver(pipeline(mapped("m", Const(value={"$": "range", "v": [0, 100_000, 1]}))))
    assert d.wanted == {"m": 100_000}
    assert set(d.rows) == {TaskKey("m[]")}
    assert not d.run.nodes["m"].lanes[()].live


def test_an_index_that_ended_costs_less_than_600_bytes() -> None:
    count = 5_000
    graph = pipeline(
        mapped("m", Const(value={"$": "range", "v": [0, count, 1]})), task("r", "m[]", args=(Gather(map="m[]"),))
    )
    tracemalloc.start()
    try:
        d = Driver(graph)
        before = tracemalloc.get_traced_memory()[0]
        for at in range(count):
            d.grant("m")
            digest = f"{at:032d}"
            result = i.ValueRef(codec="json", inline=str(at).encode(), size_bytes=5, digest=digest)
            d.feed(d.about(i.AttemptSucceeded, "m", at, started_us=1, finished_us=1, result=result))
            d.facts.clear()
            d.effects.clear()
            d.rows.clear()
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert d.state("m[]") == "succeeded"
    assert used / count < 600
