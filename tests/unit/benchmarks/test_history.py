"""The history that pages are measured on is one that the store itself could have written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.history_rows import Kind, fill
from toque.engine.states import RunState, TaskState
from toque.ports.pages import RunQuery
from toque.store import open_store
from toque.store.memory import MemoryStore

NOW_US = 1_790_000_000_000_000
KINDS = [
    Kind("wide", "v1", [(f"t{n}", ()) for n in range(50)], 70),
    Kind("mapped", "v2", [("begin", ()), ("x[]", ()), *(("x", (n,)) for n in range(200))], 2, map_size=200),
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/toque.db"


async def test_a_history_has_as_many_runs_and_task_runs_as_were_asked_for(url: str) -> None:
    store = open_store(url)
    await store.open()
    assert await fill(store, KINDS, now_us=NOW_US) == 70 * 50 + 2 * 202
    totals = await store.history.totals()
    assert sum(totals.ended_runs.values()) == 72
    assert totals.ended_tasks == 70 * 50 + 2 * 202
    assert set(totals.ended_runs) == {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
    assert not totals.active_runs
    await store.close()


async def test_its_runs_are_whole(url: str) -> None:
    """Times in order, task runs that fit the state of their run, and a size where a map was opened."""
    store = open_store(url)
    await store.open()
    await fill(store, KINDS, now_us=NOW_US)
    page = await store.history.runs(RunQuery(limit=100))
    assert [run.run_id for run in page.runs] == sorted((run.run_id for run in page.runs), reverse=True)
    for run in page.runs:
        assert run.created_us < run.started_us < run.finished_us < NOW_US
        stored = await store.load_run(run.run_id)
        assert stored is not None
        states = Counter(task.state for task in stored.tasks)
        assert (states[TaskState.FAILED] == 1) == (run.state is RunState.FAILED)
        assert (states[TaskState.CANCELLED] > 0) == (run.state is RunState.CANCELLED)
        for task in stored.tasks:
            assert task.finished_us >= task.started_us
            assert task.size == (200 if task.task == "x[]" else -1)
    await store.close()


async def test_memory_is_no_place_for_it() -> None:
    with pytest.raises(TypeError, match="memory"):
        await fill(MemoryStore(), KINDS, now_us=NOW_US)
