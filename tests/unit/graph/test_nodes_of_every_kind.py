"""Pictures, differences and faults of each kind of node, on graphs written by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.graph.pipelines import CODE, graph, guarded, join, mapped, task
from toque.graph.diff import diff, lines
from toque.graph.expr import Const, Gather, Item, ListOf, OutcomeOf, Param, Ref
from toque.graph.ir import Axis, Edge, Guard, Inject, MapNode, Meta, Pipeline, PoolClaim, TaskNode, TaskPolicy
from toque.graph.render import mermaid, tree
from toque.graph.validate import validate


def drawn(*nodes: Any) -> list[str]:
    """The lines of the tree below the name of the pipeline, without their branches."""
    return [line.lstrip("│├└─ ") for line in tree(graph(*nodes))[1:]]


def guard(by: str, test: Any, *values: Any) -> TaskNode:
    return task("x", by, guards=(Guard(node=by, export=0, test=test, values=values),))


DECIDER = task("decide", exports=((),))


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (task("a"), "a"),
        (task("a", kind="flow"), "a (flow)"),
        (task("a", hook="on_success"), "a (on_success)"),
        (task("a", rule="all_done"), "a (all_done)"),
        (task("a", rule="teardown", teardown_of="s"), "a (tears down s)"),
        (mapped("m", Param("years"))[0], "m [years]"),
        (MapNode(id="m[]", axes=(Axis(source=Param("a")), Axis(source=Param("b")))), "m [a, b]"),
        (MapNode(id="m[]", axes=(Axis(source=Param("a")), Axis(source=Param("b"))), mode="product"), "m [a × b]"),
        (MapNode(id="m[]", axes=(Axis(source=ListOf((Const(1), Ref("z")))),)), "m [[1, z]]"),
    ],
)
def test_a_node_is_one_line_of_the_tree(node: Any, label: str) -> None:
    assert drawn(node) == [label]


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (guard("decide", "equals", True), "x if decide"),
        (guard("decide", "differs", True), "x if not decide"),
        (guard("decide", "equals", "eu", "us"), "x if decide is eu or us"),
        (guard("decide", "differs", 3), "x if decide is not 3"),
    ],
)
def test_a_condition_is_told_in_words(node: TaskNode, label: str) -> None:
    assert drawn(DECIDER, node) == ["decide", label]


def test_a_join_names_its_sources_in_their_order() -> None:
    assert drawn(task("b"), task("a"), join("b", "a")) == ["b", "a", "one of b, a"]


def test_what_a_node_waits_for_stands_behind_it() -> None:
    assert drawn(task("a"), task("b"), task("c", "b", "a")) == ["a", "b", "c  ← b, a"]


def test_groups_of_one_name_in_different_groups_are_kept_apart() -> None:
    nodes = [task(f"{group}.{name}", meta=Meta(group=group)) for group in ("x.g", "y.g") for name in ("a", "b")]
    assert tree(graph(*nodes)) == [
        "flights",
        "├─ x/",
        "│  └─ g/",
        "│     ├─ a",
        "│     └─ b",
        "└─ y/",
        "   └─ g/",
        "      ├─ a",
        "      └─ b",
    ]


def test_a_pipeline_without_nodes_is_its_name() -> None:
    assert tree(graph()) == ["flights"]
    assert mermaid(graph()) == "flowchart TD\n"


@pytest.mark.parametrize(
    ("node", "shape"),
    [
        (task("a"), 'n0["a"]'),
        (task("a", exports=((),)), 'n0{"a"}'),
        (mapped("m"), 'n0[["each m"]]'),
        (join("a", "b"), 'n0(("one of"))'),
        (task('a"b'), 'n0["a#quot;b"]'),
    ],
)
def test_each_kind_of_node_has_its_shape(node: Any, shape: str) -> None:
    without_edges = graph(node)
    nodes = tuple(msgspec.structs.replace(each, upstream=()) for each in without_edges.nodes)
    assert mermaid(msgspec.structs.replace(without_edges, nodes=nodes)) == f"flowchart TD\n  {shape}\n"


@pytest.mark.parametrize(("kind", "arrow"), [("data", "-->"), ("order", "-.->"), ("outcome", "-.->"), ("gate", "-.->")])
def test_what_carries_no_data_is_a_dotted_arrow(kind: Any, arrow: str) -> None:
    waiting = msgspec.structs.replace(task("b"), upstream=(Edge(source="a", kind=kind),))
    assert f"  n0 {arrow} n1" in mermaid(graph(task("a"), waiting)).splitlines()


def changed(old: Any, new: Any) -> list[str]:
    """What is said of one node that changed."""
    first, *rest = lines(diff(graph(old), graph(new)))
    assert first.startswith("~ ")
    return [line.strip() for line in rest]


OPENED = MapNode(id="m[]", axes=(Axis(source=Param("years")),))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (task("a"), task("a", kind="flow"), ["kind: task → flow"]),
        (task("a"), task("a", rule="all_done"), ["rule: all_success → all_done"]),
        (task("a"), task("a", hook="on_failure"), ["hook: nothing → on_failure"]),
        (task("a"), task("a", args=(OutcomeOf("b"),)), ["args: nothing → ['outcome(b)']"]),
        (task("a"), task("a", writes=("orders",)), ["writes: nothing → ['orders']"]),
        (
            task("a", policy=TaskPolicy(executor="process")),
            task("a", policy=TaskPolicy(executor="inline")),
            ["policy.executor: process → inline"],
        ),
        (
            task("a", inject={"db": Inject(kind="connection", name="old")}),
            task("a", inject={"db": Inject(kind="connection", name="new")}),
            ["inject.db.name: old → new"],
        ),
        (OPENED, msgspec.structs.replace(OPENED, mode="product"), ["mode: zip → product"]),
        (OPENED, msgspec.structs.replace(OPENED, tolerate=3), ["tolerate: nothing → 3"]),
        (OPENED, msgspec.structs.replace(OPENED, result=Gather("n[]", "ok")), ["result: nothing → ok(n[])"]),
        (task("a", meta=Meta(owner="ada")), task("a", meta=Meta(owner="bob")), ["meta.owner: ada → bob"]),
    ],
)
def test_each_field_of_each_kind_of_node_is_compared(old: Any, new: Any, told: list[str]) -> None:
    assert changed(old, new) == told


def test_an_axis_that_changes_is_shown() -> None:
    (told,) = changed(OPENED, MapNode(id="m[]", axes=(Axis(source=Param("months")),)))
    assert told.startswith("axes: ")
    assert "years" in told.partition("→")[0]
    assert "months" in told.partition("→")[2]


def test_a_join_with_its_sources_in_another_order_is_another_join() -> None:
    old = join("a", "b")
    new = msgspec.structs.replace(join("b", "a"), id=old.id, upstream=old.upstream)
    assert changed(old, new) == ["sources: ['a', 'b'] → ['b', 'a']"]


def test_a_task_that_became_a_map_changes_its_kind() -> None:
    assert "node: task → map" in changed(task("m[]"), OPENED)


def test_more_slots_of_a_pool_are_a_change() -> None:
    old = task("a", policy=TaskPolicy(pools=(PoolClaim(pool="db"),)))
    new = task("a", policy=TaskPolicy(pools=(PoolClaim(pool="db", slots=3),)))
    (told,) = changed(old, new)
    assert told.startswith("policy.pools: ")


def test_a_difference_read_backwards_swaps_what_came_and_went() -> None:
    old, new = graph(task("a"), task("b", "a")), graph(task("a"), task("c", "a", kwargs={"x": Ref("a")}))
    there, back = diff(old, new), diff(new, old)
    assert {node.id: node.kind for node in there.nodes} == {"b": "removed", "c": "added"}
    assert {node.id: node.kind for node in back.nodes} == {"c": "removed", "b": "added"}


def faults(pipeline: Pipeline) -> list[str]:
    return [f"{fault.node}: {fault.message}" for fault in validate(pipeline)]


def test_all_faults_are_told_and_not_only_the_first() -> None:
    found = faults(graph(task("a", "x", "y"), MapNode(id="m[]", axes=()), join("a")))
    assert len([line for line in found if "which does not exist" in line]) == 2
    assert "m[]: a map without an axis" in found


@pytest.mark.parametrize("expr", [Ref("gone"), OutcomeOf("gone"), ListOf((Const(1), Ref("gone")))])
def test_a_value_of_nobody_is_found_in_any_expression(expr: Any) -> None:
    assert faults(graph(task("a", args=(expr,)))) == ["a: it reads 'gone', which does not exist"]


def test_a_map_reads_only_what_it_waits_for() -> None:
    assert faults(graph(task("a"), mapped("m", Ref("a")))) == ["m[]: it reads 'a' without waiting for it"]
    assert faults(graph(task("a"), mapped("m", Ref("a"), "a"))) == []


def test_a_member_of_an_inner_map_reads_items_of_the_maps_around_it_only() -> None:
    outer = MapNode(id="o[]", axes=(Axis(source=Const([1])),))
    inner = MapNode(id="i[]", scope="o[]", axes=(Axis(source=Item("o[]", 0)),))
    member = TaskNode(id="i", scope="i[]", code=CODE, args=(Item("o[]", 0), Item("i[]", 0)))
    assert faults(graph(outer, inner, member)) == []
    outside = TaskNode(id="t", scope="o[]", code=CODE, args=(Item("i[]", 0),))
    assert faults(graph(outer, inner, member, outside)) == ["t: it reads an item of 'i[]', and is not in its scope"]


def test_a_condition_inside_a_map_may_be_decided_by_a_member() -> None:
    decider = task("m.decide", scope="m[]", exports=((),))
    member = msgspec.structs.replace(guarded("m.x", "m.decide"), scope="m[]")
    opened = MapNode(id="m[]", axes=(Axis(source=Const([1])),))
    assert faults(graph(opened, decider, member)) == []
    assert faults(graph(DECIDER, guarded("x", "decide", export=1))) == [
        "x: its condition reads export 1 of 'decide', which has fewer"
    ]


def test_a_map_cannot_be_a_condition() -> None:
    node = task("x", "m[]", guards=(Guard(node="m[]", export=0, test="equals", values=(True,)),))
    assert faults(graph(mapped("m"), node)) == ["x: its condition 'm[]' is not a task"]


@pytest.mark.parametrize("teardown_of", ["", "gone"])
def test_a_teardown_needs_its_setup(teardown_of: str) -> None:
    assert faults(graph(task("a", rule="teardown", teardown_of=teardown_of))) == ["a: a teardown of no setup"]


def test_a_very_long_chain_is_checked_without_deep_recursion() -> None:
    count = 3_000
    chain = graph(task("t0"), *(task(f"t{i}", f"t{i - 1}") for i in range(1, count)))
    assert faults(chain) == []
    closed = msgspec.structs.replace(chain.nodes[0], upstream=(Edge(source=f"t{count - 1}"),))
    (fault,) = validate(msgspec.structs.replace(chain, nodes=(closed, *chain.nodes[1:])))
    assert fault.message.startswith("a cycle: ")
