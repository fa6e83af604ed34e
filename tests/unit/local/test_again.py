"""Reruns and retries: what may be repeated, and what the new run takes over from the one before."""

from __future__ import annotations

from typing import Any

import pytest

from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.errors import Conflict, NotFound
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.local.running import again_row, reuse_of
from toque.ports.store import StoredRun

NODES = tuple(TaskNode(id=name, code=CodeRef(module="flow", qualname=name)) for name in ("extract", "load"))
PIPELINE = Pipeline(name="flights", nodes=NODES)


def stored(state: RunState, *tasks: TaskState, **fields: Any) -> StoredRun:
    row = RunRow(
        run_id="r1", pipeline="flights", version="v1", state=state, parameters={"year": 2013}, created_us=1, **fields
    )
    rows = [TaskRow(run_id="r1", task="extract", map_index=(at,), state=each) for at, each in enumerate(tasks)]
    return StoredRun(run=row, tasks=rows, steps=[])


@pytest.mark.parametrize("state", [state for state in RunState if not state.is_terminal])
@pytest.mark.parametrize("tasks", [None, ("load",)])
def test_a_run_that_goes_on_is_not_repeated(state: RunState, tasks: tuple[str, ...] | None) -> None:
    with pytest.raises(Conflict, match=f"run r1 has not ended: it is {state}"):
        reuse_of(PIPELINE, stored(state, TaskState.FAILED), tasks)


@pytest.mark.parametrize("failed", [TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED])
def test_a_retry_repeats_what_did_not_succeed_by_itself(failed: TaskState) -> None:
    assert reuse_of(PIPELINE, stored(RunState.FAILED, TaskState.SUCCEEDED, failed), None) == ()


@pytest.mark.parametrize("tasks", [(), (TaskState.SUCCEEDED, TaskState.SKIPPED)])
def test_nothing_to_retry_is_said_with_what_to_do_instead(tasks: tuple[TaskState, ...]) -> None:
    with pytest.raises(Conflict, match="nothing failed in run r1: it succeeded") as caught:
        reuse_of(PIPELINE, stored(RunState.SUCCEEDED, *tasks), None)
    assert caught.value.fix == "toque rerun RUN --from TASK"


def test_a_rerun_names_tasks_of_its_pipeline() -> None:
    ended = stored(RunState.SUCCEEDED, TaskState.SUCCEEDED)
    assert reuse_of(PIPELINE, ended, ("load", "extract")) == ("load", "extract")
    with pytest.raises(NotFound, match="flights has no task 'laod'") as caught:
        reuse_of(PIPELINE, ended, ("extract", "laod"))
    assert caught.value.fix == "it has: extract, load"


def test_the_new_run_is_queued_for_the_same_data() -> None:
    origin = stored(
        RunState.FAILED,
        logical_us=70,
        interval_start_us=60,
        interval_end_us=70,
        partition_key="2013",
        started_us=2,
        finished_us=3,
        cancel_requested=True,
        owner="server-1",
        backfill_id="b1",
    )
    row = again_row(origin, "v2", ("load",), 1_000)
    assert (row.state, row.version, row.origin_run, row.reuse) == (RunState.QUEUED, "v2", "r1", ("load",))
    assert (row.parameters, row.partition_key) == ({"year": 2013}, "2013")
    assert (row.logical_us, row.interval_start_us, row.interval_end_us) == (70, 60, 70)
    assert (row.created_us, row.started_us, row.finished_us) == (1_000, 0, 0)
    assert (row.owner, row.backfill_id, row.cancel_requested, row.fact_seq) == ("", "", False, 0)
    assert row.run_id != "r1"
