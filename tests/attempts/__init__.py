"""Attempts for tests: user code to run (`jobs`), specs that name it, and a sink that remembers what it was told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toque.engine.inputs import AnyReport, AttemptStarted, AttemptSucceeded
from toque.engine.values import Token, ValueRef
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, TaskNode, TaskPolicy
from toque.ports.executor import AttemptSpec, BundleRef, Executor, Signal, WorkItem

HERE = Path(__file__).parent
BUNDLE = BundleRef(hash="jobs", path=str(HERE), project=str(HERE))
PATIENCE_S = 30.0
"""A test that waits longer has failed."""

_numbers = itertools.count(1)


def node(function: str, /, *args: Any, policy: Mapping[str, Any] | None = None, **fields: Any) -> TaskNode:
    """A node that calls `jobs.<function>` with constants; `fields` are those of `TaskNode`."""
    mode = "async" if function in ("echo_async", "wait_forever", "block_the_loop") else "sync"
    return TaskNode(
        id=fields.pop("id", function),
        code=CodeRef(module="jobs", qualname=function, mode=mode),
        args=fields.pop("exprs", tuple(Const(constants.encode(arg)) for arg in args)),
        policy=TaskPolicy(**(policy or {})),
        **fields,
    )


def spec(of: TaskNode, **fields: Any) -> AttemptSpec:
    """An attempt at it, with a token of its own."""
    number = next(_numbers)
    return AttemptSpec(
        run_id=fields.pop("run_id", "r1"),
        task=of.id,
        attempt=fields.pop("attempt", 1),
        token=fields.pop("token", Token(1, number)),
        node=of,
        idempotency_key=f"key-{of.id}",
        **fields,
    )


class Recorder:
    """A sink."""

    def __init__(self) -> None:
        self.reports: list[AnyReport] = []
        self.signals: list[Signal] = []
        self.capacity_changes = 0
        self._changed = asyncio.Event()

    def report(self, report: AnyReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        self._changed.set()

    def capacity_changed(self) -> None:
        self.capacity_changes += 1

    def about(self, token: Token) -> list[AnyReport]:
        return [report for report in self.reports if report.token == token]

    def end(self, token: Token) -> AnyReport | None:
        return next((r for r in self.about(token) if not isinstance(r, AttemptStarted)), None)

    async def until(self, condition: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self._changed.clear()
                await self._changed.wait()
        return found


class Bench:
    """An executor with a sink, and words for what tests do with them."""

    def __init__(self, executor: Executor, tmp_path: Path, bundle: BundleRef = BUNDLE) -> None:
        self.executor = executor
        self.sink = Recorder()
        self.tmp_path = tmp_path
        self.bundle = bundle

    def submit(self, *specs: AttemptSpec) -> None:
        self.executor.submit(WorkItem(bundle=self.bundle, attempts=specs))

    def begin(
        self, function: str, /, *args: Any, policy: Mapping[str, Any] | None = None, **fields: Any
    ) -> AttemptSpec:
        """Submit one attempt that keeps a log."""
        made = self.prepared(function, *args, policy=policy, **fields)
        self.submit(made)
        return made

    def prepared(
        self, function: str, /, *args: Any, policy: Mapping[str, Any] | None = None, **fields: Any
    ) -> AttemptSpec:
        of_node = {name: fields.pop(name) for name in list(fields) if name in _NODE_FIELDS}
        made = spec(node(function, *args, policy=policy, **of_node), **fields)
        return msgspec.structs.replace(made, log_path=str(self.tmp_path / "logs" / f"{made.token.n}.jsonl"))

    async def end(self, of: AttemptSpec) -> Any:
        """The report that ends it."""
        return await self.sink.until(lambda: self.sink.end(of.token))

    async def started(self, of: AttemptSpec) -> Any:
        return await self.sink.until(lambda: [r for r in self.sink.about(of.token) if isinstance(r, AttemptStarted)])

    async def run(self, function: str, /, *args: Any, policy: Mapping[str, Any] | None = None, **fields: Any) -> Any:
        """Submit and wait for the end."""
        return await self.end(self.begin(function, *args, policy=policy, **fields))

    def log(self, of: AttemptSpec) -> list[dict[str, Any]]:
        path = Path(of.log_path)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def messages(self, of: AttemptSpec) -> list[str]:
        return [line["msg"] for line in self.log(of)]


_NODE_FIELDS = {"exprs", "kwargs", "inject", "exports", "lengths", "id"}


def value(report: Any) -> Any:
    """The small result of a report."""
    assert isinstance(report, AttemptSucceeded), report
    return inline(report.result)


def inline(ref: ValueRef) -> Any:
    assert ref.codec == "json"
    assert ref.inline is not None
    return constants.decode(msgspec.json.decode(ref.inline))
