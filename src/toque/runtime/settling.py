"""Settling: one transaction for what a turn decided, and what is done when it cannot be written.

A commit that fails discards every decision built on it: the runs it touched are read again and the same messages
decided anew, so that memory never holds what the store does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from toque.engine.inputs import AttemptReturned
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.ports.clock import Clock
from toque.ports.store import OwnershipLost, PoolFull, Store, StoredRun, StoreUnavailable
from toque.runtime.acting import Actor
from toque.runtime.batch import Batch
from toque.runtime.deciding import Deciding, run_of
from toque.runtime.judging import judged_messages
from toque.runtime.messages import Adopt, Launch, Message
from toque.runtime.owned import Ends, OwnedRun
from toque.runtime.past import JUDGED_BY, Made, made_in, told_of
from toque.schedule.partitions import dynamic_names

log = logging.getLogger("toque.runtime")
T = TypeVar("T")

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 5.0


class Settling:
    """Writes what was decided."""

    def __init__(
        self,
        instance: str,
        store: Store,
        clock: Clock,
        deciding: Deciding,
        actor: Actor,
        put: Callable[[Message], None],
        ends: Ends,
    ) -> None:
        self._instance = instance
        self._store = store
        self._clock = clock
        self._deciding = deciding
        self._actor = actor
        self._put = put
        self._ends = ends
        self.gives_up = False
        """The process is ending: it waits no longer for a store that cannot be written."""

    async def settle(self, messages: list[Message], *, grant: bool) -> Batch:
        """Decide `messages` until their transaction has been written. Raises `StoreUnavailable` after `gives_up`."""
        delay_s = FIRST_DELAY_S
        await self._learn_keys(messages)
        messages = await judged_messages(messages, self._deciding.runs, self._past)
        while True:
            batch = Batch(self._clock.now_us())
            self._deciding.decide_all(batch, messages, grant=grant)
            if batch.is_empty:
                return batch
            try:
                await self._store.commit(batch.to_commit(self._instance))
                return batch
            except PoolFull as full:
                messages = await self._reload(batch) + messages
                self._deciding.granting.used_elsewhere(full.used)
            except OwnershipLost as lost:
                log.warning("%s", lost)
                for run_id in lost.runs:
                    owned = self._deciding.disown(run_id)
                    if owned is not None:
                        self._actor.stop_all(owned)
                    batch.touched.pop(run_id, None)
                    self._ends.lost(run_id)
                messages = [message for message in messages if run_of(message) not in lost.runs]
                messages = await self._reload(batch) + messages
            except StoreUnavailable as unavailable:
                if self.gives_up:
                    raise
                log.error("nothing is lost, trying again in %.2g s: %s", delay_s, unavailable)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, LONGEST_DELAY_S)
                messages = await self._reload(batch) + messages

    async def _learn_keys(self, messages: list[Message]) -> None:
        """A run knows the dynamic partitions that there are when it begins: its workers cannot ask the store."""
        for message in messages:
            if isinstance(message, Launch | Adopt) and message.pipeline.assets:
                row = message.row if isinstance(message, Launch) else message.stored.run
                names = dynamic_names(asset.partitions for asset in message.pipeline.assets)
                if names and not row.dynamic and row.state is RunState.QUEUED:
                    row.dynamic = await self._patiently(lambda names=names: self._store.assets.dynamic(names))  # type: ignore[misc]

    async def _past(self, asset: str) -> list[Made]:
        return made_in(await self._patiently(lambda: told_of(self._store, asset, limit=JUDGED_BY)))

    async def hand_over(self) -> None:
        """Give up the ownership of unfinished runs, so that the next instance takes them at once."""
        batch = Batch(self._clock.now_us())
        for owned in self._deciding.runs.values():
            owned.machine.row.owner = ""
            batch.add(owned, [])
        if not batch.is_empty:
            with contextlib.suppress(StoreUnavailable, OwnershipLost):
                await self._store.commit(batch.to_commit(self._instance))

    async def _reload(self, batch: Batch) -> list[Message]:
        """Replace the machines of a failed batch by what the store knows; returns what is to be decided first."""
        first: list[Message] = []
        again = Batch(batch.now_us)
        for run_id, owned in batch.touched.items():
            self._deciding.granting.reread(owned)
            del self._deciding.runs[run_id]
        for run_id, owned in batch.touched.items():
            stored = await self._load(run_id)
            if stored is not None and stored.run.state.is_terminal:
                self._ends.ended(stored.run)
            if stored is None or stored.run.owner != self._instance or stored.run.state.is_terminal:
                self._ends.lost(run_id)
                continue
            reuse = await self._rows_to_reuse(stored.run)
            adopt = Adopt(stored, owned.pipeline, owned.bundle, reuse)
            if stored.run.state is RunState.QUEUED:
                first.append(adopt)
                continue
            await self._give_back_unsent(self._deciding.take_in(again, adopt, alive=True))
        self._actor.set_timers(again)
        return first

    async def _give_back_unsent(self, owned: OwnedRun) -> None:
        """A commit whose answer was lost may have been written: what it dispatched was never submitted.

        The reports go to the end of the inbox, behind the true ones of attempts that have ended meanwhile.
        """
        active = owned.machine.active()
        held = await self._actor.held([token for _, _, token in active])
        for key, attempt, token in active:
            if token not in held:
                self._put(
                    AttemptReturned(
                        run_id=owned.run_id, task=key.task, map_index=key.map_index, attempt=attempt, token=token
                    )
                )

    async def _rows_to_reuse(self, run: RunRow) -> list[TaskRow]:
        """See `rows_to_reuse`, of a store that may be away."""
        queued_again = run.origin_run and run.state is RunState.QUEUED
        origin = await self._load(run.origin_run) if queued_again else None
        return origin.tasks if origin is not None else []

    async def _load(self, run_id: str) -> StoredRun | None:
        return await self._patiently(lambda: self._store.load_run(run_id))

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await read()
            except StoreUnavailable as unavailable:
                if self.gives_up:
                    raise
                log.error("cannot read the store, trying again: %s", unavailable)
                await asyncio.sleep(1.0)
