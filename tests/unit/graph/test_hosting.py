"""What a graph may say of hosts and members; each fault is said of the node that is to be changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.driving import mapped, pipeline, task
from toque.graph import canonical
from toque.graph.diff import diff, lines
from toque.graph.expr import Const, Ref
from toque.graph.hosting import hosted
from toque.graph.ir import AnyNode, CachePolicy, Edge, Inject, RetryPolicy, TaskNode, TaskPolicy
from toque.graph.render import mermaid, tree
from toque.graph.validate import validate


def member(name: str, *after: str, **fields: Any) -> TaskNode:
    return task(name, *after, host=fields.pop("host", "build"), **fields)


def faults(*nodes: AnyNode | list[AnyNode]) -> list[tuple[str, str]]:
    return [(fault.node, fault.message) for fault in validate(pipeline(*nodes))]


KITCHEN = (
    task("load"),
    task("build", "load"),
    member("stock", "load"),
    member("sauce", "stock"),
    task("serve", "sauce"),
)


def test_a_host_with_its_members_is_a_graph() -> None:
    assert faults(*KITCHEN) == []
    assert {name: [node.id for node in nodes] for name, nodes in hosted(KITCHEN).items()} == {
        "build": ["stock", "sauce"]
    }


def test_a_member_may_have_constants_for_people_to_read() -> None:
    assert faults(task("build"), member("x", kwargs={"sql": Const("select 1")}, writes=("db.x",))) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            member("x", policy=TaskPolicy(timeout_s=1)),
            "it has options of its own, and build runs it: they belong there",
        ),
        (
            member("x", policy=TaskPolicy(retry=RetryPolicy(times=1))),
            "it has options of its own, and build runs it: they belong there",
        ),
        (
            member("x", "load", args=(Ref(node="load"),)),
            "it has arguments to be evaluated, and build runs it: they belong there",
        ),
        (
            member("x", inject={"db": Inject(kind="connection", name="db")}),
            "it has arguments to be evaluated, and build runs it: they belong there",
        ),
        (
            member("x", exports=((),)),
            "a condition or a map asks for its result, and build reports for it: nobody would look at the result",
        ),
        (member("x", kind="flow"), "a flow, a hook or a teardown cannot be run by build"),
        (member("x", host="nobody"), "its host 'nobody' is not a task of the pipeline"),
        (member("x", "build"), "it waits for its host 'build', which ends after it"),
    ],
)
def test_a_member_has_what_its_host_cannot_have_for_it_and_nothing_else(wrong: TaskNode, said: str) -> None:
    assert faults(task("load"), task("build", "load"), wrong) == [("x", said)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            task("build", rule="one_success"),
            "it runs other tasks, and its trigger rule one_success may start it before",
        ),
        (task("build", policy=TaskPolicy(cache=CachePolicy())), "it runs other tasks, so its result cannot come from"),
        (task("build", kind="flow"), "a flow, a hook or a teardown cannot run other tasks"),
        (task("build", hook="on_failure"), "a flow, a hook or a teardown cannot run other tasks"),
        (task("build", host="first"), "it runs others, and is itself run by 'first'"),
    ],
)
def test_a_host_waits_for_all_and_is_a_task_that_always_runs(wrong: TaskNode, said: str) -> None:
    (fault,) = faults(task("first"), wrong, member("x"))
    assert fault[0] == "build"
    assert fault[1].startswith(said)


def test_a_member_stands_behind_its_host() -> None:
    assert faults(member("x"), task("build")) == [("x", "it stands before its host 'build'")]


def test_a_member_is_in_the_scope_of_its_host() -> None:
    nodes = mapped("m", Const(value=[1]))
    inside = member("x", scope="m[]")
    assert faults(task("build"), nodes, inside) == [("x", "its host 'build' is in another scope")]


def test_what_a_member_waits_for_outside_its_host_waits_for() -> None:
    assert faults(task("load"), task("build"), member("x", "load")) == [
        ("x", "it waits for 'load', and its host 'build' does not")
    ]


def test_no_path_leaves_a_group_and_comes_back() -> None:
    nodes = (task("build"), member("x"), task("far", "x"), task("farther", "far"), member("y", "farther"))
    assert faults(*nodes) == [("y", "it waits for 'farther', which waits for another task that 'build' runs")]
    waits = task("build", Edge(source="far", kind="order"))
    said = dict(faults(waits, member("x"), task("far", "x")))
    assert "build" in said


def test_who_runs_a_node_is_part_of_what_it_is() -> None:
    alone = pipeline(task("build"), task("x"))
    together = pipeline(task("build"), member("x"))
    assert canonical.content_hash(alone) != canonical.content_hash(together)
    assert lines(diff(alone, together)) == ["~ x", "    host: nothing → build"]


def test_pictures_say_who_runs_a_node() -> None:
    drawn = pipeline(*KITCHEN)
    assert tree(drawn) == [
        "p",
        "├─ load",
        "├─ build  ← load",
        "├─ stock (in build)  ← load",
        "├─ sauce (in build)  ← stock",
        "└─ serve  ← sauce",
    ]
    assert "n1 -.-|runs| n2" in mermaid(drawn)
