"""Each invariant of the IR, broken once."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from tests.unit.graph.pipelines import CODE, graph, guarded, join, mapped, reading, task
from toque.graph.expr import Gather, Item, Ref
from toque.graph.ir import Axis, Edge, Guard, MapNode, Origin, Pipeline, TaskNode
from toque.graph.validate import validate


def messages(pipeline: Pipeline) -> list[str]:
    return [f"{fault.node}: {fault.message}" for fault in validate(pipeline)]


def test_a_sound_graph_has_no_faults() -> None:
    decider = task("decide", exports=((),))
    pipeline = graph(
        task("a"),
        task("b", "a", kwargs={"x": Ref("a")}),
        decider,
        guarded("c", "decide"),
        guarded("d", "decide"),
        join("c", "d"),
        mapped("m", Ref("a"), "a"),
        mapped("n", Ref("m"), chained=True, member_after=("m",)),
        task("all", "n[]", kwargs={"parts": Gather("n[]")}),
        result=Ref("all"),
    )
    assert messages(pipeline) == []


CASES = {
    "an id twice": (graph(task("a"), task("a")), ["a: another node has the same id"]),
    "a cycle": (graph(task("a", "c"), task("b", "a"), task("c", "b")), [": a cycle"]),
    "a node that waits for itself": (graph(task("a", "a")), ["a: a cycle: a → a"]),
    "an unknown source": (graph(task("a", "b")), ["a: it waits for 'b', which does not exist"]),
    "a wrong order": (graph(task("b", "a"), task("a")), ["b: it stands before 'a', which it waits for"]),
    "a source in a scope": (
        graph(mapped("m"), task("a", "m")),
        [
            "a: it waits for 'm' of another depth ('m[]', not 'the pipeline'): what members of a scope need, the map "
            "node waits for"
        ],
    ),
    "a member that waits for the outside": (
        graph(task("a"), mapped("m", member_after=("a",))),
        [
            "m: it waits for 'a' of another depth ('the pipeline', not 'm[]'): what members of a scope need, the map "
            "node waits for"
        ],
    ),
    "no map node": (graph(task("a", scope="m[]")), ["a: its scope 'm[]' is not a map node"]),
    "a member before its map node": (
        graph(*reversed(mapped("m"))),
        ["m: it stands before the map node of its scope, 'm[]'"],
    ),
    "a value nobody waits for": (
        graph(task("a"), reading("b", x=Ref("a"))),
        ["b: it reads 'a' without waiting for it"],
    ),
    "an unknown value": (graph(reading("b", x=Ref("a"))), ["b: it reads 'a', which does not exist"]),
    "a gathered task": (
        graph(task("a"), task("b", "a", kwargs={"x": Gather("a")})),
        ["b: it gathers 'a', which is not a map node"],
    ),
    "an item of another map": (
        graph(mapped("m"), reading("b", x=Item("m[]", 0))),
        ["b: it reads an item of 'm[]', and is not in its scope"],
    ),
    "an axis too many": (
        graph(mapped("m")[0], TaskNode(id="m", scope="m[]", code=CODE, kwargs={"x": Item("m[]", 1)})),
        ["m: it reads axis 1 of 'm[]', which has fewer"],
    ),
    "no condition": (
        graph(task("a", guards=(Guard(node="x", export=0, test="equals", values=(True,)),))),
        ["a: its condition 'x' is not a task"],
    ),
    "no export": (graph(task("x"), guarded("a", "x")), ["a: its condition reads export 0 of 'x', which has fewer"]),
    "a condition nobody waits for": (
        graph(
            task("x", exports=((),)),
            task("a", guards=(Guard(node="x", export=0, test="equals", values=(True,)),)),
        ),
        ["a: it does not wait for its condition 'x'"],
    ),
    "a map without an axis": (graph(MapNode(id="m[]", axes=())), ["m[]: a map without an axis"]),
    "a chain to no member": (
        graph(task("a"), MapNode(id="m[]", axes=(Axis(source=Ref("a"), chained=True),))),
        ["m[]: a chained axis that does not name a member of a map"],
    ),
    "a join of one": (
        graph(task("a"), join("a")),
        ["a: another node has the same id", "a: a cycle: a → a", "a: a join"],
    ),
    "a teardown of nothing": (graph(task("a", rule="teardown")), ["a: a teardown of no setup"]),
    "a hook that waits": (
        graph(task("a"), task("h", "a", hook="on_failure")),
        ["h: a hook waits for nothing: it runs at the end"],
    ),
    "an unknown result": (graph(result=Ref("a")), [": the result names 'a', which does not exist"]),
    "a result inside a map": (graph(mapped("m"), result=Ref("m")), [": the result names 'm', which is inside a map"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_invariant_is_named(case: str) -> None:
    pipeline, expected = CASES[case]
    found = messages(pipeline)
    for message in expected:
        assert any(message in line for line in found), found


def test_a_cycle_is_shown_in_the_order_of_its_edges() -> None:
    (cycle,) = [
        fault for fault in validate(graph(task("a", "c"), task("b", "a"), task("c", "b"))) if "cycle" in str(fault)
    ]
    way = cycle.message.removeprefix("a cycle: ").split(" → ")
    assert sorted(way[:-1]) == ["a", "b", "c"]
    follows = {"a": "b", "b": "c", "c": "a"}
    assert all(follows[one] == other for one, other in itertools.pairwise(way))


def test_a_fault_says_where_the_node_was_written() -> None:
    node = msgspec.structs.replace(task("a"), origin=Origin(file="flows.py", line=3), upstream=(Edge(source="b"),))
    (fault,) = validate(graph(node))
    assert str(fault) == "flows.py:3  a: it waits for 'b', which does not exist"


def test_members_of_inner_maps_may_read_what_an_outer_map_node_waits_for() -> None:
    inner = MapNode(id="g.m[]", scope="g[]", axes=(Axis(source=Ref("g.list")),), upstream=(Edge(source="g.list"),))
    member = TaskNode(id="g.m", scope="g.m[]", code=CODE, kwargs={"x": Ref("a"), "y": Item("g[]", 0)})
    pipeline = graph(task("a"), mapped("g", Ref("a"), "a")[0], task("g.list", scope="g[]"), inner, member)
    assert messages(pipeline) == []
