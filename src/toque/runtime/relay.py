"""The relay: carries out what the outbox holds, at least once, whoever wrote it and whenever.

One process at a time does: it holds the only slot of a pool, which is freed like all others when it dies. A row leaves
the outbox with the transaction that says it is done; a process that dies in between leaves it to the next one, so that
a receiver may see a message twice, with the same dedup id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from toque.errors import ToqueError
from toque.ports.clock import Clock
from toque.ports.store import Commit, Hold, OutboxRow, PoolFull, Store, StoreUnavailable
from toque.runtime.deliveries import Deliveries
from toque.runtime.external import ExternalJobs
from toque.runtime.options import RuntimeOptions

log = logging.getLogger("toque.relay")

POOL = "relay:"
"""Its one slot makes a process the one that relays; the colon keeps it apart from the pools of users."""
AT_ONCE = 16
"""Rows under way: one receiver that hangs must not hold up the others."""
SEEN = 1000
"""Due rows that are looked at."""
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 600.0
LONGEST_WISH_S = 3600.0
"""A receiver may ask to be left alone for so long."""
GIVE_UP_AFTER_S = 24 * 3600.0
GIVEN_UP = "outbox.given_up"
"""Counter of what could not be delivered."""


class Relay:
    """Looks into the outbox when poked, when a row is due again, and once in `relay_s` for what others wrote."""

    def __init__(self, instance: str, store: Store, clock: Clock, jobs: ExternalJobs, options: RuntimeOptions) -> None:
        self._instance = instance
        self._store = store
        self._clock = clock
        self._alerting = options.alerting
        self._deliveries = Deliveries(store, clock, jobs, options)
        self._look_s = options.relay_s
        self._busy: dict[str, asyncio.Task[None]] = {}
        """By line (see `_line`)."""
        self._poked = asyncio.Event()
        self._leads = False
        self.is_starved = False
        """Another process has the slot. It may be dead."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin to look."""
        self._poked.set()
        self._task = asyncio.create_task(self._run(), name="toque-relay")
        return self._task

    def poke(self) -> None:
        """Something was written into the outbox."""
        self._poked.set()

    @property
    def is_idle(self) -> bool:
        """Nothing is under way."""
        return not self._busy

    async def stop(self, grace_s: float) -> None:
        """Deliver what is due, but for no longer than `grace_s`; the rest is for whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError, StoreUnavailable):
            await asyncio.wait_for(self._rest(), grace_s)
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        with contextlib.suppress(StoreUnavailable):
            await self._let_go()

    async def _rest(self) -> None:
        while await self._take_up() or self._busy:
            await asyncio.wait([*self._busy.values()], return_when=asyncio.FIRST_COMPLETED)

    # -- looking

    async def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                await self._take_up()
                if not self._busy:
                    await self._let_go()
            except StoreUnavailable as unavailable:
                log.warning("store unavailable, the outbox waits: %s", unavailable)
            await self._until_poked(self._clock.now_us() + int(self._look_s * 1e6))

    async def _until_poked(self, due_us: int) -> None:
        waiting = asyncio.ensure_future(self._clock.wait_until(due_us))
        poked = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait({waiting, poked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            poked.cancel()

    async def _take_up(self) -> bool:
        """Begin what is due. False when there was nothing new, or another process does it."""
        due = await self._store.list_outbox(self._clock.now_us(), SEEN)
        new: dict[str, OutboxRow] = {}
        for row in due:
            line = _line(row)
            if line not in self._busy and self._deliveries.can(row) and len(self._busy) + len(new) < AT_ONCE:
                new.setdefault(line, row)
        if not new or not await self._lead():
            return False
        for line, row in new.items():
            task = self._busy[line] = asyncio.create_task(self._handle(row), name=f"toque-relay {row.dedup}")
            task.add_done_callback(lambda task, line=line: self._over(line, task))  # type: ignore[misc]
        return True

    def _over(self, line: str, task: asyncio.Task[None]) -> None:
        del self._busy[line]
        self._poked.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s met a defect of Toque", task.get_name(), exc_info=error)

    async def _lead(self) -> bool:
        if not self._leads:
            hold = Hold(pool=POOL, holder=self._instance, slots=1, limit=1)
            try:
                await self._store.commit(Commit(instance=self._instance, acquire=[hold]))
            except PoolFull:
                self.is_starved = True
                return False
            self._leads, self.is_starved = True, False
        return True

    async def _let_go(self) -> None:
        if self._leads:
            self._leads = False
            await self._store.commit(Commit(instance=self._instance, release=[(POOL, self._instance)]))

    # -- carrying out

    async def _handle(self, row: OutboxRow) -> None:
        """Do it; whatever comes of that is written."""
        try:
            after = await self._deliveries.carry_out(row)
        except ToqueError as problem:
            if isinstance(problem, StoreUnavailable):
                return  # it is still there, and due
            await self._again(row, problem)
            return
        except Exception as error:
            await self._again(row, error)
            raise
        await self._write(Commit(instance=self._instance, outbox=after, outbox_done=[row.dedup]))

    async def _again(self, row: OutboxRow, problem: Exception) -> None:
        """Later, unless it has been tried for long enough."""
        now_us = self._clock.now_us()
        said = self._alerting.mask(str(problem)) if self._alerting is not None else str(problem)
        age_s = (now_us - int(row.payload.get("at_us", now_us))) / 1e6
        if getattr(problem, "permanent", False) or age_s >= GIVE_UP_AFTER_S:
            log.error("given up after %d tries: %s: %s", row.tries + 1, row.dedup, said)
            gone = Commit(instance=self._instance, outbox_done=[row.dedup], counters={GIVEN_UP: 1})
            await self._write(gone)
            return
        wait_s = delay_s(row.tries, getattr(problem, "retry_after_s", 0.0))
        log.warning("not delivered, again in %.0f s: %s: %s", wait_s, row.dedup, said)
        later = msgspec.structs.replace(
            row, tries=row.tries + 1, last_error=said[:500], due_us=now_us + int(wait_s * 1e6)
        )
        await self._write(Commit(instance=self._instance, outbox=[later]))

    async def _write(self, commit: Commit) -> None:
        """Until it is written: to let go of the row before that would be to deliver it again and again."""
        while True:
            try:
                await self._store.commit(commit)
                return
            except StoreUnavailable as unavailable:
                log.warning("store unavailable, the outbox waits: %s", unavailable)
            await self._clock.wait_until(self._clock.now_us() + int(self._look_s * 1e6))


def _line(row: OutboxRow) -> str:
    """What goes one after the other: what happened is judged in order, and each receiver told in order."""
    match row.kind:
        case "stop":
            return row.dedup
        case "message":
            return f"to {row.payload.get('to')}"
        case _:
            return "events"


def delay_s(tries: int, wished_s: float) -> float:
    """Before the next try: doubled each time, and never less than the receiver asked for."""
    grown = min(FIRST_DELAY_S * 2.0 ** min(tries, 20), LONGEST_DELAY_S)
    return max(grown, min(wished_s, LONGEST_WISH_S))
