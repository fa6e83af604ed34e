"""The hash of a pipeline: the same for the same meaning, another one for any other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.graph.pipelines import CODE, graph, guarded, join, mapped, task
from toque.graph.canonical import content_hash, decode, encode, without_origin
from toque.graph.expr import Const, DictOf, Gather, Item, ListOf, OutcomeOf, Param, Ref, RunReportOf, TupleOf
from toque.graph.ir import (
    AnyNode,
    CachePolicy,
    Concurrency,
    Edge,
    Inject,
    MapNode,
    Meta,
    Origin,
    Pipeline,
    PoolClaim,
    RetryPolicy,
    TaskNode,
    TaskPolicy,
)

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"year": {"type": "integer"}, "month": {"type": "integer"}}}

EVERYTHING = graph(
    task("decide", exports=((("attr", "big"),),), lengths=((),)),
    guarded("c", "decide"),
    guarded("d", "decide"),
    join("c", "d"),
    mapped("m", Ref("c", (("item", "k"), ("item", 0))), "c", tolerate=0.5, mode="product"),
    task(
        "all",
        "m[]",
        args=(Const({"$": "tuple", "v": [1]}), ListOf((Param("year"), TupleOf((Const(None),))))),
        kwargs={"parts": Gather("m[]", "ok"), "how": DictOf((("a", OutcomeOf("c")),))},
        inject={"db": Inject(kind="connection", name="shop"), "now": Inject(kind="context", name="Interval")},
        policy=TaskPolicy(
            retry=RetryPolicy(times=3, backoff=2.0, jitter=True, classes=("transient",)),
            cache=CachePolicy(expires_s=5.0, key=CODE),
            pools=(PoolClaim(pool="db", slots=2),),
        ),
        reads=("a",),
        writes=("b",),
    ),
    task("page", hook="on_failure", args=(RunReportOf(),)),
    result=Ref("all"),
    parameters=SCHEMA,
    concurrency=Concurrency(max_active_runs=2, overlap="skip"),
    deadline_s=60.0,
    meta=Meta(doc="d", owner="ada", tags=("x",)),
    origin=Origin(file="flows.py", line=3),
)


def reversed_dicts(value: Any) -> Any:
    """The same value, with the keys of every dict in the opposite order."""
    match value:
        case dict():
            return {key: reversed_dicts(item) for key, item in reversed(value.items())}
        case tuple() | list():
            return type(value)(reversed_dicts(item) for item in value)
        case msgspec.Struct():
            fields = {name: reversed_dicts(getattr(value, name)) for name in value.__struct_fields__}
            # An untouched default stays the object that it is: that is how the encoder knows it.
            return (
                value
                if repr(msgspec.structs.replace(value, **fields)) == repr(value)
                else msgspec.structs.replace(value, **fields)
            )
        case _:
            return value


def placed(pipeline: Pipeline, line: int) -> Pipeline:
    """The same pipeline, written elsewhere."""
    nodes = tuple(msgspec.structs.replace(node, origin=Origin(file="x.py", line=line)) for node in pipeline.nodes)
    return msgspec.structs.replace(pipeline, nodes=nodes, origin=Origin(file="x.py", line=line))


def test_a_pipeline_with_everything_comes_back_the_same() -> None:
    assert decode(encode(EVERYTHING)) == EVERYTHING
    assert encode(decode(encode(EVERYTHING))) == encode(EVERYTHING)


def test_the_order_of_keys_plays_no_part() -> None:
    turned = reversed_dicts(EVERYTHING)
    assert list(turned.parameters["properties"]) == ["month", "year"]
    assert encode(turned) == encode(EVERYTHING)
    assert content_hash(turned) == content_hash(EVERYTHING)


@given(st.dictionaries(st.text(max_size=5), st.integers(-(2**53), 2**53), max_size=6), st.randoms())
def test_any_order_of_any_arguments_has_one_hash(values: dict[str, int], random: Any) -> None:
    names = list(values)
    random.shuffle(names)
    one = graph(task("a", kwargs={name: Const(value) for name, value in values.items()}))
    other = graph(task("a", kwargs={name: Const(values[name]) for name in names}))
    assert content_hash(one) == content_hash(other)


@given(st.integers(1, 10**6))
def test_where_it_was_written_plays_no_part_in_the_hash(line: int) -> None:
    moved = placed(EVERYTHING, line)
    assert encode(moved) != encode(EVERYTHING)
    assert content_hash(moved) == content_hash(EVERYTHING)


def test_origins_are_kept_in_the_bytes_and_taken_out_of_every_node() -> None:
    moved = placed(EVERYTHING, 9)
    assert decode(encode(moved)).nodes[0].origin == Origin(file="x.py", line=9)
    bare = without_origin(moved)
    assert bare.origin is None
    assert {node.origin for node in bare.nodes} == {None}
    assert without_origin(bare) == bare


def test_what_is_left_at_its_default_is_not_written() -> None:
    plain, explicit = graph(task("a")), graph(task("a", rule="all_success", scope="", kwargs={}, guards=()))
    assert encode(plain) == encode(explicit)
    assert b"policy" not in encode(plain)


def test_the_hash_is_the_same_in_every_release() -> None:
    # Another one here would give each pipeline of every user a new version by an upgrade alone.
    assert content_hash(graph(task("a"), task("b", "a", kwargs={"x": Ref("a")}))) == "86006645c9adb2fe"


def with_last(**fields: Any) -> Pipeline:
    return graph(task("a"), task("b"), msgspec.structs.replace(task("c", "a"), **fields))


OTHERS = {
    "another id": with_last(id="z"),
    "other code": with_last(code=msgspec.structs.replace(CODE, source_hash="1" * 16)),
    "another edge": with_last(upstream=(Edge(source="b"),)),
    "another kind of edge": with_last(upstream=(Edge(source="a", kind="order"),)),
    "another order of edges": with_last(upstream=(Edge(source="b"), Edge(source="a"))),
    "both edges": with_last(upstream=(Edge(source="a"), Edge(source="b"))),
    "another rule": with_last(rule="all_done"),
    "a constant": with_last(args=(Const(1),)),
    "the same constant as text": with_last(args=(Const("1"),)),
    "a constant that is true": with_last(args=(Const(True),)),
    "a named constant": with_last(kwargs={"x": Const(1)}),
    "a list": with_last(args=(ListOf((Const(1),)),)),
    "a tuple": with_last(args=(TupleOf((Const(1),)),)),
    "a timeout": with_last(policy=TaskPolicy(timeout_s=1.0)),
    "a priority": with_last(policy=TaskPolicy(priority=1)),
    "a flow": with_last(kind="flow"),
    "a path by attribute": with_last(args=(Ref("a", (("attr", "x"),)),)),
    "a path by item": with_last(args=(Ref("a", (("item", "x"),)),)),
    "documentation": with_last(meta=Meta(doc="x")),
}


def test_every_other_meaning_has_another_hash() -> None:
    hashes = {name: content_hash(pipeline) for name, pipeline in OTHERS.items()}
    hashes["plain"] = content_hash(with_last())
    assert len(set(hashes.values())) == len(hashes)


def test_the_order_of_arguments_by_position_counts() -> None:
    one = graph(task("a", args=(Const(1), Const(2))))
    assert content_hash(one) != content_hash(graph(task("a", args=(Const(2), Const(1)))))


@pytest.mark.parametrize("node", EVERYTHING.nodes, ids=lambda node: node.id)
def test_each_kind_of_node_comes_back_as_itself(node: AnyNode) -> None:
    (found,) = decode(encode(Pipeline(name="p", nodes=(node,)))).nodes
    assert (type(found), found) == (type(node), node)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"name": 3}', r"\$\.name"),
        (b'{"name": "p", "nodes": [{"node": "task", "id": "a"}]}', r"\$\.nodes\[0\]"),
        (b'{"name": "p", "nodes": [{"node": "loop", "id": "a"}]}', r"\$\.nodes\[0\]\.node"),
        (b'{"name": "p", "surprise": 1}', "surprise"),
        (b'{"name": "p", "result": {"expr": "lambda"}}', r"\$\.result\.expr"),
    ],
)
def test_what_is_no_pipeline_is_refused_with_its_place(data: bytes, path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=path):
        decode(data)


def test_an_item_of_a_map_comes_back_inside_its_member() -> None:
    member = EVERYTHING.nodes[5]
    assert isinstance(EVERYTHING.nodes[4], MapNode)
    assert isinstance(member, TaskNode)
    assert member.kwargs["x"] == Item("m[]", 0)


def test_a_default_that_is_written_out_makes_no_other_pipeline() -> None:
    plain = graph(task("a"))
    written = msgspec.structs.replace(
        plain,
        meta=Meta(),
        concurrency=Concurrency(),
        nodes=tuple(msgspec.structs.replace(node, policy=TaskPolicy(), meta=Meta()) for node in plain.nodes),
    )
    assert written == plain
    assert content_hash(written) == content_hash(plain)
    assert b"policy" not in encode(written)
