"""`toque backfill` and `toque backfills`: the runs of a span of the past, planned, watched, cancelled."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.cli.stores import in_store
from toque.cli.times import instant_us, moment
from toque.errors import NotFound
from toque.graph.schedules import Schedule
from toque.ports.backfills import BackfillRow
from toque.ports.store import Store
from toque.runtime.backfills import cancel_backfill, plan_backfill, ticks_of
from toque.runtime.clock import SystemClock
from toque.runtime.pausing import find_schedule
from toque.settings import Settings

SHOWN = 20


@click.command()
@click.argument("pipeline")
@click.option("--schedule", "name", metavar="NAME", default="", help="Whose ticks.  [default: its only schedule]")
@click.option("--from", "start", metavar="TIME", required=True, help="The first tick is at this time or after it.")
@click.option("--to", "end", metavar="TIME", required=True, help="The last tick is before this time.")
@click.option("--max-active", type=int, default=1, show_default=True, help="Runs at a time.")
@click.option("--reverse", is_flag=True, help="The newest first.")
@click.option("--reason", default="", help="Why, for others.")
@click.option("--dry-run", is_flag=True, help="Only say what it would start.")
@project_options
@json_option
def backfill(
    pipeline: str,
    name: str,
    start: str,
    end: str,
    max_active: int,
    reverse: bool,
    reason: str,
    dry_run: bool,
    settings: Settings,
    output: Output,
) -> None:
    """Run a pipeline for every tick of a schedule in a span of time. A server carries the plan out.

    Times without a zone are in that of the schedule: 2026-03-01, 2026-03-01T12:00, 2026-03-01T12:00Z.
    """

    async def work(store: Store) -> BackfillRow:
        schedule = await find_schedule(store, f"{pipeline}/{name}" if name else pipeline)
        tz = msgspec.json.decode(schedule.definition, type=Schedule).tz
        row = plan_backfill(
            schedule,
            (instant_us(start, tz, "--from"), instant_us(end, tz, "--to")),
            max_active=max_active,
            reverse=reverse,
            actor=who(),
            reason=reason,
            now_us=SystemClock().now_us(),
        )
        if not dry_run:
            await store.backfills.create(row)
        return row

    row = in_store(settings, work)
    if dry_run:
        output.result({**_described(row), "id": "", "state": "planned", "ticks": _instants(row)}, lambda: _plan(row))
    else:
        output.result(_described(row), lambda: f"backfill {row.id}: {row.total} runs, {row.max_active} at a time")


@click.group(invoke_without_command=True)
@click.option("--pipeline", default="", help="Only those of this pipeline.")
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@project_options
@json_option
@click.pass_context
def backfills(context: click.Context, pipeline: str, limit: int, settings: Settings, output: Output) -> None:
    """List backfills and how far they are, or cancel one."""
    if context.invoked_subcommand is not None:
        return
    rows = in_store(settings, lambda store: store.backfills.list_backfills(pipeline=pipeline, limit=limit))
    output.result([_described(row) for row in rows], lambda: _listed(rows))


@backfills.command()
@click.argument("backfill")
@click.option("--reason", default="", help="Why, for others.")
@project_options
@json_option
def cancel(backfill: str, reason: str, settings: Settings, output: Output) -> None:
    """Start no more of its runs, and cancel those that have not ended."""

    async def work(store: Store) -> BackfillRow:
        found = await _find(store, backfill)
        return await cancel_backfill(store, found, actor=who(), reason=reason, now_us=SystemClock().now_us())

    row = in_store(settings, work)
    output.result(_described(row), lambda: f"backfill {row.id} is {row.state}: {_progress(row)}")


async def _find(store: Store, name: str) -> str:
    """The id that `name` is, or is the end of."""
    if await store.backfills.get(name) is not None:
        return name
    matches = [row.id for row in await store.backfills.list_backfills(limit=1000) if row.id.endswith(name)]
    if len(matches) != 1:
        raise NotFound(f"there is no backfill {name!r}", fix="toque backfills lists them")
    return matches[0]


def _described(row: BackfillRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row)
    for inner in ("definition", "revision", "cursor_us"):
        del fields[inner]
    return fields


def _instants(row: BackfillRow) -> list[int]:
    found = [tick.at_us for tick in ticks_of(row)]
    return found[::-1] if row.reverse else found


def _plan(row: BackfillRow) -> str:
    found = _instants(row)
    lines = [f"{row.total} runs of {row.pipeline} {row.version}, {row.max_active} at a time:"]
    lines += [f"  {moment(at_us)}" for at_us in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"  … and {len(found) - SHOWN} more, the last for {moment(found[-1])}")
    return "\n".join(lines)


def _listed(rows: list[BackfillRow]) -> str:
    if not rows:
        return "no backfill yet: toque backfill PIPELINE --from … --to …"
    lines = [
        (row.id, f"{row.pipeline}/{row.schedule}", row.state, _progress(row), moment(row.from_us), moment(row.to_us))
        for row in rows
    ]
    return table(("backfill", "schedule", "state", "runs", "from", "to"), lines)


def _progress(row: BackfillRow) -> str:
    failed = f", {row.failed} failed" if row.failed else ""
    return f"{row.succeeded} of {row.total} succeeded{failed}"
