"""Rows as the wire has them: nothing is lost, nothing is told that lists need not know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests import store_rows as stored
from tests.unit.api.flights import NOW_US
from tests.unit.api.served import Served
from toque.api import bulk, rows
from toque.api.attention import attention
from toque.api.wire.tasks import Progress
from toque.engine.states import TaskState
from toque.engine.values import ErrorInfo
from toque.ports.pages import NodeCounts, Server


@pytest.mark.parametrize(
    ("line", "stream", "level"),
    [
        ({}, "log", "info"),
        ({"stream": "stdout"}, "stdout", "info"),
        ({"stream": "stderr", "level": "error"}, "stderr", "error"),
        ({"stream": "log", "logger": "toque"}, "toque", "info"),
        ({"stream": "log", "logger": "toque.x"}, "log", "info"),
        ({"stream": "traceback"}, "toque", "info"),
        ({"stream": "whatever"}, "toque", "info"),
        ({"newer": [1]}, "log", "info"),
    ],
)
def test_a_line_of_a_log_says_where_it_came_from(line: dict[str, Any], stream: str, level: str) -> None:
    raw = json.dumps({"t": 7, "msg": "text", **line}).encode()
    found = rows.log_line(3, raw)
    assert found is not None
    assert (found.n, found.at_us, found.text, found.stream, found.level) == (3, 7, "text", stream, level)


@pytest.mark.parametrize("raw", [b"", b"\n", b"{", b"[]", b'{"msg": "no time"}', b'{"t": "x"}', b"\xff\xfe", b"null"])
def test_a_line_that_a_kill_cut_in_two_is_none(raw: bytes) -> None:
    assert rows.log_line(1, raw) is None


@pytest.mark.parametrize("state", [*TaskState])
def test_progress_is_told_until_the_end(state: TaskState) -> None:
    shown = rows.task_run(stored.task(state=state), Progress(done=1, total=2))
    assert (shown.progress is None) == state.is_terminal


def test_a_full_row_keeps_what_people_read() -> None:
    row = stored.full_task()
    shown = rows.task_run(row)
    assert (shown.task, shown.index, shown.state) == (row.task, [0, 4_294_967_295], row.state)
    assert (shown.attempt, shown.retries, shown.worker, shown.reason) == (3, 2, "höst:1", "because")
    assert (shown.result_kind, shown.size, shown.due_us) == ("arrow", 100_000, 5)
    assert shown.error is not None
    assert shown.error.sample == [[1, {}]]
    assert shown.error.traceback == shown.error.cause == ""


def test_without_an_error_there_is_none() -> None:
    assert rows.error(None) is None
    assert rows.error(None, traceback="text") is None


def test_an_error_comes_with_what_its_log_says() -> None:
    info = ErrorInfo(kind="transient", type="T", message="m", file="f.py", line=3, retryable=False)
    found = rows.error(info, traceback="long", cause="why")
    assert found is not None
    assert (found.traceback, found.cause, found.retryable, found.line) == ("long", "why", False, 3)


def test_states_that_nobody_is_in_are_left_out() -> None:
    counts = NodeCounts(
        task="t", counts={TaskState.FAILED: 2, TaskState.RUNNING: 0}, ready_us=1, started_us=2, finished_us=3
    )
    shown = bulk.node_row(counts, 9)
    assert (shown.counts, shown.total, shown.size) == ({"failed": 2}, 2, 9)


def test_an_attempt_tells_how_it_ended() -> None:
    shown = rows.attempt(stored.attempt(2))
    assert (shown.attempt, shown.outcome, shown.started_us, shown.finished_us) == (2, "failed", 20, 25)
    assert shown.error is not None
    assert shown.error.sample == [{"a": None}]


def test_a_run_keeps_its_interval_and_where_it_came_from() -> None:
    row = stored.run(
        interval_start_us=1,
        interval_end_us=2,
        origin_run="r0",
        backfill_id="b",
        priority=-1,
        tags={"a": "b"},
        fact_seq=4,
    )
    shown = rows.run(row)
    assert (shown.interval_start_us, shown.interval_end_us, shown.origin_run, shown.backfill_id) == (1, 2, "r0", "b")
    assert (shown.priority, shown.tags, shown.fact_seq, shown.owner) == (-1, {"a": "b"}, 4, stored.ME)


# -- processes that are gone


def server(name: str, *, alive: bool, active_runs: int) -> Server:
    return Server(
        instance=name,
        boot=1,
        pid=2,
        host="box",
        role="server",
        since_us=NOW_US,
        lease_until_us=0,
        alive=alive,
        active_runs=active_runs,
    )


class Known:
    """A history in which these processes are registered."""

    def __init__(self, history: Any, servers: Sequence[Server]) -> None:
        self._history = history
        self._servers = servers

    async def servers(self) -> Sequence[Server]:
        return self._servers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)


@pytest.mark.parametrize(
    ("alive", "active_runs", "told"), [(False, 3, True), (False, 0, False), (True, 3, False), (True, 0, False)]
)
async def test_a_dead_process_needs_a_person_while_runs_wait_for_it(
    bare: Served, alive: bool, active_runs: int, told: bool
) -> None:
    known = Known(bare.store.history, [server("s1", alive=alive, active_runs=active_runs)])
    bare.store.__dict__["history"] = known
    found = await attention(replace(bare.services, store=bare.store))
    assert [(each.kind, each.title, each.count) for each in found] == (
        [("down_worker", "s1 on box is gone", 3)] if told else []
    )
    [row] = (await bare.get("/system"))["servers"]
    assert (row["instance"], row["alive"], row["this"]) == ("s1", alive, False)


def test_what_is_shown_of_a_run_is_json_that_a_browser_reads() -> None:
    """Numbers beyond those that are exact there are text."""
    row = stored.run(parameters={"big": 2**60, "when": {"$": "date", "v": "2026-01-01"}, "nan": float("nan")})
    shown = msgspec.json.decode(rows.run(row).model_dump_json())
    assert shown["parameters"] == {"big": str(2**60), "when": "2026-01-01", "nan": "nan"}
