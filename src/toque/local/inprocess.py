"""`pipeline.run()`: a run in this process, in memory, with the same engine and runtime as everywhere else."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from toque.authoring import overrides
from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.graph import canonical
from toque.local.result import Run, RunFailed
from toque.local.returned import returned
from toque.ports.clock import Clock
from toque.ports.executor import BundleRef
from toque.ports.store import TaskFilter
from toque.runtime.clock import SystemClock
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.options import RuntimeOptions
from toque.runtime.versions import Versions
from toque.store.blobs import MemoryBlobs
from toque.store.memory import MemoryStore
from toque.worker import values

T = TypeVar("T")

IN_PROCESS = BundleRef(hash="", path="", project="")
ALL_ROWS = 10_000_000
NO_OTHERS_S = 100 * 365 * 86_400.0
"""No other process writes to a store in memory: nothing is worth a look, and a virtual clock need not stop for one."""


def run_pipeline(runnable: Any, params: Mapping[str, Any], *, check: bool = True) -> Run[Any]:
    """Run `runnable` (a pipeline or flow of this process) to its end.

    Raises `UserError` for wrong parameters and, with `check`, `RunFailed` (its `.run` is the run) unless the
    run succeeded. Works in a notebook too: under a running loop the run gets a thread of its own.
    """
    parameters = runnable.validate(params)
    run = apart(lambda: _run(runnable, parameters))
    if check and run.state != RunState.SUCCEEDED:
        raise RunFailed(run)
    return run


def apart(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine on a loop of its own, whether or not one is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    outcome: list[T] = []
    error: list[BaseException] = []

    def main() -> None:
        try:
            outcome.append(asyncio.run(start()))
        except BaseException as raised:
            error.append(raised)

    # What a test has put in place (`toque.testing`) is in context variables.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(main,), name="toque-run")
    thread.start()
    thread.join()
    if error:
        raise error[0]
    return outcome[0]


async def _run(runnable: Any, parameters: dict[str, Any]) -> Run[Any]:
    from toque.executors.flow.inline import InlineFlows
    from toque.executors.inline import MAX_HELD, InlineExecutor

    clock: Clock = overrides.current().clock or SystemClock()
    pipeline = runnable.ir
    blobs = MemoryBlobs()
    store = MemoryStore()
    await store.open()
    versions = Versions(store, lambda row: IN_PROCESS)
    version = canonical.content_hash(pipeline)
    versions.learn(version, pipeline, IN_PROCESS)
    inline = InlineExecutor(lambda: blobs, now_us=clock.now_us)
    flows = InlineFlows(lambda: blobs, now_us=clock.now_us)
    if hasattr(clock, "is_busy"):
        clock.is_busy = lambda: inline.free() < MAX_HELD or flows.is_busy
    runtime = Runtime(
        store=store,
        blobs=blobs,
        executors={
            "process": inline,
            "flow": flows,
        },
        versions=versions,
        clock=clock,
        options=RuntimeOptions(adopt=False, poll_s=NO_OTHERS_S, relay_s=NO_OTHERS_S),
    )
    now_us = clock.now_us()
    row = RunRow(
        run_id=new_run_id(now_us),
        pipeline=pipeline.name,
        version=version,
        state=RunState.QUEUED,
        parameters=parameters,
        created_us=now_us,
        logical_us=now_us,
    )
    await runtime.start()
    try:
        ended = await runtime.launch(Launch(row, pipeline, IN_PROCESS))
    finally:
        await runtime.stop()
    tasks = await store.list_tasks(TaskFilter(run_id=row.run_id, limit=ALL_ROWS))

    def read(ref: Any) -> Any:
        return values.decode(ref, blobs)

    return Run(ended, tasks, read, returned(pipeline, ended, tasks, blobs))
