"""`toque sync preview` and `toque checks replay`: what a sync would send, and what was set aside by a load."""

from __future__ import annotations

from typing import Any

import click

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.settings import Settings


@click.group()
def sync() -> None:
    """Look at syncs."""


@sync.command()
@click.argument("asset")
@project_options
@json_option
def preview(asset: str, settings: Settings, output: Output) -> None:
    """Show what the sync that writes ASSET would do now. Nothing is sent, nothing is written."""
    from toque.local.errands import preview_sync

    found = preview_sync(settings, asset, actor=who())
    output.result(found, lambda: _preview(found))


@click.group()
def checks() -> None:
    """Bring back rows that checks have set aside."""


@checks.command()
@click.argument("asset")
@click.option("--batch", default="", help="Only the rejects of this batch_id; all of them unless stated.")
@project_options
@json_option
def replay(asset: str, batch: str, settings: Settings, output: Output) -> None:
    """Check the rejects of the loaded table ASSET again, and load those that pass by now."""
    from toque.local.errands import replay_rejects

    found = replay_rejects(settings, asset, batch=batch, actor=who())
    output.result(found, lambda: _replayed(found))


def _preview(found: dict[str, Any]) -> str:
    counts = [(operation, f"{count:,}") for operation, count in found["operations"].items()]
    counts += [("unchanged", f"{found['unchanged']:,}"), ("invalid", f"{found['invalid']:,}")]
    name = "" if found["name"] == found["destination"] else f"{found['name']} "
    lines = [
        f"{name}into {found['destination']}: {found['rows']:,} rows",
        table(("WOULD", "RECORDS"), counts),
    ]
    lines += [f"{each['severity']}: {each['message']}" for each in found["deviations"]]
    lines += [f"{operation}  {row}" for operation, rows in found["samples"].items() for row in rows[:5]]
    lines += [f"invalid  {each['reason']}  {each['record']}" for each in found["rejects"][:5]]
    return "\n".join(lines)


def _replayed(found: dict[str, Any]) -> str:
    if not found["batches"]:
        return "nothing was set aside"
    rows = [(each["batch_id"], each["loaded"], each["superseded"], each["still_bad"]) for each in found["batches"]]
    return table(("BATCH", "LOADED", "SUPERSEDED", "STILL BAD"), rows)
