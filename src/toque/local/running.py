"""Running: `toque run`, `resume`, `retry`, `rerun`; a run in this process with its workers beside it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from toque.engine.facts import AnyFact
from toque.engine.inputs import Cancel
from toque.engine.rows import RunRow
from toque.engine.states import TaskState
from toque.errors import Conflict, NotFound, UserError
from toque.graph.ir import Pipeline
from toque.local.authored import Authored, author, new_row, relative
from toque.local.result import Run
from toque.local.returned import returned
from toque.local.site import Site, opened
from toque.ports.executor import Signal
from toque.ports.store import StoredRun, TaskFilter
from toque.runtime.adoption import taken
from toque.runtime.messages import Launch
from toque.runtime.owned import OwnedRun
from toque.settings import Settings
from toque.store import bundles
from toque.worker import values

NOT_DONE = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})
ALL_ROWS = 10_000_000


class Watcher(Protocol):
    """Who is shown what happens, after it was committed."""

    def listener(self, run: OwnedRun, facts: Sequence[AnyFact], /) -> None: ...

    def signal(self, signal: Signal, /) -> None: ...


def run_file(
    settings: Settings,
    file: Path,
    name: str = "",
    *,
    parameters: Mapping[str, Any],
    executor: str | None = None,
    actor: str = "",
    watcher: Watcher | None = None,
) -> Run[Any]:
    """Run a pipeline of a file to its end, durably. Ctrl-C cancels the run, a second one leaves it to be resumed.

    Raises `UserError`, `StoreUnavailable`, and `KeyboardInterrupt` after the second Ctrl-C.
    """
    path = relative(settings, file)

    async def main() -> Run[Any]:
        bundle = bundles.snapshot(settings.project, settings.bundle)
        async with opened(settings, role="run", executor=executor) as site:
            authored = await _authored(site, bundle, path, name, parameters)
            authored.row.actor = actor
            await site.store.put_version(authored.row, make_current=True)
            row = new_row(authored.pipeline.name, authored.row.version, authored.parameters, site.clock.now_us())
            row.actor = actor
            return await _launch(site, row, authored, watcher)

    return asyncio.run(main())


def resume(settings: Settings, run_id: str | None = None, *, watcher: Watcher | None = None) -> list[Run[Any]]:
    """Go on with interrupted runs that no living process owns (or with one of them); returns them ended."""

    async def main() -> list[Run[Any]]:
        async with opened(settings, role="run") as site:
            if watcher is not None:
                site.runtime.listen(watcher.listener, watcher.signal)
            dead = await site.store.dead_instances()
            pages = taken(site.store, site.runtime.instance, dead)
            adopted = [each async for page in pages for each in page]
            if run_id is not None and run_id not in adopted:
                raise UserError(f"run {run_id} is not interrupted: it has ended, or a living process owns it")
            chosen = adopted if run_id is None else [run_id]
            ends = [site.runtime.wait(each) for each in chosen]
            await site.runtime.bring_in(chosen)
            with _interruptible(site, chosen):
                rows = await asyncio.gather(*ends)
            return [await finished(site, row) for row in rows]

    return asyncio.run(main())


def retry(settings: Settings, run_id: str, *, actor: str = "", watcher: Watcher | None = None) -> Run[Any]:
    """A new run that repeats what failed in an ended run, and everything behind it."""
    return _again(settings, run_id, None, False, actor, watcher)


def rerun(
    settings: Settings,
    run_id: str,
    *,
    tasks: Sequence[str],
    new_code: bool = False,
    actor: str = "",
    watcher: Watcher | None = None,
) -> Run[Any]:
    """A new run that repeats `tasks` and everything behind them, with the inputs of an ended run."""
    return _again(settings, run_id, tuple(tasks), new_code, actor, watcher)


def _again(
    settings: Settings,
    run_id: str,
    tasks: tuple[str, ...] | None,
    new_code: bool,
    actor: str,
    watcher: Watcher | None,
) -> Run[Any]:
    async def main() -> Run[Any]:
        async with opened(settings, role="run") as site:
            stored = await site.store.load_run(run_id)
            if stored is None:
                raise NotFound(f"there is no run {run_id}", fix="toque runs lists them")
            origin = stored.run
            version = origin.version
            if new_code:
                current = await site.store.current_version(origin.pipeline)
                version = current.version if current is not None else version
            pipeline, bundle = await site.versions.get(version)
            anew = reuse_of(pipeline, stored, tasks)
            row = again_row(stored, version, anew, site.clock.now_us())
            row.actor = actor
            launch = Launch(row, pipeline, bundle, stored.tasks)
            return await _watch(site, launch, watcher)

    return asyncio.run(main())


def reuse_of(pipeline: Pipeline, origin: StoredRun, tasks: tuple[str, ...] | None) -> tuple[str, ...]:
    """The nodes that run anew even where they succeeded; what did not, and what is behind, does so by itself.

    `tasks`: None for a retry. Raises `Conflict` if the run has not ended or nothing failed, `NotFound` for a task."""
    run = origin.run
    if not run.state.is_terminal:
        raise Conflict(f"run {run.run_id} has not ended: it is {run.state}", fix="toque resume, or toque cancel")
    if tasks is None:
        if all(row.state not in NOT_DONE for row in origin.tasks):
            raise Conflict(
                f"nothing failed in run {origin.run.run_id}: it {origin.run.state}", fix="toque rerun RUN --from TASK"
            )
        return ()
    known = {node.id for node in pipeline.nodes}
    for name in tasks:
        if name not in known:
            raise NotFound(f"{pipeline.name} has no task {name!r}", fix=f"it has: {', '.join(sorted(known))}")
    return tasks


def again_row(origin: StoredRun, version: str, anew: tuple[str, ...], now_us: int) -> RunRow:
    """A queued run that takes over what `origin` recorded, but for `anew` and what is behind it."""
    run = origin.run
    row = new_row(run.pipeline, version, run.parameters, now_us, origin_run=run.run_id)
    row.reuse = anew
    row.logical_us, row.partition_key = run.logical_us, run.partition_key
    row.interval_start_us, row.interval_end_us = run.interval_start_us, run.interval_end_us
    row.tags = run.tags
    return row


async def _authored(
    site: Site, bundle: bundles.Bundle, file: Path, name: str, parameters: Mapping[str, Any]
) -> Authored:
    """Load the pipeline while the worker processes come up."""
    return await asyncio.to_thread(author, site.settings, bundle, file, name, parameters, site.clock.now_us())


async def _launch(site: Site, row: RunRow, authored: Authored, watcher: Watcher | None) -> Run[Any]:
    site.versions.learn(authored.row.version, authored.pipeline, authored.bundle)
    return await _watch(site, Launch(row, authored.pipeline, authored.bundle), watcher)


async def _watch(site: Site, launch: Launch, watcher: Watcher | None) -> Run[Any]:
    if watcher is not None:
        site.runtime.listen(watcher.listener, watcher.signal)
    with _interruptible(site, [launch.row.run_id]):
        return await finished(site, await site.runtime.launch(launch))


async def finished(site: Site, row: RunRow) -> Run[Any]:
    """The ended run with what it recorded."""
    pipeline, _ = await site.versions.get(row.version)
    tasks = await site.store.list_tasks(TaskFilter(run_id=row.run_id, limit=ALL_ROWS))
    return Run(row, tasks, lambda ref: values.decode(ref, site.blobs), returned(pipeline, row, tasks, site.blobs))


@contextmanager
def _interruptible(site: Site, run_ids: Sequence[str]) -> Iterator[None]:
    """Ctrl-C cancels the runs and waits for their end; a second one leaves them as they are."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    pressed = 0

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1 and main is not None:
            main.cancel()
            return
        for run_id in run_ids:
            site.runtime.post(Cancel(run_id=run_id, actor="Ctrl-C", reason="interrupted at the terminal"))

    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (ValueError, NotImplementedError, RuntimeError):
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt(f"to go on: toque resume {' '.join(run_ids)}") from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
