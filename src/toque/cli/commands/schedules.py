"""`toque schedule list|pause|unpause|ticks`: the schedules of the store, and what became of their ticks."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.graph.schedules import Schedule
from toque.ports.store import Store
from toque.ports.triggers import ScheduleFilter, ScheduleRow, TickSeen
from toque.runtime.clock import SystemClock
from toque.runtime.pausing import find_schedule, find_schedules, set_paused
from toque.schedule.words import describe
from toque.settings import Settings

PAGE = 1000


@click.command("list")
@click.argument("pipeline", required=False)
@project_options
@json_option
def list_schedules(pipeline: str | None, settings: Settings, output: Output) -> None:
    """List schedules: what they mean, when their next tick is, which are paused."""

    async def work(store: Store) -> list[ScheduleRow]:
        if pipeline:
            return await find_schedules(store, pipeline)
        found: list[ScheduleRow] = []
        while page := await store.triggers.list_schedules(
            ScheduleFilter(after=found[-1].id if found else "", limit=PAGE)
        ):
            found += page
        return found

    rows = in_store(settings, work)
    output.result([_described(row) for row in rows], lambda: _listed(rows))


@click.command()
@click.argument("name", metavar="PIPELINE[/SCHEDULE]")
@project_options
@json_option
def pause(name: str, settings: Settings, output: Output) -> None:
    """Start nothing of a schedule, or of a pipeline, from now on. Its ticks are skipped until it goes on."""
    _set_paused(name, settings, output, to_pause=True)


@click.command()
@click.argument("name", metavar="PIPELINE[/SCHEDULE]")
@project_options
@json_option
def unpause(name: str, settings: Settings, output: Output) -> None:
    """Let a schedule, or those of a pipeline, go on with the next tick. What fell into the pause stays skipped."""
    _set_paused(name, settings, output, to_pause=False)


@click.command()
@click.argument("name", metavar="PIPELINE[/SCHEDULE]")
@click.option("-n", "limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@project_options
@json_option
def ticks(name: str, limit: int, settings: Settings, output: Output) -> None:
    """Show what became of the ticks of a schedule, newest first."""

    async def work(store: Store) -> list[TickSeen]:
        row = await find_schedule(store, name)
        return await store.triggers.list_ticks(row.id, limit=limit)

    seen = in_store(settings, work)
    output.result([_tick(each) for each in seen], lambda: _ticks_text(seen))


def _set_paused(name: str, settings: Settings, output: Output, *, to_pause: bool) -> None:
    async def work(store: Store) -> list[ScheduleRow]:
        rows = await find_schedules(store, name)
        return await set_paused(store, rows, pause=to_pause, actor=who(), now_us=SystemClock().now_us())

    rows = in_store(settings, work)
    output.result([_described(row) for row in rows], lambda: _listed(rows))


def _schedule(row: ScheduleRow) -> Schedule:
    return msgspec.json.decode(row.definition, type=Schedule)


def _described(row: ScheduleRow) -> dict[str, Any]:
    schedule = _schedule(row)
    return {
        "id": row.id,
        "pipeline": row.pipeline,
        "name": row.name,
        "words": describe(schedule),
        "tz": schedule.tz,
        "paused": row.paused,
        "next_us": row.next_at_us,
        "last_us": row.cursor_us,
        "catchup": schedule.catchup,
        "parameters": schedule.parameters,
        "version": row.version,
        "changed_us": row.changed_us,
        "actor": row.actor,
    }


def _listed(rows: list[ScheduleRow]) -> str:
    if not rows:
        return "no schedule yet: a server reads those of the pipelines it knows (toque server)"
    lines = [(row.id, _when(row), describe(_schedule(row))) for row in rows]
    return table(("schedule", "next", "what it means"), lines)


def _when(row: ScheduleRow) -> str:
    if row.paused:
        return f"paused by {row.actor}" if row.actor else "paused"
    return moment(row.next_at_us) or "never again"


def _tick(seen: TickSeen) -> dict[str, Any]:
    tick = msgspec.structs.asdict(seen.tick)
    return {**tick, "run_state": seen.run_state, "reason": seen.tick.reason or _admission(seen)}


def _admission(seen: TickSeen) -> str:
    """Why its run did not begin."""
    return "" if seen.was_admitted else f"not admitted: {seen.run_reason}"


def _ticks_text(seen: list[TickSeen]) -> str:
    if not seen:
        return "no tick was due yet"
    rows = [
        (_span(each), each.tick.outcome, each.tick.run_id, each.run_state or "", each.tick.reason or _admission(each))
        for each in seen
    ]
    return table(("tick", "outcome", "run", "state", "why"), rows)


def _span(seen: TickSeen) -> str:
    tick = seen.tick
    if tick.count == 1:
        return moment(tick.at_us)
    return f"{moment(tick.first_us)} to {moment(tick.at_us)} ({tick.count})"
