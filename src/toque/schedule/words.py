"""A schedule in plain words."""

from __future__ import annotations

from toque.graph.schedules import Schedule


def describe(schedule: Schedule) -> str:
    """What the rule means, the nights of a clock change included, as one line."""
    raise NotImplementedError
