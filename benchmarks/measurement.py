"""What is measured, against what: the values that the tables are made of."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.protocol import Figures


@dataclass(frozen=True)
class Measurement:
    """One figure and its budget."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def is_within(self) -> bool | None:
        """Whether the budget holds; None without a budget."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def budget(self) -> str:
        """The budget as people write it."""
        if self.at_most is not None:
            return f"≤ {number(self.at_most)} {self.unit}".rstrip()
        if self.at_least is not None:
            return f"≥ {number(self.at_least)} {self.unit}".rstrip()
        return ""


@dataclass(frozen=True)
class Unmeasured:
    """A figure that could not be taken, and why. It counts as a failure of the benchmark, never as a figure."""

    what: str
    reason: str


@dataclass(frozen=True)
class Standing:
    """One system in the comparison: medians over the rounds, and how Toque stands to it."""

    name: str
    durability: str
    figures: Figures
    hop_ratio: float | None
    """Its hop divided by Toque's: above 1 Toque is quicker. None when Toque itself could not be measured."""
    fanout_ratio: float | None
    """Toque's rate divided by its rate: above 1 Toque is quicker."""


def standings(
    rounds: Mapping[str, Sequence[Figures]], durability: Mapping[str, str], *, against: str
) -> list[Standing]:
    """Medians over the rounds of each system, as ratios to the system `against`."""
    medians = {name: median_figures(figures) for name, figures in rounds.items() if figures}
    ours = medians.get(against)
    return [
        Standing(
            name=name,
            durability=durability[name],
            figures=figures,
            hop_ratio=figures.chain_hop_ms / ours.chain_hop_ms if ours else None,
            fanout_ratio=ours.fanout_per_s / figures.fanout_per_s if ours else None,
        )
        for name, figures in medians.items()
    ]


def median_figures(rounds: Sequence[Figures]) -> Figures:
    """Each field's median; the rounds are of one version and one size."""
    return Figures(
        version=rounds[0].version,
        chain_hop_ms=statistics.median(figures.chain_hop_ms for figures in rounds),
        chain_hop_p99_ms=statistics.median(figures.chain_hop_p99_ms for figures in rounds),
        fanout_per_s=statistics.median(figures.fanout_per_s for figures in rounds),
        fanout_tasks=rounds[0].fanout_tasks,
    )


def number(value: float) -> str:
    """Three significant digits, thousands separated: 0.234, 12.3, 1,240."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    decimals = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")
