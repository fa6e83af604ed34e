"""Pausing: what people do to schedules and to the automation of assets. It holds from the instant it was written, with
a server or without."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import msgspec

from toque.errors import NotFound, ToqueError
from toque.ports.automations import AutomationChange, AutomationRow
from toque.ports.store import Store
from toque.ports.triggers import Change, ScheduleFilter, ScheduleRow
from toque.runtime.ticking import paused, resumed

PAGE = 1000
TRIES = 10


async def find_schedules(store: Store, name: str) -> list[ScheduleRow]:
    """The schedule `pipeline/name`, or all schedules of a pipeline. Raises `NotFound` with the nearest name."""
    row = await store.triggers.get_schedule(name)
    if row is not None and not row.retired:
        return [row]
    rows = await store.triggers.list_schedules(ScheduleFilter(pipeline=name, limit=PAGE))
    if rows:
        return rows
    pipeline, _, wanted = name.partition("/")
    if not wanted and await store.current_version(pipeline) is not None:
        raise NotFound(
            f"{pipeline} has no schedule, so that it has no ticks",
            fix='give it one, @pipeline(schedule="0 7 * * *"); or start single runs: toque trigger ' + pipeline,
        )
    known = await store.triggers.list_schedules(ScheduleFilter(limit=PAGE))
    names = {row.id for row in known} | {row.pipeline for row in known}
    near = difflib.get_close_matches(name, sorted(names), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "toque schedule list shows them"
    raise NotFound(f"there is no schedule {name!r}", fix=hint)


async def find_schedule(store: Store, name: str) -> ScheduleRow:
    """The schedule `pipeline/name`, or the only one of a pipeline. Raises `NotFound`."""
    found = await find_schedules(store, name)
    if len(found) > 1:
        listed = ", ".join(row.id for row in found[:5])
        raise NotFound(f"{name} has {len(found)} schedules", fix=f"name one: {listed}")
    return found[0]


async def set_paused(
    store: Store, rows: Sequence[ScheduleRow], *, pause: bool, actor: str, now_us: int
) -> list[ScheduleRow]:
    """Pause schedules, or let them go on; returns them as they are then. Those that are so already stay as they are.

    Ticks of a pause are skipped, and recorded as such when it ends. Raises `StoreUnavailable`.
    """
    done: dict[str, ScheduleRow] = {}
    waiting = {row.id: row for row in rows}
    for _ in range(TRIES):
        changes = []
        for row in waiting.values():
            if row.paused == pause:
                done[row.id] = row
                continue
            after = paused(row, actor, now_us) if pause else resumed(row, actor, now_us)
            changes.append(Change(before=row, after=after, tell=True))
        if not changes:
            return [done[row.id] for row in rows if row.id in done]
        recorded = await store.triggers.record(changes)
        # The row that comes back from the store has its revision: what was written is seen again, and found done.
        ids = [change.after.id for change in changes]
        found = [recorded.refused.get(id) or await store.triggers.get_schedule(id) for id in ids]  # noqa: A001
        waiting = {row.id: row for row in found if row is not None}
    raise ToqueError("the schedules change too often to be paused; try again")


async def set_automation_paused(store: Store, asset: str, *, pause: bool, actor: str, now_us: int) -> AutomationRow:
    """Pause the automation of an asset, or let it go on. What is made upstream during a pause counts when it ends, as
    one cause; ticks are skipped. Raises `StoreUnavailable`."""
    for _ in range(TRIES):
        row = (await store.automations.rows([asset])).get(asset) or AutomationRow(asset=asset)
        if row.paused == pause:
            return row
        after = msgspec.structs.replace(row, paused=pause, actor=actor, changed_us=now_us)
        if after.since_us and not pause:
            after.cursor_us = now_us
        if await store.automations.record([AutomationChange(row=after)]):
            return after
    raise ToqueError("the automation changes too often to be paused; try again")
