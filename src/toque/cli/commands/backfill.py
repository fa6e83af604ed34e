"""`toque backfill`: the runs of a schedule in a span of the past, planned."""

from __future__ import annotations

import click
import msgspec

from toque.cli.commands.backfills import described
from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output
from toque.cli.stores import in_store
from toque.cli.times import instant_us, moment
from toque.graph.schedules import Schedule
from toque.ports.backfills import BackfillRow
from toque.ports.store import Store
from toque.runtime.backfills import plan_backfill, ticks_of
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
        output.result({**described(row), "id": "", "state": "planned", "ticks": _instants(row)}, lambda: _plan(row))
    else:
        output.result(described(row), lambda: f"backfill {row.id}: {row.total} runs, {row.max_active} at a time")


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
