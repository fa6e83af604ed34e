"""Deliveries: what each entry of the outbox asks for, done; and the entries that follow from it."""

from __future__ import annotations

import msgspec

from toque.engine.states import RunState
from toque.errors import ToqueError
from toque.ports.clock import Clock
from toque.ports.notifier import Message, NotSent
from toque.ports.store import OutboxRow, RunFilter, Store
from toque.runtime.alerts import HOUR_US, REMEMBERED, Event, hour_of, judge
from toque.runtime.evidence import ENDED, Evidence
from toque.runtime.external import ExternalJobs
from toque.runtime.options import RuntimeOptions
from toque.runtime.outgoing import EVENT, MESSAGE, STOP, SUMMARY, StopOrder

WAITING = (RunState.QUEUED, RunState.RUNNING, RunState.SUSPENDED)


class SummaryOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of a pipeline that is to be summed up for one receiver."""

    at_us: int
    pipeline: str
    hour: int
    to: str
    owner: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to one receiver."""

    at_us: int
    to: str
    message: Message


class Deliveries:
    """Carries out entries of the outbox."""

    def __init__(self, store: Store, clock: Clock, jobs: ExternalJobs, options: RuntimeOptions) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self._alerting = options.alerting
        self._evidence = Evidence(store, self._alerting, options.logs) if self._alerting is not None else None

    def can(self, row: OutboxRow) -> bool:
        """Whether this process may carry it out."""
        return row.kind == STOP or (self._alerting is not None and row.kind in (EVENT, SUMMARY, MESSAGE))

    async def carry_out(self, row: OutboxRow) -> list[OutboxRow]:
        """Do what it says; returns the rows that follow. Raises `ToqueError`, and whatever a defect raises."""
        match row.kind:
            case "stop":
                await self._jobs.stop(msgspec.convert(row.payload, StopOrder))
                return []
            case "message":
                delivery = msgspec.convert(row.payload, Delivery)
                await self._notified(delivery)
                return []
            case "summary":
                order = msgspec.convert(row.payload, SummaryOrder)
                assert self._evidence is not None
                summary = await self._evidence.summary(order.pipeline, order.hour, order.owner, order.to)
                return [self._to(order.to, summary)]
            case _:
                return await self._judged(msgspec.convert(row.payload, Event))

    async def _judged(self, event: Event) -> list[OutboxRow]:
        states = WAITING if event.happened == "late" else ENDED
        runs = await self._store.list_runs(RunFilter(pipeline=event.pipeline, states=states, limit=REMEMBERED))
        verdict = judge(event, runs)
        if verdict.told is None:
            return []
        if verdict.is_held:
            return [self._summed_up(event, to) for to in event.to]
        assert self._evidence is not None
        if verdict.told == "quarantine":
            message = await self._evidence.quarantine(event)
        else:
            message = await self._evidence.message(event, verdict)
        return [self._to(to, message) for to in event.to] if message is not None else []

    def _to(self, to: str, message: Message) -> OutboxRow:
        delivery = Delivery(at_us=self._clock.now_us(), to=to, message=message)
        payload = msgspec.to_builtins(delivery)
        return OutboxRow(dedup=f"{message.dedup}>{to}", kind=MESSAGE, payload=payload, due_us=delivery.at_us)

    def _summed_up(self, event: Event, to: str) -> OutboxRow:
        hour = hour_of(event.at_us)
        due_us = (hour + 1) * HOUR_US
        order = SummaryOrder(at_us=due_us, pipeline=event.pipeline, hour=hour, to=to, owner=event.owner)
        dedup = f"summary/{event.pipeline}/{hour}/{to}"
        return OutboxRow(dedup=dedup, kind=SUMMARY, payload=msgspec.to_builtins(order), due_us=due_us)

    async def _notified(self, delivery: Delivery) -> None:
        assert self._alerting is not None
        try:
            notifier = self._alerting.notifier(delivery.to)
        except ToqueError as problem:
            raise NotSent(str(problem)) from problem
        await notifier.send(delivery.message)
