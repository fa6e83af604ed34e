"""Materializing: `toque materialize`; the selected assets are made by a backfill, which this process carries out.

The plan is in the store before its first run starts. When this process ends early, the next server goes on with it, or
`toque resume`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from toque.graph.ir import Pipeline
from toque.local.authored import check_names, version_row
from toque.local.loading import candidates
from toque.local.running import Watcher
from toque.local.selecting import prepare_selection
from toque.local.site import Site, opened
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.store import Store, VersionRow
from toque.runtime.backfill_orders import cancel_backfill
from toque.runtime.backfills import Backfilling
from toque.runtime.planning import PIPELINE, Stage, Wish, plan
from toque.schedule.partitions.ranges import read_strategy
from toque.settings import Settings
from toque.store import bundles


@dataclass(frozen=True, kw_only=True)
class Made:
    """One slice that has ended."""

    assets: tuple[str, ...]
    partition: str
    outcome: str
    """Value of a `SliceState`."""
    run_id: str = ""
    error: str = ""


Told = Callable[[Made], None]


@dataclass(frozen=True)
class Prepared:
    """The versions that make what is wished for, with the code as it is now; none of them is stored yet."""

    rows: tuple[VersionRow, ...]
    stages: tuple[Stage, ...]
    bundle: str


Answers: TypeAlias = dict[tuple[str, str, bool], tuple[Pipeline, ...]]
"""What selections came to, by the snapshot of the code that was asked: the same code answers the same."""
_REMEMBERED = 50
"""Answers: asking costs a second."""


def prepare(settings: Settings, wish: Wish, now_us: int, known: Answers) -> Prepared:
    """Runs in a thread: it snapshots the code, and asks a process that may import it, unless its answer is known.
    Raises `UserError`."""
    bundle = bundles.snapshot(settings.project, settings.bundle)
    question = (bundle.hash, wish.selection, wish.stale)
    pipelines = known.get(question)
    if pipelines is None:
        files = [bundle.path / file.relative_to(settings.project) for file in candidates(settings)]
        planned = prepare_selection(bundle.path, files, wish.selection, PIPELINE, apart=wish.stale)
        pipelines = planned.stages
        if not planned.broken:  # what is amiss with a file may be mended outside of it
            known[question] = pipelines
            for oldest in [*known][:-_REMEMBERED]:
                known.pop(oldest, None)
    rows, stages = [], []
    for pipeline in pipelines:
        check_names(pipeline, settings)
        row = version_row(pipeline, bundle, now_us, actor=wish.actor)
        rows.append(row)
        stages.append(Stage(row.version, pipeline))
    return Prepared(tuple(rows), tuple(stages), bundle.hash)


async def planned(
    store: Store,
    settings: Settings,
    wish: Wish,
    now_us: int,
    *,
    is_preview: bool = False,
    known: Answers | None = None,
) -> tuple[BackfillRow, list[BackfillSlice]]:
    """A backfill that makes what is wished for; in the store, unless it is a preview or nothing is to be made.

    Raises `UserError`, `StoreUnavailable`."""
    prepared, row, slices = await _drafted(store, settings, wish, now_us, {} if known is None else known)
    if not is_preview and row.total:
        await _keep_versions(store, prepared, row)
        await store.backfills.create(row, slices)
    return row, slices


async def _drafted(
    store: Store, settings: Settings, wish: Wish, now_us: int, known: Answers
) -> tuple[Prepared, BackfillRow, list[BackfillSlice]]:
    read_strategy(wish.strategy)  # what is wrong already need not wait for a process
    prepared = await asyncio.to_thread(prepare, settings, wish, now_us, known)
    row, slices = await plan(store, wish, prepared.stages, now_us)
    return prepared, row, slices


async def _keep_versions(store: Store, prepared: Prepared, row: BackfillRow) -> None:
    wanted = {stage.version for stage in row.stages}
    for version in prepared.rows:
        if version.version in wanted:
            await store.put_version(version, make_current=False)


class ProjectPlans:
    """A `Plans` (see `toque.api.services`), and the `Drafts` of automation."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: Answers = {}

    async def plan(self, wish: Wish, *, is_preview: bool) -> tuple[BackfillRow, list[BackfillSlice]]:
        """See `Plans.plan`."""
        site = self._site
        return await planned(
            site.store, site.settings, wish, site.clock.now_us(), is_preview=is_preview, known=self._known
        )

    async def draft(self, wish: Wish) -> tuple[BackfillRow, list[BackfillSlice]]:
        """See `Drafts.draft`."""
        site = self._site
        prepared, row, slices = await _drafted(site.store, site.settings, wish, site.clock.now_us(), self._known)
        await _keep_versions(site.store, prepared, row)
        return row, slices


def materialize(settings: Settings, wish: Wish, *, told: Told, watcher: Watcher | None = None) -> BackfillRow:
    """Make what `wish` selects; `told` hears of each slice as it ends. Raises `UserError` before the first run.

    Ctrl-C cancels the backfill; a second one leaves it, to be resumed."""

    async def main() -> BackfillRow:
        async with opened(settings, role="run") as site:
            if watcher is not None:
                site.runtime.listen(watcher.listener, watcher.signal)
            row, _ = await planned(site.store, settings, wish, site.clock.now_us())
            if not row.total:
                return row
            [ended] = await _carry_out(site, [row], told)
            return ended

    return asyncio.run(main())


def preview(settings: Settings, wish: Wish) -> tuple[BackfillRow, list[BackfillSlice]]:
    """What `materialize` would do."""

    async def main() -> tuple[BackfillRow, list[BackfillSlice]]:
        async with opened(settings, role="run") as site:
            return await planned(site.store, settings, wish, site.clock.now_us(), is_preview=True)

    return asyncio.run(main())


def go_on(settings: Settings, ids: Sequence[str] = (), *, told: Told) -> list[BackfillRow]:
    """Carry out backfills that are under way (those, or all but paused ones) to their end, in this process."""

    async def main() -> list[BackfillRow]:
        async with opened(settings, role="run") as site:
            await site.runtime.adopt()
            running = await site.store.backfills.running()
            chosen = [row for row in running if (row.id in ids if ids else not row.paused)]
            return await _carry_out(site, chosen, told)

    return asyncio.run(main())


async def _carry_out(site: Site, rows: Sequence[BackfillRow], told: Told) -> list[BackfillRow]:
    def on_slices(row: BackfillRow, slices: Sequence[BackfillSlice]) -> None:
        for each in slices:
            if each.state.is_terminal:
                told(made_of(row, each))

    ids = [row.id for row in rows]
    backfilling = Backfilling(site.store, site.runtime, site.versions, site.clock, only=ids, told=on_slices)
    with _interruptible(site, ids):
        carrying = backfilling.start()
        ends = asyncio.ensure_future(_all_ended(backfilling, ids))
        carrying.add_done_callback(lambda _: ends.cancel())
        try:
            return await ends
        except asyncio.CancelledError:
            if carrying.done() and not carrying.cancelled():
                carrying.result()  # what ended it
            raise
        finally:
            await backfilling.stop()


async def _all_ended(backfilling: Backfilling, ids: Sequence[str]) -> list[BackfillRow]:
    return list(await asyncio.gather(*(backfilling.ended(each) for each in ids)))


def made_of(row: BackfillRow, slice_: BackfillSlice) -> Made:
    """As commands show it."""
    return Made(
        assets=row.stages[slice_.stage].assets,
        partition=slice_.partition,
        outcome=slice_.state.value,
        run_id=slice_.run_id,
        error=slice_.error,
    )


@contextmanager
def _interruptible(site: Site, ids: Sequence[str]) -> Iterator[None]:
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    orders: list[asyncio.Task[BackfillRow]] = []

    def interrupt() -> None:
        if orders:
            if main is not None:
                main.cancel()
            return
        for each in ids:
            order = cancel_backfill(
                site.store, each, actor="Ctrl-C", reason="interrupted at the terminal", now_us=site.clock.now_us()
            )
            orders.append(asyncio.ensure_future(order))

    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (ValueError, NotImplementedError, RuntimeError):  # not the main thread
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt("to go on: toque resume") from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
