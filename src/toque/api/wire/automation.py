"""Automation: when an asset is made by itself, and what was decided about it."""

from __future__ import annotations

from typing import Literal

from toque.api.wire.model import Wire


class AutomationRule(Wire):
    """A rule, as its author wrote it."""

    rule: Literal["Eager", "AllFresh", "WhenMissing", "OnSchedule"]
    words: str
    """For people: `once something that it is made from was made`."""


class AssetAutomation(Wire):
    """When an asset is made by itself."""

    rules: list[AutomationRule]
    """It is made when one of them says so; empty where they were taken out of its code."""
    since_us: int
    """When a server first saw them: what was made before is no cause. 0: none has, or triggers are off."""
    paused: bool
    actor: str
    """Who paused or resumed it last."""
    waiting: str
    """What holds back something that is wanted now; "" where nothing is."""
    decisions: int
    """That were ever recorded."""


class AutomationDecision(Wire):
    """A decision. One that declined holds until the next one."""

    n: int
    at_us: int
    outcome: Literal["requested", "waits", "paused", "skipped", "failed"]
    rule: str
    reason: str
    partitions: str
    """That were asked for, for people."""
    count: int
    """How many slices were asked for."""
    backfill_id: str
    """The plan that makes them; "" where nothing was asked for."""
    run_id: str
    """The run that makes it, where that is one and has begun."""
