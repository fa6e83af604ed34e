"""Automation in the IR: when an asset is made by itself, as values. `toque.schedule.automation` says what they mean."""

from __future__ import annotations

from typing import TypeAlias

from toque.graph.schedules import Schedule
from toque.graph.value import IRValue


class AutomationRule(IRValue, frozen=True, kw_only=True, tag_field="when"):
    """What all rules share."""


class Eager(AutomationRule, frozen=True, kw_only=True, tag="eager"):
    """Once something that it is made from was made: the slices that read it."""


class AllFresh(AutomationRule, frozen=True, kw_only=True, tag="all_fresh"):
    """Once everything that it is made from was made since it was last made itself, and none of that is stale or fails
    a check."""


class WhenMissing(AutomationRule, frozen=True, kw_only=True, tag="when_missing"):
    """Slices that were never made, once everything that they are made from is there."""


class OnTicks(AutomationRule, frozen=True, kw_only=True, tag="on_schedule"):
    """At the ticks of a schedule. Of windows of time the last one that is over, of other partitions all."""

    schedule: Schedule


AnyAutomation: TypeAlias = Eager | AllFresh | WhenMissing | OnTicks
