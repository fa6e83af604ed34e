"""How fresh assets are, as pages show it: by the policy of their authors, or compared with their past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from toque.api.services import Services
from toque.api.wire.assets import AssetFreshness
from toque.data.anomalies import freshness as usual
from toque.data.freshness import usual_words
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset
from toque.ports.assets import EventQuery, SliceRow
from toque.runtime.ageing import freshness_of
from toque.schedule.deadlines import policy_words

LOOKED_BACK = 100
"""Materializations that say what is usual."""


def stated(asset: Asset, newest: SliceRow | None, now_us: int) -> AssetFreshness | None:
    """By the policy of its author; None where there is none."""
    if asset.freshness is None:
        return None
    found = freshness_of(asset.freshness, newest, now_us)
    return AssetFreshness(
        state=found.state,
        since_us=found.since_us,
        updated_us=found.updated_us,
        deadline_us=found.deadline_us,
        words=found.words,
        policy=policy_words(asset.freshness),
    )


async def compared(asked: Services, asset: Asset, newest: SliceRow | None) -> AssetFreshness | None:
    """As its author states it, else compared with the gaps of its past; None where too little is known."""
    now_us = asked.clock.now_us()
    if asset.freshness is not None:
        return stated(asset, newest, now_us)
    told = await asked.store.assets.events(EventQuery(asset=asset.key, kind="materialized", limit=LOOKED_BACK))
    return _usual(told, now_us)


def _usual(told: Sequence[AssetEventRow], now_us: int) -> AssetFreshness | None:
    """What a backfill makes says nothing of how often the others are made."""
    updates = [_at(row.at_us) for row in told if not row.backfill_id]
    if not updates:
        return None
    found = usual(updates, _at(now_us))
    if found.allowed_s is None:
        return None
    updated_us = max(row.at_us for row in told if not row.backfill_id)
    late_us = updated_us + round(found.allowed_s * 1_000_000)
    return AssetFreshness(
        state="due" if found.is_late else "fresh",
        since_us=late_us if found.is_late else updated_us,
        updated_us=updated_us,
        deadline_us=0,
        words=usual_words(found.gap_s, found.allowed_s),
        policy="",
    )


def _at(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)
