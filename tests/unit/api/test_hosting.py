"""Hosts and their members over the API: who runs what, why a member waits, and what can be asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import store_rows as rows
from tests.unit.api.flights import code
from tests.unit.api.served import Served
from toque.engine.states import TaskState
from toque.graph.ir import Edge, Pipeline, TaskNode

RUN = "hosting"
GRAPH = Pipeline(
    name="kitchen",
    nodes=(
        TaskNode(id="build", code=code("build")),
        TaskNode(id="stock", code=code("build"), host="build"),
        TaskNode(id="sauce", code=code("build"), host="build", upstream=(Edge(source="stock", kind="order"),)),
        TaskNode(id="serve", code=code("serve"), upstream=(Edge(source="sauce"),)),
    ),
)


@pytest.fixture
async def kitchen(served: Served) -> Served:
    """The host runs, and has not got to anything."""
    await served.add_version("kv", GRAPH, bundle="b2")
    await served.write(runs=[rows.run(RUN, pipeline="kitchen", version="kv")])
    await served.write(
        tasks=[
            rows.task("build", run_id=RUN, state=TaskState.RUNNING, attempt=1),
            rows.task("stock", run_id=RUN, state=TaskState.READY),
        ]
    )
    return served


async def effects(served: Served, kind: str, **act: Any) -> dict[str, str]:
    found = await served.post(f"/runs/{RUN}/{kind}", {**act, "preview": True})
    return {each["task"]: each["what"] for each in found["effects"]}


async def test_the_graph_says_who_runs_a_node(kitchen: Served) -> None:
    graph = await kitchen.get(f"/runs/{RUN}/graph")
    assert {node["id"]: node["host"] for node in graph["nodes"]} == {
        "build": "",
        "stock": "build",
        "sauce": "build",
        "serve": "",
    }
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [
        ("build", "stock"),
        ("stock", "sauce"),
        ("sauce", "serve"),
    ]


async def test_a_member_waits_for_its_host_to_get_to_it(kitchen: Served) -> None:
    found = (await kitchen.get(f"/runs/{RUN}/task", task="stock", index=""))["waiting"]
    assert found["words"] == "it may run, and build gets to it, which runs it with others"
    assert [(each["kind"], each["name"]) for each in found["blockers"]] == [("upstream", "build")]
    await kitchen.write(tasks=[rows.task("build", run_id=RUN, state=TaskState.RETRYING, attempt=1)])
    found = (await kitchen.get(f"/runs/{RUN}/task", task="stock", index=""))["waiting"]
    assert found["words"] == "it may run as soon as build does, which runs it with others and is retrying"


async def test_one_member_of_a_running_host_cannot_be_cancelled(kitchen: Served) -> None:
    said = await kitchen.send("POST", f"/runs/{RUN}/cancel", {"task": "stock"})
    assert (said.status, said.json["detail"]) == (409, "build runs stock with others: it cannot be cancelled alone")
    assert said.json["fix"] == "cancel build"
    assert (await kitchen.send("POST", f"/runs/{RUN}/cancel", {"task": "build"})).status == 200


async def test_a_preview_tells_what_becomes_of_members(kitchen: Served) -> None:
    assert set(await effects(kitchen, "cancel", task="build")) == {"build", "stock", "sauce", "serve"}
    assert await effects(kitchen, "mark", task="build", state="succeeded") == {
        "build": "is stopped and counts as succeeded",
        "stock": "counts as succeeded, unless it has ended",
        "sauce": "counts as succeeded, unless it has ended",
        "serve": "is decided as if build had succeeded",
    }
