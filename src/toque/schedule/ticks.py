"""The ticks of a schedule: when they are, and which span of data each stands for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from toque.graph.schedules import Schedule


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One firing of a schedule. (pipeline, schedule, `at_us`) is its key."""

    at_us: int
    """The nominal instant, UTC: the logical time of the run, and the end of its data interval."""
    start_us: int
    """Start of the data interval: the tick before. The very first tick of a series has an empty interval."""
    due_us: int
    """When to start it: `at_us` and the schedule's share of jitter. Rises with `at_us`."""

    @property
    def end_us(self) -> int:
        """End of the data interval."""
        return self.at_us


def ticks(schedule: Schedule, pipeline: str, after_us: int, until_us: int) -> Iterator[Tick]:
    """The ticks with `after_us < at_us <= until_us`, ascending."""
    raise NotImplementedError


def next_tick(schedule: Schedule, pipeline: str, after_us: int) -> Tick | None:
    """The first tick with `at_us > after_us`; None when there is none any more."""
    raise NotImplementedError


def jitter_us(schedule: Schedule, pipeline: str) -> int:
    """By how much each tick of the schedule is due after its nominal instant: a hash of the names, no random number."""
    raise NotImplementedError
