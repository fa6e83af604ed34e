"""Faults: what the world does to the system, drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Faults:
    """How likely each disturbance is. All zero is an undisturbed world."""

    crash_before_commit: float = 0
    crash_after_commit: float = 0
    crash_in_dispatch: float = 0
    commit_fails: float = 0
    kill_worker: float = 0
    kill_host: float = 0
    duplicate: float = 0
    lose_started: float = 0
    slow_report: float = 0
    zombie: float = 0
    timer_early: float = 0
    submit_twice: float = 0
    evict: float = 0
    suspend: float = 0
    meddle: float = 0
    """Cancels and marks: the end is then not that of an undisturbed run."""


CALM = Faults()


def drawn(seed: int) -> Faults:
    """The faults of a seed: some kinds often, some not at all, so that each gets a stage of its own."""
    rng = Random(f"faults/{seed}")

    def maybe(likely: float) -> float:
        return rng.choice((0.0, 0.0, likely / 3, likely))

    return Faults(
        crash_before_commit=maybe(0.06),
        crash_after_commit=maybe(0.06),
        crash_in_dispatch=maybe(0.08),
        commit_fails=maybe(0.15),
        kill_worker=maybe(0.15),
        kill_host=maybe(0.1),
        duplicate=maybe(0.3),
        lose_started=maybe(0.4),
        slow_report=maybe(0.3),
        zombie=maybe(0.1),
        timer_early=maybe(0.2),
        submit_twice=maybe(0.2),
        evict=maybe(0.15),
        suspend=maybe(0.05),
        meddle=0.12 if rng.random() < 0.25 else 0.0,
    )
