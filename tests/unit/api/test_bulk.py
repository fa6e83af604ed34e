"""Answers of many rows are what their models say, although no model has made them."""

from __future__ import annotations

import json

import msgspec
import pytest
from pydantic import BaseModel

from tests import store_rows as stored
from toque.api import bulk, rows
from toque.api.wire.graphs import Grid, GridTask
from toque.api.wire.model import Page
from toque.api.wire.runs import NodeStatus
from toque.api.wire.tasks import LogLine, LogPage, TaskRun, Timeline, TimelineBar
from toque.engine.states import TaskState
from toque.ports.pages import NodeCounts

SOME = NodeCounts(
    task="convert",
    counts={TaskState.SUCCEEDED: 3, TaskState.FAILED: 0, TaskState.RUNNING: 2},
    ready_us=1,
    started_us=2,
    finished_us=0,
)


@pytest.mark.parametrize(
    ("row", "model"),
    [
        (bulk.NodeRow, NodeStatus),
        (bulk.BarRow, TimelineBar),
        (bulk.TimelineRows, Timeline),
        (bulk.TaskRow, TaskRun),
        (bulk.TaskRows, Page[TaskRun]),
        (bulk.LogRow, LogLine),
        (bulk.LogRows, LogPage),
        (bulk.GridRow, GridTask),
    ],
)
def test_rows_have_the_fields_of_their_models_in_their_order(row: type[msgspec.Struct], model: type[BaseModel]) -> None:
    assert row.__struct_fields__ == tuple(model.model_fields)
    assert not [name for name, field in model.model_fields.items() if field.alias], "an alias would be written"


@pytest.mark.parametrize("size", [-1, 100_000])
@pytest.mark.parametrize("counts", [SOME.counts, {TaskState.UPSTREAM_FAILED: 1}, {}])
def test_a_node_is_counted_as_its_model_counts_it(counts: dict[TaskState, int], size: int) -> None:
    node = msgspec.structs.replace(SOME, counts=counts)
    written = msgspec.json.encode(bulk.node_row(node, size))
    shown = NodeStatus.model_validate_json(written)
    assert shown.counts == {str(state): number for state, number in counts.items() if number}
    assert (shown.task, shown.total, shown.size) == ("convert", sum(counts.values()), size)
    assert (shown.started_us, shown.finished_us) == (2, 0)


def test_a_timeline_reads_back_through_its_model() -> None:
    bar = bulk.BarRow(
        task="convert",
        index=(3, 1),
        state=TaskState.RETRYING,
        ready_us=1,
        started_us=2,
        finished_us=0,
        critical=True,
        count=1,
    )
    written = bulk.answer(bulk.TimelineRows(bars=[bar], critical_path=["convert"], fact_seq=7)).body
    (read,) = Timeline.model_validate_json(bytes(written)).bars
    assert (read.index, read.state, read.critical) == ([3, 1], TaskState.RETRYING, True)


def test_rows_take_the_place_of_an_empty_list() -> None:
    row = bulk.GridRow(id="a.b", label="b", group="a", kind="task", depth=1)
    head = Grid(tasks=[], runs=[], next="older")
    body = bulk.encoded_with(head, tasks=[row])
    assert bulk.encoded_with(head, tasks=msgspec.Raw(bulk.encoded([row]))) == body
    assert bulk.sent(body).media_type == "application/json"
    assert list(json.loads(body)) == ["tasks", "runs", "next"]
    read = Grid.model_validate_json(body)
    assert read.tasks == [GridTask(id="a.b", label="b", group="a", kind="task", depth=1)]
    assert read.next == "older"


def test_a_task_run_with_all_that_it_may_say_reads_back_through_its_model() -> None:
    row = stored.full_task()
    page = bulk.answer(bulk.TaskRows([rows.task_row(row)], None))
    assert Page[TaskRun].model_validate_json(bytes(page.body)).items == [rows.task_run(row)]


def test_what_has_no_form_in_json_is_no_answer() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        bulk.encoded(object())
