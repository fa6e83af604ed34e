"""What becomes of the ticks that fell due while nobody could start them."""

from __future__ import annotations

import msgspec

from toque.graph.schedules import Schedule
from toque.schedule.ticks import Tick


class CatchUp(msgspec.Struct, frozen=True, kw_only=True):
    """Each tick that fell due, with its one outcome; all lists ascend by `at_us`."""

    start: tuple[Tick, ...] = ()
    coalesced: tuple[tuple[Tick, str], ...] = ()
    """Ticks for which another one of `start` runs, with the reason in words."""
    skipped: tuple[tuple[Tick, str], ...] = ()
    """Ticks that nothing runs for, with the reason in words."""
    skipped_beyond: int = 0
    """How many older ones were left out of the lists, which hold at most `LISTED` ticks."""
    beyond_from_us: int = 0
    beyond_until_us: int = 0
    """`at_us` of the first and the last of those."""
    beyond_reason: str = ""
    last_us: int = 0
    """`at_us` of the newest tick that fell due: the cursor to go on from. 0: none fell due."""


LISTED = 1000
"""So many ticks get an outcome of their own; those further back get one together."""


def missed(schedule: Schedule, pipeline: str, after_us: int, now_us: int, grace_us: int = 0) -> CatchUp:
    """The outcome of every tick with `at_us > after_us` and `due_us <= now_us`, by the schedule's catch-up policy.

    A tick that fell due at most `grace_us` ago is on time, and started whatever the policy says.
    """
    raise NotImplementedError
