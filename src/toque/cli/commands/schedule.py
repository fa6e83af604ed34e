"""`toque schedule`: what starts runs by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from toque.cli.commands import schedules as stored
from toque.cli.commands.pipelines import find_pipeline
from toque.cli.options import json_option, project_options
from toque.cli.output import Output, table
from toque.cli.times import instant_us
from toque.errors import NotFound
from toque.graph.schedules import Schedule
from toque.schedule import checks, reading, zones
from toque.schedule.ticks import Tick, next_tick, ticks
from toque.schedule.words import describe
from toque.settings import Settings

_END_US = zones.instant_us(datetime(zones.LAST_YEAR, 1, 1, tzinfo=UTC))


@click.group()
def schedule() -> None:
    """Schedules and their ticks."""


for command in (stored.list_schedules, stored.pause, stored.unpause, stored.ticks):
    schedule.add_command(command)


@schedule.command()
@click.argument("target", metavar="[FILE[:NAME] | NAME]", required=False)
@click.option("--schedule", "name", metavar="NAME", help="Only this schedule of the pipeline.")
@click.option(
    "--cron", "rule", metavar="RULE", help='A rule instead of a pipeline: "0 2 * * *", "every 15m", "FREQ=…".'
)
@click.option("--tz", default="UTC", show_default=True, help="The zone of that rule.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many ticks.")
@click.option("--from", "start", metavar="TIME", help="Begin after this time, as in 2026-03-28 or 2026-03-28T12:00Z.")
@project_options
@json_option
def preview(
    target: str | None,
    name: str | None,
    rule: str | None,
    tz: str,
    count: int,
    start: str | None,
    settings: Settings,
    output: Output,
) -> None:
    """Say in words what a schedule means, and print its next ticks."""
    if (target is None) == (rule is None):
        raise click.UsageError("name a pipeline, or give a rule with --cron")
    if rule is not None:
        pipeline, schedules = "", [_of_rule(rule, tz)]
    else:
        assert target is not None
        found = find_pipeline(target, settings)
        pipeline, schedules = found.name, _chosen(found.name, found.schedules, name)
    shown = []
    for each in schedules:
        after_us = instant_us(start, each.tz, "--from") if start else zones.instant_us(datetime.now(UTC))
        shown.append((each, list(islice(ticks(each, pipeline, after_us, _END_US), count))))
    output.result(
        {"pipeline": pipeline, "schedules": [_described(each, found) for each, found in shown]},
        lambda: "\n\n".join(_text(pipeline, each, found) for each, found in shown),
    )


def _of_rule(rule: str, tz: str) -> Schedule:
    checks.check_zone(tz)
    found = Schedule(name="preview", rule=reading.rule(rule, tz), tz=tz)
    checks.validate(found)
    return found


def _chosen(pipeline: str, schedules: Sequence[Schedule], name: str | None) -> list[Schedule]:
    if not schedules:
        raise NotFound(f"{pipeline} has no schedule", fix='@pipeline(schedule=Cron("0 2 * * *"))')
    found = [each for each in schedules if name in (None, each.name)]
    if not found:
        raise NotFound(
            f"{pipeline} has no schedule {name!r}", fix=f"it has: {', '.join(each.name for each in schedules)}"
        )
    return found


def _described(schedule: Schedule, found: Sequence[Tick]) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "words": describe(schedule),
        "tz": schedule.tz,
        "paused": schedule.paused,
        "catchup": schedule.catchup,
        "parameters": schedule.parameters,
        "ticks": [
            {
                "at": _iso(tick.at_us),
                "local": zones.local(schedule.tz, tick.at_us).isoformat(),
                "start": _iso(tick.start_us),
                "end": _iso(tick.end_us),
                "due": _iso(tick.due_us),
            }
            for tick in found
        ],
    }


def _text(pipeline: str, schedule: Schedule, found: Sequence[Tick]) -> str:
    head = f"{pipeline}/{schedule.name}: {describe(schedule)}" if pipeline else describe(schedule)
    lines = [head[0].upper() + head[1:] if not pipeline else head]
    if schedule.jitter_s and found:
        lines.append(f"each {(found[0].due_us - found[0].at_us) / 1e6:.0f} s later, its share of the jitter")
    if schedule.paused:
        lines.append("starts paused")
    if not found:
        return "\n".join([*lines, "no tick any more"])
    lines.append("")
    zone = {} if schedule.tz == "UTC" else {"UTC": [_utc(tick.at_us) for tick in found]}
    columns = {
        schedule.tz: [_local(schedule.tz, tick.at_us) for tick in found],
        **zone,
        "data from": [_local(schedule.tz, tick.start_us) for tick in found],
        "data until": [_local(schedule.tz, tick.end_us) for tick in found],
    }
    lines.append(table(list(columns), zip(*columns.values(), strict=True)))
    if next_tick(schedule, pipeline, found[-1].at_us) is None:
        lines.append("and no more")
    return "\n".join(lines)


def _local(tz: str, at_us: int) -> str:
    return zones.local(tz, at_us).strftime("%a %Y-%m-%d %H:%M:%S %z")


def _utc(at_us: int) -> str:
    return zones.utc(at_us).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at_us: int) -> str:
    return zones.utc(at_us).isoformat().replace("+00:00", "Z")
