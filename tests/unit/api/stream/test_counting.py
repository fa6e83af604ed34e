"""Counting: a byte for each task run is enough to know what all rows together would say."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.stream.scene import PIPELINE, task_row
from toque.api import bulk
from toque.api.stream.counting import Counting
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run import new_run
from toque.engine.states import RunState, TaskState
from toque.ports.pages import NodeCounts

ROWS = st.builds(
    lambda task, index, state, times: task_row(
        "r", task, state, *index, ready_us=times[0], started_us=times[1], finished_us=times[2]
    ),
    st.sampled_from(["fetch", "clean", "flow/step"]),
    st.lists(st.integers(0, 20), max_size=2).map(tuple),
    st.sampled_from(TaskState),
    st.tuples(*[st.integers(0, 9)] * 3),
)


@given(st.lists(ROWS, max_size=60))
def test_the_counts_are_those_of_the_last_row_of_each_task_run(written: list[TaskRow]) -> None:
    counting = Counting()
    last: dict[tuple[str, tuple[int, ...]], TaskRow] = {}
    for row in written:
        counting.put(row)
        last[row.task, row.map_index or ()] = row
    for task in {row.task for row in written}:
        rows = [row for (name, _), row in last.items() if name == task]
        # Outside of a map there is one instance: an index of length one lies beside it.
        expected = Counter(row.state for row in rows)
        found, _ = counting.counts(task)
        if len({len(row.map_index) for row in rows}) == 1:
            assert found.counts == dict(expected)
        mine = [row for row in written if row.task == task]
        assert found.started_us == min((row.started_us for row in mine if row.started_us), default=0)
        assert found.finished_us == max(row.finished_us for row in mine)


def test_a_run_in_memory_is_taken_as_it_is_and_what_was_never_touched_does_not_count() -> None:
    row = RunRow(run_id="r", pipeline="flights", version="v", state=RunState.QUEUED, parameters={}, created_us=1)
    counting = Counting()
    counting.take(new_run(PIPELINE, row))
    assert counting.counts("fetch")[0].counts == {}
    counting.put(task_row("r", "fetch", TaskState.RUNNING))
    counting.put(task_row("r", "fetch", TaskState.SUCCEEDED))
    assert counting.counts("fetch")[0].counts == {TaskState.SUCCEEDED: 1}


def test_the_size_of_a_map_is_kept() -> None:
    counting = Counting()
    counting.put(task_row("r", "clean[]", TaskState.RUNNING, size=12))
    counting.put(task_row("r", "clean[]", TaskState.RUNNING))
    assert counting.counts("clean[]")[1] == 12
    counting.add_size("clean[]", 13)
    assert counting.counts("clean[]")[1] == 13


def test_rows_are_what_is_counted_as_it_is_sent() -> None:
    counting = Counting()
    for task, state in (("fetch", TaskState.RUNNING), ("clean", TaskState.READY), ("fetch", TaskState.SUCCEEDED)):
        counting.put(task_row("r", task, state))
        expected = [bulk.encoded(bulk.node_row(node, size)) for node, size in counting.all()]
        assert [bytes(row) for row in counting.rows()] == expected
    assert [node.task for node, _ in counting.all()] == ["clean", "fetch"]


def test_times_of_what_has_ended_come_from_the_store() -> None:
    counting = Counting()
    counting.put(task_row("r", "clean", TaskState.RUNNING, 5, started_us=50))
    counting.add_times([NodeCounts(task="clean", counts={}, ready_us=1, started_us=2, finished_us=30)])
    found, _ = counting.counts("clean")
    assert (found.started_us, found.finished_us) == (2, 30)
