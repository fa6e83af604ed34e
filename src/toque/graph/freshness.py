"""Freshness in the IR: how old the data of an asset may become, and what is done when it is unlike its past."""

from __future__ import annotations

from typing import Literal, TypeAlias

from toque.graph.schedules import Schedule
from toque.graph.value import IRValue

AnomalyPolicy: TypeAlias = Literal["warn", "error", "off"]
"""What an anomaly does: it is shown, it blocks what is made from the asset, or nobody looks."""


class FreshnessPolicy(IRValue, frozen=True, kw_only=True):
    """`within_s` alone: the data is never older. With `by`: at each of its ticks there is data that is not older than
    that, or (None) newer than the tick before."""

    within_s: float | None = None
    by: Schedule | None = None
    warn_s: float = 0.0
    """So long before its deadline it is due; 0: it never is, it is fresh or overdue."""
