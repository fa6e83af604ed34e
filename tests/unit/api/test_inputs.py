"""Where the arguments of a task run came from, for each way in which they can be made; metrics and artifacts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import store_rows as rows
from tests.unit.api.flights import code, done, ref
from tests.unit.api.served import Served
from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.graph.expr import AnyExpr, Const, DictOf, Gather, Item, OutcomeOf, Param, Ref, RunReportOf, TupleOf
from toque.graph.ir import Axis, MapNode, Pipeline, TaskNode
from toque.local.recording import FILE, Recorded

RUN = "ri"


def mapped(name: str, *axes: Axis, scope: str = "", mode: Any = "zip", result: AnyExpr | None = None) -> list[Any]:
    """A mapped task that takes its item (or those of all axes)."""
    items = {f"x{number}": Item(f"{name}[]", number) for number in range(len(axes))}
    return [
        MapNode(id=f"{name}[]", scope=scope, axes=axes, mode=mode, result=result or Ref(name)),
        TaskNode(id=name, scope=f"{name}[]", code=code(name), kwargs=items),
    ]


async def given(
    served: Served, nodes: list[Any], *tasks: TaskRow, task: str, index: str = "", **parameters: Any
) -> dict[str, Any]:
    """Previews of the arguments of a task run, by name, with their sources."""
    ir = Pipeline(name="inputs", nodes=tuple(nodes))
    await served.add_version("iv", ir, bundle="b2")
    await served.write(runs=[rows.run(RUN, pipeline="inputs", version="iv", parameters=parameters)])
    await served.write(tasks=[msgspec.structs.replace(row, run_id=RUN) for row in tasks])
    found = await served.get(f"/runs/{RUN}/task", task=task, index=index)
    return {each["name"]: (each["source"], each["preview"]) for each in found["inputs"]}


def taking(expr: AnyExpr) -> TaskNode:
    return TaskNode(id="t", code=code("t"), kwargs={"x": expr})


@pytest.mark.parametrize(
    ("expr", "source", "text"),
    [
        (Const(3), "constant", "3"),
        (Const("a"), "constant", "a"),
        (Const({"$": "tuple", "v": [1, {"$": "date", "v": "2026-01-02"}]}), "constant", None),
        (Param("p"), "parameter p", None),
        (Param("p", (("item", "k"),)), "parameter p", "7"),
        (Param("p", (("attr", "k"),)), "parameter p", "7"),
    ],
)
async def test_what_needs_no_task_is_shown(served: Served, expr: AnyExpr, source: str, text: str | None) -> None:
    found = await given(served, [taking(expr)], task="t", p={"k": 7})
    assert found["x"][0] == source
    assert found["x"][1]["kind"] in ("json", "text", "table")
    if text is not None:
        assert found["x"][1]["text"] == text


@pytest.mark.parametrize("path", [(("item", "nothing"),), (("item", 9),), (("attr", "a"), ("attr", "b"))])
async def test_a_part_that_is_not_there_is_said_to_be_none(served: Served, path: Any) -> None:
    found = await given(served, [taking(Param("p", path))], task="t", p={"a": 1})
    assert (found["x"][1]["kind"], found["x"][1]["note"]) == ("opaque", "this part of it cannot be shown")


async def test_a_parameter_that_the_run_was_not_given_is_none(served: Served) -> None:
    found = await given(served, [taking(Param("p"))], task="t")
    assert found["x"][1]["kind"] == "none"


@pytest.mark.parametrize(
    "expr", [TupleOf((Const(1), Const(2))), DictOf((("a", Const(1)),)), RunReportOf()], ids=["tuple", "dict", "report"]
)
async def test_what_the_worker_puts_together_is_named(served: Served, expr: AnyExpr) -> None:
    found = await given(served, [taking(expr)], task="t")
    assert found["x"][0]
    assert found["x"][1]["note"] == "made of several values in the worker"


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (TaskState.FAILED, "a has no output: it failed"),
        (TaskState.RUNNING, "a has no output: it running"),
        (None, "a has no output yet"),
    ],
)
async def test_a_result_that_is_not_there_says_why(served: Served, state: TaskState | None, note: str) -> None:
    tasks = [done("a", state=state)] if state is not None else []
    for expr in (Ref("a"), OutcomeOf("a")):
        found = await given(served, [TaskNode(id="a", code=code("a")), taking(expr)], *tasks, task="t")
        # The words for a state that is no end may change; that there is nothing to see does not.
        assert found["x"][1]["note"].startswith(note.partition(":")[0])


async def test_items_come_from_a_constant_or_a_parameter(served: Served) -> None:
    nodes = mapped("m", Axis(source=Const([10, 20])), Axis(source=Param("p")))
    found = await given(served, nodes, task="m", index="1", p=["a", "b"])
    assert (found["x0"][1]["text"], found["x1"][1]["text"]) == ("20", "b")


async def test_an_index_beyond_the_items_shows_nothing(served: Served) -> None:
    found = await given(served, mapped("m", Axis(source=Const([10, 20]))), task="m", index="7")
    assert found["x0"][1]["kind"] == "opaque"


async def test_items_of_a_gathered_map_are_the_results_of_its_indexes(served: Served) -> None:
    nodes = [*mapped("a", Axis(source=Const([1, 2]))), *mapped("b", Axis(source=Gather("a[]")))]
    tasks = [done("a", n, value=f"of {n}") for n in range(2)]
    found = await given(served, nodes, *tasks, task="b", index="1")
    assert found["x0"][1]["text"] == "of 1"


async def test_an_item_of_a_product_is_chosen_in_the_worker(served: Served) -> None:
    nodes = mapped("m", Axis(source=Const([1, 2])), Axis(source=Const([3, 4])), mode="product")
    found = await given(served, nodes, task="m", index="3")
    assert {preview["note"] for _, preview in found.values()} == {"an item of a product is chosen in the worker"}


async def test_a_product_of_one_axis_is_none(served: Served) -> None:
    found = await given(served, mapped("m", Axis(source=Const([1, 2])), mode="product"), task="m", index="1")
    assert found["x0"][1]["text"] == "2"


async def test_in_nested_maps_each_looks_at_its_own_index(served: Served) -> None:
    outer = MapNode(id="o[]", axes=(Axis(source=Const(["a", "b"])),), result=Ref("first"))
    first = TaskNode(id="first", scope="o[]", code=code("first"), kwargs={"x": Item("o[]", 0)})
    inner = MapNode(id="i[]", scope="o[]", axes=(Axis(source=Ref("first")),), result=Ref("second"))
    second = TaskNode(
        id="second",
        scope="i[]",
        code=code("second"),
        kwargs={"x": Item("i[]", 0), "y": Item("o[]", 0), "z": Ref("first")},
    )
    tasks = [done("first", n, value=[f"{n}.{m}" for m in range(3)]) for n in range(2)]
    found = await given(served, [outer, first, inner, second], *tasks, task="second", index="1.2")
    assert found["x"][0] == "one of first"  # as its author wrote it, and not the id of a map
    assert found["x"][1]["text"] == "1.2"
    assert found["y"][1]["text"] == "b"
    assert "1.0" in found["z"][1]["text"]


async def test_of_many_gathered_results_some_are_shown(served: Served) -> None:
    nodes = [*mapped("a", Axis(source=Const([*range(80)]))), taking(Gather("a[]"))]
    tasks = [done("a", n, value=n) for n in range(80)]
    found = await given(served, nodes, done("a[]", size=80), *tasks, task="t")
    preview = found["x"][1]
    assert (len(preview["rows"]), preview["total_rows"]) == (50, 80)
    assert preview["rows"][7] == ["7", "7"]


async def test_results_that_are_no_plain_data_are_named_by_size(served: Served) -> None:
    nodes = [*mapped("a", Axis(source=Const([1]))), taking(Gather("a[]"))]
    closed = ref("x", "pickle")
    found = await given(served, nodes, done("a", 0, result=closed), task="t")
    [[index, value]] = found["x"][1]["rows"]
    assert index == "0"
    assert "bytes" in str(value)


async def test_positional_arguments_are_numbered(served: Served) -> None:
    node = TaskNode(id="t", code=code("t"), args=(Const(5), Const("y")), kwargs={"z": Const(6)})
    found = await given(served, [node], task="t")
    assert {name: preview["text"] for name, (_, preview) in found.items()} == {"1": "5", "2": "y", "z": "6"}
    page = await served.get(f"/runs/{RUN}/value", task="t", which="input:2")
    assert page["text"] == "y"


async def test_an_input_is_read_page_by_page(served: Served) -> None:
    await given(served, [taking(Param("p"))], task="t", p=[{"n": n} for n in range(30)])
    page = await served.get(f"/runs/{RUN}/value", task="t", which="input:x", offset=28, limit=5)
    assert (page["rows"], page["offset"], page["total_rows"]) == ([[28], [29]], 28, 30)


# -- what attempts reported


def report(served: Served, *recorded: Recorded) -> None:
    path = served.folder / "logs" / RUN / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in recorded) + b'{"t":1,"sig')


async def test_metrics_are_series_and_artifacts_are_shown(served: Served) -> None:
    await given(served, [taking(Const(1))], done("t"), task="t")
    report(
        served,
        Recorded(t=5, signal="metric", task="t", attempt=1, name="loss", value=0.5),
        Recorded(t=6, signal="metric", task="t", attempt=1, name="rows", value=3),
        Recorded(t=7, signal="metric", task="t", attempt=1, name="loss", value=0.25),
        Recorded(t=8, signal="metric", task="other", attempt=1, name="loss", value=9),
        Recorded(t=8, signal="metric", task="t", map_index=(1,), attempt=1, name="loss", value=9),
        Recorded(t=9, signal="artifact", task="t", attempt=1, name="notes", value="# Notes", kind="markdown"),
        Recorded(t=9, signal="artifact", task="t", attempt=1, name="odd", value="x", kind="hologram"),
        Recorded(t=10, signal="artifact", task="t", attempt=2, name="notes", value="# Newer", kind="markdown"),
    )
    found = await served.get(f"/runs/{RUN}/task", task="t")
    assert found["metrics"] == [
        {"name": "loss", "points": [[5, 0.5], [7, 0.25]]},
        {"name": "rows", "points": [[6, 3.0]]},
    ]
    kinds = {(each["name"], each["kind"]) for each in found["artifacts"]}
    assert kinds == {("notes", "markdown"), ("odd", "text")}
    page = await served.get(f"/runs/{RUN}/value", task="t", which="artifact:notes")
    assert (page["kind"], page["text"]) == ("markdown", "# Newer")
    await served.refused("GET", f"/runs/{RUN}/value", status=404, task="t", which="artifact:loss")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
async def test_a_metric_that_is_no_number_leaves_a_gap(served: Served, value: float) -> None:
    await given(served, [taking(Const(1))], done("t"), task="t")
    losses = [0.5, value, 0.25]
    report(
        served,
        *(
            Recorded(t=n, signal="metric", task="t", attempt=1, name="loss", value=each)
            for n, each in enumerate(losses)
        ),
    )
    found = await served.get(f"/runs/{RUN}/task", task="t")
    assert found["metrics"] == [{"name": "loss", "points": [[0, 0.5], [2, 0.25]]}]
