"""Nodes of a run that goes on here: read once, then kept up by commits, and always what the store says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.api.stream.scene import Scene, serving, task_row
from toque.api.stream import live_counts
from toque.engine.states import RunState, TaskState
from toque.ports.store import StoreUnavailable


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with serving(tmp_path) as made:
        made.begin("r")
        await made.write("r")
        yield made


@pytest.fixture
def reads(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose task runs were counted by the store."""
    found: list[str] = []
    ask = type(scene.store.history).nodes

    async def nodes(history: Any, run_id: str) -> Any:
        found.append(run_id)
        return await ask(history, run_id)

    monkeypatch.setattr(type(scene.store.history), "nodes", nodes)
    return found


async def nodes(scene: Scene, run_id: str = "r") -> Any:
    found = await scene.hub.live.nodes(run_id)
    return None if found is None else {node.task: node for node, _ in found}


async def test_the_store_counts_once_however_often_the_run_is_looked_at(scene: Scene, reads: list[str]) -> None:
    assert await nodes(scene) == {}
    await scene.write("r", task_row("r", "fetch", TaskState.RUNNING, ready_us=1, started_us=2))
    assert (await nodes(scene))["fetch"].counts == {TaskState.RUNNING: 1}
    done = task_row("r", "fetch", TaskState.SUCCEEDED, ready_us=1, started_us=2, finished_us=9)
    clean = task_row("r", "clean[]", TaskState.RUNNING, size=3)
    await scene.write("r", done, clean, *(task_row("r", "clean", TaskState.READY, n) for n in range(3)))
    found = await nodes(scene)
    assert reads == ["r"]
    stored = {each.task: each for each in await scene.store.history.nodes("r")}
    assert found == stored
    assert {node.task: size for node, size in await scene.hub.live.nodes("r") or []}["clean[]"] == 3
    rows = [msgspec.json.decode(row) for row in await scene.hub.live.rows("r") or []]
    assert {row["task"]: (row["total"], row["size"]) for row in rows} == {
        "fetch": (1, -1),
        "clean": (3, -1),
        "clean[]": (1, 3),
    }


async def test_a_run_that_is_not_here_is_left_to_the_store(scene: Scene) -> None:
    assert await nodes(scene, "elsewhere") is None
    await nodes(scene)
    del scene.owned["r"]
    assert await nodes(scene) is None


async def test_a_run_that_was_taken_back_is_counted_anew(scene: Scene, reads: list[str]) -> None:
    await nodes(scene)
    scene.begin("r")
    await nodes(scene)
    assert reads == ["r", "r"]


async def test_what_ended_is_forgotten(scene: Scene, reads: list[str]) -> None:
    await nodes(scene)
    await scene.write("r", state=RunState.SUCCEEDED)
    await nodes(scene)
    assert reads == ["r", "r"]


async def test_only_so_many_are_kept(scene: Scene, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_counts, "MOST_RUNS", 2)
    for name in ("a", "b"):
        scene.begin(name)
        await scene.write(name)
    for name in ("r", "a", "b", "a", "b", "r"):
        await nodes(scene, name)
    assert reads == ["r", "a", "b", "r"]


async def test_a_store_that_cannot_be_read_is_asked_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(history: Any, run_id: str) -> Any:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(type(scene.store.history), "nodes", fail)
        with pytest.raises(StoreUnavailable):
            await nodes(scene)
    assert await nodes(scene) == {}
