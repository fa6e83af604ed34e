"""Outgoing: the rows of the outbox that follow from a decision, written in its own transaction. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from toque.engine import effects as fx
from toque.engine.facts import AnyFact, RunLate
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode
from toque.ports.notifier import Notifier
from toque.ports.store import OutboxRow
from toque.runtime.alerts import Event, Happened, Route, happened, receivers
from toque.runtime.owned import OwnedRun

EVENT, SUMMARY, MESSAGE, STOP = "event", "summary", "message", "stop"
"""Kinds of rows: what happened; an hour to be summed up; a message to one receiver; an external job to be stopped."""


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """Who is told, and how."""

    routes: tuple[Route, ...] = ()
    notifier: Callable[[str], Notifier]
    """Of a connection. Raises `UserError` where there is none of that name, or it cannot be told anything."""
    mask: Callable[[str], str] = str
    """Takes secrets out of a text."""
    ui_url: str = ""


def rows_of(
    owned: OwnedRun, facts: list[AnyFact], effects: list[fx.AnyEffect], alerting: Alerting | None, now_us: int
) -> list[OutboxRow]:
    """What a decision about a run says to the outside."""
    rows = [stop_row(owned, effect, now_us) for effect in effects if isinstance(effect, fx.StopDeferred)]
    if alerting is None:
        return rows
    run = owned.machine.row
    if any(isinstance(fact, RunLate) for fact in facts):
        rows += _event(owned, "late", alerting, now_us)
    if any(isinstance(effect, fx.RunEnded) for effect in effects):
        what = happened(run)
        rows += [] if what is None else _event(owned, what, alerting, now_us)
        # Whether any rows were is read from the store when the message is made.
        rows += _event(owned, "quarantine", alerting, now_us) if owned.pipeline.assets else []
    return rows


def _event(owned: OwnedRun, what: Happened, alerting: Alerting, now_us: int) -> list[OutboxRow]:
    pipeline = owned.pipeline
    to = receivers(what, pipeline.name, pipeline.notify, alerting.routes)
    if not to:
        return []
    event = Event(
        happened=what,
        run_id=owned.run_id,
        pipeline=pipeline.name,
        at_us=now_us,
        to=to,
        owner=pipeline.meta.owner,
    )
    dedup = f"{what}/{owned.run_id}"
    return [OutboxRow(dedup=dedup, kind=EVENT, payload=msgspec.to_builtins(event), due_us=now_us)]


class StopOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An external job that nobody waits for any more: `on_cancel(handle)` is to be called, by whoever can."""

    at_us: int
    run_id: str
    pipeline: str
    version: str
    task: str
    map_index: tuple[int, ...]
    executor: str
    environment: str
    code: Any
    """The `CodeRef` of `on_cancel`."""
    handle: Any


def stop_row(owned: OwnedRun, effect: fx.StopDeferred, now_us: int) -> OutboxRow:
    """A task run is called off once, so that its name is name enough."""
    node = owned.machine.node(effect.key.task)
    if not isinstance(node, TaskNode) or node.policy.on_cancel is None:
        raise ToqueBug(f"{effect.key} has no way to be stopped")
    order = StopOrder(
        at_us=now_us,
        run_id=owned.run_id,
        pipeline=owned.pipeline.name,
        version=owned.machine.row.version,
        task=effect.key.task,
        map_index=effect.key.map_index,
        executor=node.policy.executor if node.kind == "task" else "process",
        environment=node.policy.environment,
        code=msgspec.to_builtins(node.policy.on_cancel),
        handle=effect.handle,
    )
    dedup = f"stop/{owned.run_id}/{effect.key}"
    return OutboxRow(dedup=dedup, kind=STOP, payload=msgspec.to_builtins(order), due_us=now_us)
