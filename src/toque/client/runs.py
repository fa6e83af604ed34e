"""Runs of the client: start, look, wait, act."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toque.api.wire.actions import ActionPreview
from toque.api.wire.graphs import Graph
from toque.api.wire.model import Page
from toque.api.wire.runs import Comparison, Run
from toque.api.wire.tasks import LogPage, RunDetail, TaskRun, TaskRunDetail, Timeline
from toque.api.wire.values import Preview

if TYPE_CHECKING:
    from toque.client.transport import Transport

POLL_S = 0.1
LONGEST_POLL_S = 2.0


class Runs:
    """Runs and their task runs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.tasks = Tasks(transport)

    def start(
        self, pipeline: str, parameters: Mapping[str, Any] | None = None, *, reason: str = "", key: str = ""
    ) -> Run:
        """Start a run of the current version. The same `key` again means the same run."""
        body = {"parameters": dict(parameters or {}), "reason": reason}
        return Run.model_validate(self._transport.post("pipelines", pipeline, "runs", body=body, key=key))

    def list(
        self, *, pipeline: str = "", states: Sequence[str] = (), search: str = "", limit: int = 50
    ) -> Iterator[Run]:
        """Newest first, at most `limit`."""
        cursor, left = "", limit
        while left > 0:
            query = {
                "pipeline": pipeline,
                "state": list(states),
                "search": search,
                "limit": min(left, 500),
                "cursor": cursor,
            }
            page = Page[Run].model_validate(self._transport.get("runs", query=query))
            yield from page.items
            left -= len(page.items)
            if page.next is None:
                return
            cursor = page.next

    def get(self, run_id: str) -> RunDetail:
        """One run."""
        return RunDetail.model_validate(self._transport.get("runs", run_id))

    def graph(self, run_id: str) -> Graph:
        """Its graph, with the steps of its flows."""
        return Graph.model_validate(self._transport.get("runs", run_id, "graph"))

    def timeline(self, run_id: str) -> Timeline:
        """Where the time went."""
        return Timeline.model_validate(self._transport.get("runs", run_id, "timeline"))

    def wait(self, run_id: str, *, timeout_s: float | None = None) -> RunDetail:
        """The run once it has ended. Raises `TimeoutError`."""
        due_s = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = POLL_S
        while not (run := self.get(run_id)).state.is_terminal:
            if due_s is not None and time.monotonic() > due_s:
                raise TimeoutError(f"run {run_id} is {run.state} after {timeout_s:g} s")
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_POLL_S)
        return run

    def cancel(self, run_id: str, *, reason: str = "") -> Run:
        """First kindly, then by force."""
        return self._act(run_id, "cancel", reason=reason)

    def suspend(self, run_id: str, *, reason: str = "") -> Run:
        """Start nothing more of it until it is resumed."""
        return self._act(run_id, "suspend", reason=reason)

    def resume(self, run_id: str) -> Run:
        """Go on with a suspended run."""
        return self._act(run_id, "resume")

    def retry(self, run_id: str, *, new_code: bool = False, key: str = "") -> Run:
        """A new run that repeats what failed, and everything behind it."""
        return self._act(run_id, "retry", key=key, new_code=new_code)

    def rerun(self, run_id: str, tasks: Sequence[str], *, new_code: bool = False, key: str = "") -> Run:
        """A new run that repeats `tasks` and everything behind them."""
        return self._act(run_id, "rerun", key=key, tasks=[*tasks], new_code=new_code)

    def preview(self, run_id: str, action: str, **body: Any) -> ActionPreview:
        """What `cancel`, `suspend`, `resume`, `retry`, `rerun` or `mark` would touch."""
        answer = self._transport.post("runs", run_id, action, body={**body, "preview": True})
        return ActionPreview.model_validate(answer)

    def compare(self, a: str, b: str) -> Comparison:
        """Two runs side by side."""
        return Comparison.model_validate(self._transport.get("compare", query={"a": a, "b": b}))

    def _act(self, run_id: str, action: str, *, key: str = "", **body: Any) -> Run:
        return Run.model_validate(self._transport.post("runs", run_id, action, body=body, key=key))


class Tasks:
    """Task runs of a run, addressed by task and map index (`3.1`)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, run_id: str, *, task: str = "", states: Sequence[str] = (), search: str = "") -> Iterator[TaskRun]:
        """By task and map index, page by page."""
        cursor = ""
        while True:
            query = {"task": task, "state": list(states), "search": search, "limit": 500, "cursor": cursor}
            page = Page[TaskRun].model_validate(self._transport.get("runs", run_id, "tasks", query=query))
            yield from page.items
            if page.next is None:
                return
            cursor = page.next

    def get(self, run_id: str, task: str, index: str = "") -> TaskRunDetail:
        """One task run in full: attempts, inputs, output, why it waits."""
        found = self._transport.get("runs", run_id, "task", query={"task": task, "index": index})
        return TaskRunDetail.model_validate(found)

    def value(
        self, run_id: str, task: str, index: str = "", *, which: str = "output", offset: int = 0, limit: int = 100
    ) -> Preview:
        """A page of an output, `input:NAME` or `artifact:NAME`."""
        query = {"task": task, "index": index, "which": which, "offset": offset, "limit": limit}
        return Preview.model_validate(self._transport.get("runs", run_id, "value", query=query))

    def logs(self, run_id: str, task: str, index: str = "", *, attempt: int = 0, after: int = 0) -> LogPage:
        """Lines of the log of an attempt (0: the last one)."""
        query = {"task": task, "index": index, "attempt": attempt, "after": after}
        return LogPage.model_validate(self._transport.get("runs", run_id, "logs", query=query))

    def log_text(self, run_id: str, task: str, index: str = "", *, attempt: int = 0) -> str:
        """The whole log of an attempt."""
        query = {"task": task, "index": index, "attempt": attempt}
        return self._transport.text("runs", run_id, "logs", "download", query=query)

    def mark(self, run_id: str, task: str, state: str, *, index: str = "", reason: str = "") -> Run:
        """Declare the outcome of a task run that has not ended."""
        body = {"task": task, "index": index, "state": state, "reason": reason}
        return Run.model_validate(self._transport.post("runs", run_id, "mark", body=body))

    def cancel(self, run_id: str, task: str, index: str = "", *, reason: str = "") -> Run:
        """Cancel one task run."""
        body = {"task": task, "index": index, "reason": reason}
        return Run.model_validate(self._transport.post("runs", run_id, "cancel", body=body))
