"""Orders about backfills that are under way, or have ended: pause, resume, cancel, try again what failed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from toque.engine.states import BackfillState, SliceState
from toque.errors import Conflict, NotFound
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.store import CommandRow, Store

FAILED = (SliceState.FAILED, SliceState.SKIPPED, SliceState.CANCELLED)
PENDING = (SliceState.WAITING, SliceState.RUNNING)
PAGE = 10_000


async def cancel_backfill(store: Store, id: str, *, actor: str, reason: str = "", now_us: int) -> BackfillRow:  # noqa: A002
    """Start no more of its runs, and cancel those that have not ended. Raises `NotFound`, `StoreUnavailable`."""

    def cancelled(row: BackfillRow) -> BackfillRow | None:
        if row.state is not BackfillState.RUNNING:
            return None
        return msgspec.structs.replace(
            row, state=BackfillState.CANCELLED, finished_us=now_us, reason=reason or row.reason
        )

    row = await _changed(store, id, cancelled, PENDING, SliceState.CANCELLED)
    if row.state is BackfillState.CANCELLED:
        # Also when it was cancelled before: whoever did so may have died before the runs heard of it.
        for run_id in await store.backfills.unfinished(id):
            payload = {"reason": reason or f"backfill {id} was cancelled"}
            await store.put_command(
                CommandRow(run_id=run_id, kind="cancel", payload=payload, actor=actor, at_us=now_us)
            )
    return row


async def pause_backfill(store: Store, id: str, *, paused: bool) -> BackfillRow:  # noqa: A002
    """Start nothing more of it for now, or go on. Raises `NotFound`, `Conflict` once it has ended."""

    def changed(row: BackfillRow) -> BackfillRow | None:
        if row.state is not BackfillState.RUNNING:
            raise Conflict(f"the backfill {id} has ended: it {row.state}")
        return None if row.paused == paused else msgspec.structs.replace(row, paused=paused)

    return await _changed(store, id, changed)


async def retry_backfill(store: Store, id: str) -> BackfillRow:  # noqa: A002
    """What failed of it, and what was held back by that, is to be made again; nothing else. With the code of the plan.

    Raises `NotFound`, and `Conflict` where nothing failed."""

    def again(row: BackfillRow) -> BackfillRow | None:
        if not row.stages:
            raise Conflict(f"the backfill {id} is of a schedule", fix="retry the runs that failed: toque retry RUN")
        if not row.failed and not row.skipped and row.state is not BackfillState.CANCELLED:
            raise Conflict(f"nothing of the backfill {id} has failed: it {row.state}")
        return msgspec.structs.replace(
            row, state=BackfillState.RUNNING, finished_us=0, paused=False, rounds=row.rounds + 1
        )

    return await _changed(store, id, again, FAILED, SliceState.WAITING)


async def _changed(
    store: Store,
    id: str,  # noqa: A002
    change: Callable[[BackfillRow], BackfillRow | None],
    found: tuple[SliceState, ...] = (),
    becomes: SliceState = SliceState.WAITING,
) -> BackfillRow:
    """The row after `change`, whose None says that there is nothing to do; its slices in the states `found` become
    `becomes` in the same transaction."""
    while True:
        row = await store.backfills.get(id)
        if row is None:
            raise NotFound(f"there is no backfill {id!r}", fix="toque backfills lists them")
        after = change(row)
        if after is None:
            return row
        slices = await _slices(store, id, found) if found and row.stages else []
        renewed = [msgspec.structs.replace(each, state=becomes, error="") for each in slices]
        if await store.backfills.advance(after, slices=renewed):
            changed = await store.backfills.get(id)
            assert changed is not None
            return changed


async def _slices(store: Store, id: str, states: tuple[SliceState, ...]) -> list[BackfillSlice]:  # noqa: A002
    found: list[BackfillSlice] = []
    after = -1
    while page := await store.backfills.slices(id, SliceQuery(states=states, after=after, limit=PAGE)):
        found += page
        after = page[-1].n
    return found
