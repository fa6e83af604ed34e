"""What becomes of the ticks that fell due while nobody could start them."""

from __future__ import annotations

from itertools import islice
from typing import Final, assert_never

import msgspec

from toque.graph.schedules import Schedule
from toque.schedule import zones
from toque.schedule.ticks import Tick, instants, jitter_us, ticks

LISTED: Final = 1000
"""So many ticks get an outcome of their own; those further back get one together."""
COUNTED: Final = 10_000
"""So many of those further back are counted; above, the number is a lower bound."""


class CatchUp(msgspec.Struct, frozen=True, kw_only=True):
    """Each tick that fell due, with its one outcome; all lists ascend by `at_us`."""

    start: tuple[Tick, ...] = ()
    coalesced: tuple[tuple[Tick, str], ...] = ()
    """Ticks for which another one of `start` runs, with the reason in words."""
    skipped: tuple[tuple[Tick, str], ...] = ()
    """Ticks that nothing runs for, with the reason in words."""
    skipped_beyond: int = 0
    """How many older ones were left out of the lists, which hold at most `LISTED` ticks, or those to start if more."""
    beyond_at_least: bool = False
    """There are more than `skipped_beyond`: they were not counted to the end."""
    beyond_from_us: int = 0
    beyond_until_us: int = 0
    """`at_us` of the first and the last of those."""
    beyond_reason: str = ""
    last_us: int = 0
    """`at_us` of the newest tick that fell due: the cursor to go on from. 0: none fell due."""


def missed(schedule: Schedule, pipeline: str, after_us: int, now_us: int, grace_us: int = 0) -> CatchUp:
    """The outcome of every tick with `at_us > after_us` and `due_us <= now_us`, by the schedule's catch-up policy.

    A tick that fell due at most `grace_us` ago is on time, and started whatever the policy says.
    """
    until_us = now_us - jitter_us(schedule, pipeline)
    newest = _newest(schedule, pipeline, after_us, until_us, max(LISTED, schedule.catchup_limit))
    if not newest:
        return CatchUp()
    on_time = tuple(tick for tick in newest if tick.due_us >= now_us - grace_us)
    late = newest[: len(newest) - len(on_time)]
    found = _decided(schedule, late, on_time)
    older = list(islice(instants(schedule, after_us, newest[0].at_us - 1), COUNTED + 1))
    if not older:
        return found
    more = len(older) > COUNTED
    outcomes = found.skipped or found.coalesced
    return msgspec.structs.replace(
        found,
        skipped_beyond=min(len(older), COUNTED),
        beyond_at_least=more,
        beyond_from_us=older[0],
        beyond_until_us=newest[0].start_us,
        beyond_reason=outcomes[0][1] if outcomes else _too_many(schedule),
    )


def _decided(schedule: Schedule, late: tuple[Tick, ...], on_time: tuple[Tick, ...]) -> CatchUp:
    last_us = (on_time or late)[-1].at_us
    match schedule.catchup:
        case "skip":
            reason = "nobody could start it in time, and catch-up is skip"
            return CatchUp(start=on_time, skipped=_all(late, reason), last_us=last_us)
        case "latest":
            start = on_time or late[-1:]
            reason = (
                f"nobody could start it in time; the run of {_shown(start[0].at_us)} stands for it (catch-up: latest)"
            )
            return CatchUp(start=start, coalesced=_all((late if on_time else late[:-1]), reason), last_us=last_us)
        case "all":
            cut = max(0, len(late) - schedule.catchup_limit)
            return CatchUp(start=late[cut:] + on_time, skipped=_all(late[:cut], _too_many(schedule)), last_us=last_us)
        case _:
            assert_never(schedule.catchup)


def _newest(schedule: Schedule, pipeline: str, after_us: int, until_us: int, count: int) -> tuple[Tick, ...]:
    """The last `count` ticks of a span, at a cost that does not grow with the span."""
    span_us = 3_600_000_000
    while True:
        start_us = max(after_us, until_us - span_us)
        # Counted before they are given intervals; a span holds about four times what the one before held.
        found = list(instants(schedule, start_us, until_us))
        if len(found) >= count or start_us <= after_us:
            break
        span_us *= 4
    if not found:
        return ()
    first_us = found[-count:][0]
    return tuple(ticks(schedule, pipeline, first_us - 1, until_us))


def _all(late: tuple[Tick, ...], reason: str) -> tuple[tuple[Tick, str], ...]:
    return tuple((tick, reason) for tick in late)


def _too_many(schedule: Schedule) -> str:
    return f"more ticks were missed than catchup_limit={schedule.catchup_limit} lets start"


def _shown(at_us: int) -> str:
    return f"{zones.utc(at_us):%Y-%m-%d %H:%M:%S} UTC"
