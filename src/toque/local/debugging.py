"""Debugging: one attempt again, in this process, with the inputs that were recorded. Nothing is recorded."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.engine.restore import restore
from toque.engine.values import MapIndex, TaskKey, Token
from toque.errors import Conflict, NotFound
from toque.local.site import bundle_ref
from toque.ports.executor import AttemptSpec
from toque.runtime.clock import SystemClock
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import OwnedRun
from toque.runtime.specs import Specs
from toque.runtime.versions import Versions
from toque.settings import Settings
from toque.store import open_store
from toque.store.blobs import open_blobs
from toque.worker import attempt, code, values
from toque.worker.environment import Environment


def debug(settings: Settings, run_id: str, task: str, map_index: MapIndex, *, pdb: bool = False) -> None:
    """Make one attempt at a task run. With `pdb`, the debugger opens where an exception is raised.

    Raises `UserError` when the run or task run does not exist, or its inputs were not all produced.
    """
    owned = asyncio.run(_load(settings, run_id))
    key = TaskKey(task, map_index)
    if owned.machine.state_code(key) is None:
        raise NotFound(f"run {run_id} has no task run {key}", fix="toque runs RUN lists them")
    node = owned.machine.nodes[task]
    if node.host is not None:
        raise Conflict(
            f"{node.plan.host} runs {key} with others: it has no attempt of its own",
            fix=f"toque debug {TaskKey(node.plan.host, map_index)}",
        )
    blobs = open_blobs(settings.blobs_url)
    spec = Specs(blobs, RuntimeOptions()).build(owned, key, 1, Token(0, 0))
    if node.hosted:
        # Again means all of them, however they ended.
        spec = msgspec.structs.replace(spec, members=tuple((member.plan.id, 1) for member in node.hosted))
    code.lead_with(owned.bundle.path)
    os.chdir(settings.project)
    env = Environment(lambda: blobs, lambda: settings, lambda signal: None, now_us=SystemClock().now_us, worker="debug")
    env.masker.add(*[secret.reveal() for secret in settings.all_secrets()])
    _attempt(spec, env, blobs, pdb)


async def _load(settings: Settings, run_id: str) -> OwnedRun:
    store = open_store(settings.store_url)
    await store.open()
    try:
        stored = await store.load_run(run_id)
        if stored is None:
            raise NotFound(f"there is no run {run_id}", fix="toque runs lists them")
        versions = Versions(store, lambda row: bundle_ref(settings, row.bundle))
        pipeline, bundle = await versions.get(stored.run.version)
    finally:
        await store.close()
    machine, _ = restore(pipeline, stored)
    return OwnedRun(machine, pipeline, bundle)


def _attempt(spec: AttemptSpec, env: Environment, blobs: Any, pdb: bool) -> None:
    if pdb:
        _post_mortem_on_raise(spec)
    report = attempt.execute(spec, env)
    match report:
        case AttemptSucceeded(result=result):
            print(f"succeeded: {values.decode(result, blobs)!r}")  # noqa: T201
        case AttemptFailed(error=error):
            where = f" ({Path(error.file).name}:{error.line})" if error.file else ""
            print(f"failed: {error.said}{where}", file=sys.stderr)  # noqa: T201
        case _:
            print(type(report).__name__.removeprefix("Attempt").lower())  # noqa: T201


def _post_mortem_on_raise(spec: AttemptSpec) -> None:
    """Wrap the task's function, so that the debugger sees the frames of the exception itself."""
    import functools
    import pdb

    task = code.locate(spec.node.code)
    body = code.resolve(spec.node.code)

    @functools.wraps(body)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return body(*args, **kwargs)
        except Exception:
            pdb.post_mortem(sys.exc_info()[2])
            raise

    task.__toque_function__ = guarded
