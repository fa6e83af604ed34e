"""Ageing: the role of a server that says when the data of an asset has become too old, and when it is fresh again.

What was said stands in the log of the asset, written in one transaction with the messages that go out: a server that
is killed and started again, or a second one beside it, reads there what is known, and says nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from toque.data.freshness import Freshness, judge
from toque.engine.assets import FreshnessTold
from toque.engine.rows import AssetEventRow
from toque.graph.freshness import FreshnessPolicy
from toque.ports.assets import EventQuery, SliceRow
from toque.ports.clock import Clock
from toque.ports.notifier import Message
from toque.ports.project import IndexedAsset, ProjectChange, ProjectState
from toque.ports.store import Commit, OutboxRow, Store, StoreUnavailable
from toque.runtime.alerts import Happened, receivers
from toque.runtime.deliveries import Delivery
from toque.runtime.outgoing import MESSAGE, Alerting
from toque.runtime.owned import OwnedRun
from toque.schedule.deadlines import deadline_us, policy_words

log = logging.getLogger("toque.freshness")

SAID_BY = "freshness/"
"""Before the key of the asset: who says what no run does."""
LOOK_S = 10.0
"""How often is looked for what other processes made, while something is waited for."""
AGAIN_S = 1.0
AgeListener = Callable[[Iterable[str]], None]


def freshness_of(policy: FreshnessPolicy, row: SliceRow | None, now_us: int) -> Freshness:
    """How fresh an asset is, whose newest slice is `row`."""
    updated_us = row.data_of_us if row is not None else 0
    return judge(updated_us, deadline_us(policy, updated_us) if updated_us else 0, now_us, warn_s=policy.warn_s)


@dataclass
class Watched:
    """An asset whose data may become too old."""

    key: str
    policy: FreshnessPolicy
    owner: str = ""
    pipelines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """That make it, with those whom each of them tells."""
    last: FreshnessTold | None = None
    """What was said of it last."""
    is_read: bool = False
    """`last` is what the store has."""


class Ageing:
    """Looks at the assets that state how fresh they have to be: at their deadlines, and when data has come."""

    def __init__(self, store: Store, clock: Clock, alerting: Alerting | None) -> None:
        self._store = store
        self._clock = clock
        self._alerting = alerting
        self._watched: dict[str, Watched] = {}
        self._poked = asyncio.Event()
        self._listeners: list[AgeListener] = []
        self._task: asyncio.Task[None] | None = None

    # -- life cycle

    def start(self) -> asyncio.Task[None]:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="toque-ageing")
        return self._task

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def listen(self, listener: AgeListener) -> None:
        """Call `listener` with the assets of which something was said."""
        self._listeners.append(listener)

    # -- what it hears

    def looked(self, state: ProjectState, changes: Sequence[ProjectChange]) -> None:
        """The files say what is to be watched."""
        known = self._watched
        self._watched = {}
        for key, each in state.assets.items():
            if each.asset.freshness is not None:
                made = _watched(state, each, each.asset.freshness)
                if (old := known.get(key)) is not None:
                    made.last, made.is_read = old.last, old.is_read
                self._watched[key] = made
        self._poked.set()

    def committed(self, touched: Mapping[str, OwnedRun], commit: Commit) -> None:
        """A transaction of this process was written: data may have come."""
        if self._watched and any(row.asset in self._watched for row in commit.asset_events):
            self._poked.set()

    # -- looking

    async def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                due_us = await self.look()
            except StoreUnavailable as unavailable:
                log.warning("what is overdue will be looked at again: %s", unavailable)
                due_us = self._clock.now_us() + round(AGAIN_S * 1e6)
            await self._rest(due_us)

    async def _rest(self, due_us: int) -> None:
        poked = asyncio.ensure_future(self._poked.wait())
        waits = {poked, *([asyncio.ensure_future(self._clock.wait_until(due_us))] if due_us else [])}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def look(self) -> int:
        """Say of each asset what has become true of it; returns when to look again (0: when something is heard)."""
        watched = list(self._watched.values())
        if not watched:
            return 0
        standing = await self._store.assets.standings([each.key for each in watched])
        now_us = self._clock.now_us()
        again_us = now_us + round(LOOK_S * 1e6)
        told = []
        for each in watched:
            if not each.is_read:
                await self._read(each)
            found = freshness_of(each.policy, standing.get(each.key), now_us)
            if await self._say(each, found, now_us):
                told.append(each.key)
            if found.changes_us:
                again_us = min(again_us, found.changes_us)
        for listener in self._listeners if told else ():
            listener(told)
        return again_us

    async def _read(self, watched: Watched) -> None:
        found = await self._store.assets.events(EventQuery(asset=watched.key, kind="freshness", limit=1))
        event = found[0].event if found else None
        watched.last = event if isinstance(event, FreshnessTold) else None
        watched.is_read = True

    async def _say(self, watched: Watched, found: Freshness, now_us: int) -> bool:
        """Whether anything was said."""
        last = watched.last
        was_overdue, is_overdue = last is not None and last.is_overdue, found.state == "overdue"
        if is_overdue == was_overdue:
            return False
        missed_us = found.deadline_us if is_overdue or last is None else last.deadline_us
        event = FreshnessTold(
            asset=watched.key, is_overdue=is_overdue, deadline_us=missed_us, message=_words(watched, found)
        )
        row = AssetEventRow(
            run_id=SAID_BY + watched.key,
            task="overdue" if is_overdue else "fresh",
            attempt=0,
            n=missed_us,
            pipeline="",
            asset=watched.key,
            partition="",
            kind="freshness",
            at_us=now_us,
            event=event,
        )
        is_said = await self._store.assets.say([row], self._messages(watched, event, now_us))
        watched.last = event
        watched.is_read = is_said  # somebody else was quicker, and may have said more since
        return is_said

    # -- who is told

    def _messages(self, watched: Watched, event: FreshnessTold, now_us: int) -> list[OutboxRow]:
        if self._alerting is None:
            return []
        what: Happened = "late" if event.is_overdue else "success"
        concerned: dict[str, None] = {}
        for name, own in watched.pipelines or (("", ()),):
            concerned |= dict.fromkeys(receivers(what, name, own, self._alerting.routes))
        kind = "overdue" if event.is_overdue else "fresh"
        message = Message(
            kind="late" if event.is_overdue else "recovery",
            dedup=f"{kind}/{watched.key}/{event.deadline_us}",
            title=self._alerting.mask(f"{watched.key} {'is overdue' if event.is_overdue else 'is fresh again'}"),
            at_us=now_us,
            pipeline=", ".join(name for name, _ in watched.pipelines),
            owner=watched.owner,
            note=event.message,
            link=f"{self._alerting.ui_url}/assets/{watched.key}" if self._alerting.ui_url else "",
        )
        return [_to(to, message) for to in concerned]


def _to(to: str, message: Message) -> OutboxRow:
    delivery = Delivery(at_us=message.at_us, to=to, message=message)
    payload = msgspec.to_builtins(delivery)
    return OutboxRow(dedup=f"{message.dedup}>{to}", kind=MESSAGE, payload=payload, due_us=message.at_us)


def _watched(state: ProjectState, indexed: IndexedAsset, policy: FreshnessPolicy) -> Watched:
    made_by = tuple((name, state.pipelines[name].ir.notify) for name in indexed.pipelines if name in state.pipelines)
    return Watched(indexed.asset.key, policy, owner=indexed.asset.owner, pipelines=made_by)


def _words(watched: Watched, found: Freshness) -> str:
    said = found.words
    return f"{said[0].upper()}{said[1:]}. It has to be {policy_words(watched.policy)}."
