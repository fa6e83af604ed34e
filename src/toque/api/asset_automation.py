"""Automation as the page of an asset shows it."""

from __future__ import annotations

from typing import assert_never

from toque.api.assets import Catalogue
from toque.api.services import Services
from toque.api.wire.automation import AssetAutomation, AutomationDecision, AutomationRule
from toque.graph.assets import Asset
from toque.graph.automation import AllFresh, AnyAutomation, Eager, OnTicks, WhenMissing
from toque.ports.automations import DecisionRow
from toque.ports.backfills import SliceQuery
from toque.schedule.words import phrase


async def automation(asked: Services, asset: Asset) -> AssetAutomation | None:
    """None for an asset that has no rules and never had any."""
    row = (await asked.store.automations.rows([asset.key])).get(asset.key)
    if row is None and not asset.automation:
        return None
    return AssetAutomation(
        rules=[_rule(each) for each in asset.automation],
        since_us=row.since_us if row is not None else 0,
        paused=row.paused if row is not None else False,
        actor=row.actor if row is not None else "",
        waiting=row.said.partition(": ")[2] if row is not None else "",
        decisions=row.decided if row is not None else 0,
    )


async def decisions(
    asked: Services, known: Catalogue, key: str, *, before: int, limit: int
) -> list[AutomationDecision]:
    """Newest first. Raises `NotFound`."""
    known.find(key)
    found = await asked.store.automations.decisions(key, before=before, limit=limit)
    return [_decision(each, await _run_of(asked, each)) for each in found]


async def _run_of(asked: Services, decision: DecisionRow) -> str:
    if not decision.backfill:
        return ""
    slices = await asked.store.backfills.slices(decision.backfill, SliceQuery(limit=2))
    return slices[0].run_id if len(slices) == 1 else ""


def _decision(row: DecisionRow, run_id: str) -> AutomationDecision:
    return AutomationDecision(
        n=row.n,
        at_us=row.at_us,
        outcome=row.outcome.value,
        rule=row.rule,
        reason=row.reason,
        partitions=row.partitions,
        count=row.count,
        backfill_id=row.backfill,
        run_id=run_id,
    )


def _rule(rule: AnyAutomation) -> AutomationRule:
    match rule:
        case Eager():
            return AutomationRule(rule="Eager", words="once something that it is made from was made")
        case AllFresh():
            return AutomationRule(rule="AllFresh", words="once all that it is made from was made anew, and is fresh")
        case WhenMissing():
            return AutomationRule(rule="WhenMissing", words="what was never made, once what it is made from is there")
        case OnTicks(schedule=schedule):
            return AutomationRule(rule="OnSchedule", words=phrase(schedule))
        case _:
            assert_never(rule)
