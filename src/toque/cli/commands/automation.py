"""`toque automation list|decisions|pause|unpause`: assets that are made by themselves, and what was decided."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.errors import NotFound
from toque.graph.assets import Asset
from toque.ports.automations import AutomationRow, DecisionRow
from toque.ports.store import Store
from toque.runtime.clock import SystemClock
from toque.runtime.pausing import set_automation_paused
from toque.schedule.automation.deciding import rule_name
from toque.settings import Settings


@click.group()
def automation() -> None:
    """Assets that are made by themselves: what was decided about them; pause that."""


@automation.command("list")
@project_options
@json_option
def list_automation(settings: Settings, output: Output) -> None:
    """List the assets with rules, and what holds them back."""
    known = _automated(settings)

    async def work(store: Store) -> dict[str, AutomationRow]:
        return await store.automations.rows(list(known))

    try:
        rows = in_store(settings, work)
    except NotFound:  # no server has looked yet
        rows = {}
    output.result([_described(each, rows.get(key)) for key, each in known.items()], lambda: _listed(known, rows))


@automation.command()
@click.argument("asset")
@click.option("-n", "limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many.")
@project_options
@json_option
def decisions(asset: str, limit: int, settings: Settings, output: Output) -> None:
    """Show what was decided about an asset, newest first."""

    async def work(store: Store) -> list[DecisionRow]:
        found = await store.automations.decisions(asset, limit=limit)
        if not found and asset not in _automated(settings):
            raise NotFound(f"{asset} is not made by itself", fix="toque automation list shows what is")
        return found

    found = in_store(settings, work)
    output.result([msgspec.to_builtins(each) for each in found], lambda: _decisions_text(found))


@automation.command()
@click.argument("asset")
@project_options
@json_option
def pause(asset: str, settings: Settings, output: Output) -> None:
    """Ask for nothing by the rules of an asset from now on."""
    _set_paused(asset, settings, output, to_pause=True)


@automation.command()
@click.argument("asset")
@project_options
@json_option
def unpause(asset: str, settings: Settings, output: Output) -> None:
    """Go on: what was made upstream meanwhile counts, ticks of the pause do not."""
    _set_paused(asset, settings, output, to_pause=False)


def _set_paused(asset: str, settings: Settings, output: Output, *, to_pause: bool) -> None:
    known = _automated(settings)
    if asset not in known:
        raise NotFound(f"{asset} is not made by itself", fix="toque automation list shows what is")

    async def work(store: Store) -> AutomationRow:
        return await set_automation_paused(store, asset, pause=to_pause, actor=who(), now_us=SystemClock().now_us())

    row = in_store(settings, work)
    output.result(_described(known[asset], row), lambda: _listed({asset: known[asset]}, {asset: row}))


def _automated(settings: Settings) -> dict[str, Asset]:
    from toque.local.loading import candidates, load

    loaded = load(settings.project, candidates(settings))
    found = {asset.key: asset for each in loaded for asset in each.assets if asset.automation}
    return dict(sorted(found.items()))


def _described(asset: Asset, row: AutomationRow | None) -> dict[str, Any]:
    return {
        "asset": asset.key,
        "rules": [rule_name(each) for each in asset.automation],
        "since_us": row.since_us if row else 0,
        "paused": row.paused if row else False,
        "actor": row.actor if row else "",
        "waiting": _waiting(row),
        "decisions": row.decided if row else 0,
    }


def _waiting(row: AutomationRow | None) -> str:
    return row.said.partition(": ")[2] if row else ""


def _listed(known: dict[str, Asset], rows: dict[str, AutomationRow]) -> str:
    if not known:
        return "no asset is made by itself: @asset(automation=Eager()) declares one"
    lines = [
        (key, ", ".join(rule_name(each) for each in asset.automation), _standing(rows.get(key)))
        for key, asset in known.items()
    ]
    return table(("asset", "rules", "now"), lines)


def _standing(row: AutomationRow | None) -> str:
    if row is not None and row.paused:
        return f"paused by {row.actor}" if row.actor else "paused"
    if row is None or not row.since_us:
        return "no server has looked yet"
    return _waiting(row) or f"since {moment(row.since_us)}"


def _decisions_text(found: list[DecisionRow]) -> str:
    if not found:
        return "nothing was decided yet"
    lines = [
        (moment(each.at_us), each.outcome, each.rule, each.reason, each.partitions or "", each.backfill)
        for each in found
    ]
    return table(("at", "outcome", "rule", "why", "partitions", "backfill"), lines)
