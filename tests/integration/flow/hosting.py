"""A flow host and a sink that answers steps when a test says so."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal as signals
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from toque.authoring.flows import Flow
from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyInput, AttemptStarted, AttemptSucceeded, StepRequested
from toque.engine.values import ErrorInfo, TaskKey, Token, ValueRef
from toque.executors.flow.host import FlowHost
from toque.executors.process import ProcessOptions
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, BundleRef, Signal, WorkItem
from toque.store.blobs import open_blobs
from toque.worker import values

HERE = Path(__file__).parent
T = TypeVar("T")


class Bench:
    """The runtime's part: dispatches, records, answers."""

    def __init__(self, tmp_path: Path, *, lease: str = "", **environ: str) -> None:
        self.blobs = open_blobs(str(tmp_path / "blobs"))
        self.logs = tmp_path / "logs"
        self.host = FlowHost(
            ProcessOptions(
                project=str(HERE),
                state_dir=str(tmp_path / "state"),
                blobs_url=str(tmp_path / "blobs"),
                environ=environ,
                lease=lease,
            )
        )
        self.said: list[AnyInput] = []
        self.signals: list[Signal] = []
        self.record: dict[TaskKey, AnswerStep] = {}
        self._changed = asyncio.Condition()
        self._numbers = itertools.count(1)
        self._notes: set[asyncio.Task[None]] = set()

    # -- the sink

    def report(self, report: AnyInput) -> None:
        self.said.append(report)
        self._notify()
        if isinstance(report, StepRequested):
            key = step_of(report)
            if key in self.record:
                self.host.answer(msgspec.structs.replace(self.record[key], token=report.token))

    def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        self._notify()

    def capacity_changed(self) -> None:
        pass

    def _notify(self) -> None:
        note = asyncio.get_running_loop().create_task(self._note())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # -- what tests do

    def begin(
        self, flow: Flow[..., Any], *, bundle: str = str(HERE), environment: str = "", **parameters: Any
    ) -> AttemptSpec:
        (node,) = flow.ir.nodes
        assert isinstance(node, TaskNode)
        # The module that a host imports is the one in the bundle.
        code = msgspec.structs.replace(node.code, module="hosted_flows")
        number = next(self._numbers)
        spec = AttemptSpec(
            run_id=f"run-{number}",
            task=node.id,
            attempt=1,
            token=Token(1, number),
            node=msgspec.structs.replace(node, code=code),
            parameters=flow.validate(parameters),
            log_path=str(self.logs / f"{number}.jsonl"),
        )
        return self.submit(spec, bundle=bundle, environment=environment)

    def begin_again(self, spec: AttemptSpec) -> AttemptSpec:
        return self.submit(msgspec.structs.replace(spec, token=Token(1, next(self._numbers))))

    def submit(self, spec: AttemptSpec, *, bundle: str = str(HERE), environment: str = "") -> AttemptSpec:
        ref = BundleRef(hash="h", path=bundle, project=bundle)
        self.host.submit(WorkItem(bundle=ref, environment=environment, attempts=(spec,)))
        return spec

    def end(self, request: StepRequested, result: Any = None, *, error: ErrorInfo | None = None) -> None:
        key = step_of(request)
        answer = AnswerStep(
            body=TaskKey(request.body, request.body_index),
            step=key,
            order=1 + sum(1 for other in self.record if other.task.startswith(f"{request.body}/")),
            token=request.token,
            result=None if error is not None else self.encoded(result),
            error=error,
        )
        self.record[key] = answer
        self.host.answer(answer)

    async def until(self, found: Callable[[], T | None]) -> T:
        """What `found` gives as soon as it gives something. Fails after 20 seconds."""
        async with asyncio.timeout(20), self._changed:
            while (value := found()) is None:
                await self._changed.wait()
            return value

    async def step(self, spec: AttemptSpec, number: int = 0) -> StepRequested:
        """The request of that number of a dispatch."""

        def found() -> StepRequested | None:
            asked = [said for said in self.said if isinstance(said, StepRequested) and said.token == spec.token]
            return asked[number] if len(asked) > number else None

        return await self.until(found)

    async def over(self, spec: AttemptSpec) -> Any:
        """The last report about a dispatch."""
        silent = AttemptStarted | StepRequested

        def found() -> AnyInput | None:
            about = [said for said in self.said if getattr(said, "token", None) == spec.token]
            return next((said for said in about if not isinstance(said, silent)), None)

        return await self.until(found)

    async def result(self, spec: AttemptSpec) -> Any:
        report = await self.over(spec)
        assert isinstance(report, AttemptSucceeded), report
        return values.decode(report.result, self.blobs)

    async def started(self, spec: AttemptSpec) -> AttemptStarted:
        return await self.until(
            lambda: next((s for s in self.said if isinstance(s, AttemptStarted) and s.token == spec.token), None)
        )

    async def progress(self, spec: AttemptSpec) -> Signal:
        """The body has called `progress`."""
        return await self.until(lambda: next((s for s in self.signals if s.run_id == spec.run_id), None))

    async def process_of(self, spec: AttemptSpec) -> int:
        """Pid of the process in which a body lives."""
        return int((await self.started(spec)).worker.rpartition(":")[2])

    async def kill_process_of(self, spec: AttemptSpec) -> None:
        os.kill(await self.process_of(spec), signals.SIGKILL)

    def encoded(self, value: Any) -> ValueRef:
        return values.encode(value, values.Place(self.blobs, lambda: "result"))


def step_of(request: StepRequested) -> TaskKey:
    return TaskKey(request.node.id, (*request.body_index, request.occurrence))
