"""Alerts: which ends of runs lead to which message. Pure: what happened comes in, who is told what comes out.

| what became true | message |
|---|---|
| a run failed | `failure`, one for each run |
| a run succeeded, and the pipeline's last run before had failed | `recovery` |
| a run is late | `late`, once for each run |
| checks set rows aside in a run that has ended | `quarantine`, one for each run, for those who ask for it by name |
| a run was cancelled by somebody, or skipped | none |

A flapping pipeline does not spam: after `MOST_IN_AN_HOUR` messages about one pipeline within an hour, what comes on top
is not told one by one; when the (clock) hour is over, one `summary` says how many runs failed and succeeded in it and
how the pipeline stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState

HOUR_US = 3_600_000_000
MOST_IN_AN_HOUR = 6
REMEMBERED = 50
"""Runs of a pipeline that are looked at to judge one."""
Happened: TypeAlias = Literal["failure", "success", "late", "quarantine"]
Told: TypeAlias = Literal["failure", "recovery", "late", "quarantine"]
_FAILED, _SUCCEEDED = RunState.FAILED, RunState.SUCCEEDED


@dataclass(frozen=True)
class Route:
    """A line of the settings: who is told of what."""

    to: str
    on: tuple[str, ...]
    pipelines: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What may lead to a message; written in the transaction in which it became true."""

    happened: Happened
    run_id: str
    pipeline: str
    at_us: int
    to: tuple[str, ...]
    owner: str = ""


def happened(row: RunRow) -> Happened | None:
    """What the end of a run is to those who wait for it."""
    if row.state is _FAILED or (row.state is RunState.CANCELLED and row.error is not None):
        return "failure"  # the second: it was cancelled at its own deadline
    return "success" if row.state is _SUCCEEDED else None


def receivers(what: Happened, pipeline: str, own: Iterable[str], routes: Iterable[Route]) -> tuple[str, ...]:
    """Whom it may concern, each once. `own`: what the pipeline itself says, which is told everything
    but what was set aside: that may be so in each run, and nothing is to be done at once."""
    told = "recovery" if what == "success" else what
    found = dict.fromkeys(own if what != "quarantine" else ())
    for route in routes:
        wanted = not route.pipelines or any(fnmatchcase(pipeline, pattern) for pattern in route.pipelines)
        if wanted and told in route.on:
            found[route.to] = None
    return tuple(found)


@dataclass(frozen=True)
class Verdict:
    """What follows from an event."""

    told: Told | None
    is_held: bool = False
    """It belongs into the summary of its hour."""
    is_last: bool = False
    """The one after which messages are held, for now."""


def judge(event: Event, runs: Sequence[RunRow]) -> Verdict:
    """`runs`: those of the pipeline that ended lately (for lateness: that have not ended), in any order."""
    if event.happened == "quarantine":
        return Verdict("quarantine")
    if event.happened == "late":
        late = [row for row in runs if row.late_us > 0 and row.run_id != event.run_id]
        told: Told = "late"
        before = sum(event.at_us - HOUR_US < row.late_us <= event.at_us for row in late)
    else:
        earlier = _earlier(event, runs)
        if event.happened == "success":
            if not earlier or happened(earlier[0]) != "failure":
                return Verdict(None)
            told = "recovery"
        else:
            told = "failure"
        before = _told_lately(event, earlier)
    return Verdict(told, is_held=before >= MOST_IN_AN_HOUR, is_last=before == MOST_IN_AN_HOUR - 1)


def _earlier(event: Event, runs: Sequence[RunRow]) -> list[RunRow]:
    """Those that ended before, the last one first."""
    when = (event.at_us, event.run_id)
    ended = [row for row in runs if (row.finished_us, row.run_id) < when and happened(row) is not None]
    return sorted(ended, key=lambda row: (row.finished_us, row.run_id), reverse=True)


def _told_lately(event: Event, earlier: Sequence[RunRow]) -> int:
    told = 0
    for place, row in enumerate(earlier):
        if row.finished_us <= event.at_us - HOUR_US:
            break
        before = earlier[place + 1] if place + 1 < len(earlier) else None
        told += happened(row) == "failure" or (before is not None and happened(before) == "failure")
    return told


def hour_of(at_us: int) -> int:
    """Number of the hour since 1970."""
    return at_us // HOUR_US
