"""Short ways to write instants and schedules in tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from toque.graph.schedules import AnyRule, CronRule, Schedule
from toque.schedule import zones


def us(text: str) -> int:
    """`2026-03-29T01:00Z` as an instant."""
    return zones.instant_us(datetime.fromisoformat(text))


def shown(at_us: int) -> str:
    """An instant as the tests write it."""
    return zones.utc(at_us).strftime("%Y-%m-%dT%H:%M:%SZ").replace(":00Z", "Z")


def schedule(rule: AnyRule | str, tz: str = "UTC", **fields: Any) -> Schedule:
    """A schedule with a rule, or with the cron rule of a text."""
    return Schedule(name="nightly", rule=CronRule(text=rule) if isinstance(rule, str) else rule, tz=tz, **fields)
