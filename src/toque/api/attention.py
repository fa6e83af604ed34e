"""What needs a person now: failures that no success followed, late runs, broken files, missed ticks, dead servers,
checks that fail, data that is too old."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from toque.api.asset_checks import failing
from toque.api.asset_freshness import stated
from toque.api.lookups import listed
from toque.api.services import Services
from toque.api.wire.asset_checks import FailingAssetCheck
from toque.api.wire.system import Attention
from toque.engine.rows import MAKES, RunRow
from toque.engine.states import RunState, TickOutcome
from toque.engine.values import AT_US
from toque.ports.pages import RunQuery
from toque.ports.project import BrokenFile
from toque.ports.triggers import ScheduleFilter, ScheduleRow, TickSeen

MOST = 200
"""Of each kind."""
SCHEDULES = 100
"""Schedules that are asked for missed ticks: those due next."""
RECENT_US = 24 * 3_600_000_000
"""Missed ticks are old news after a day."""
SLICES = 50
"""Slices whose failing checks are looked at."""
LOOKED_BACK = 3
"""Ticks of each schedule."""


async def attention(asked: Services) -> list[Attention]:
    """Newest first."""
    found = [
        *await _failed(asked),
        *await _late(asked),
        *_broken(asked),
        *await _missed(asked),
        *await _dead(asked),
        *await _wrong(asked),
        *await _overdue(asked),
    ]
    return sorted(found, key=lambda each: -each.since_us)


async def _failed(asked: Services) -> Iterator[Attention]:
    failed = await asked.store.history.attention(MOST)
    return (
        Attention(
            kind="failed_run",
            pipeline=each.pipeline,
            run_id=each.run.run_id,
            since_us=each.run.finished_us or each.run.created_us,
            title=f"{each.run.title} failed{_before(each.run, each.count)}",
            detail=each.run.error.said if each.run.error is not None else "",
            count=each.count,
        )
        for each in failed
    )


def _before(run: RunRow, count: int) -> str:
    """Runs of a pipeline are alike, those of selections are not."""
    if count <= 1:
        return ""
    return f", and {count - 1} of {run.pipeline} before it" if MAKES in run.tags else f" {count} times in a row"


async def _late(asked: Services) -> Iterator[Attention]:
    states = (RunState.QUEUED, RunState.RUNNING, RunState.SUSPENDED)
    page = await asked.store.history.runs(RunQuery(states=states, limit=MOST))
    return (
        Attention(
            kind="late_run",
            pipeline=run.pipeline,
            run_id=run.run_id,
            since_us=run.late_us,
            title=f"{run.title} is late",
            detail=f"it is {run.state}",
            count=1,
        )
        for run in page.runs
        if run.late_us
    )


def _broken(asked: Services) -> Iterator[Attention]:
    state = asked.project.state
    for broken in state.broken:
        first = broken.problems[0] if broken.problems else None
        line = f":{first.line}" if first is not None and first.line else ""
        yield Attention(
            kind="broken_file",
            pipeline="",
            run_id="",
            since_us=broken.since_us,
            title=f"{broken.file}{line} cannot be loaded",
            detail="; ".join([*([first.message.rstrip(".")] if first is not None else []), *_without(broken)]),
            count=len(broken.problems),
        )
    if state.fault:
        yield Attention(
            kind="broken_file",
            pipeline="",
            run_id="",
            since_us=state.indexed_us,
            title="the project cannot be looked at",
            detail=state.fault,
            count=1,
        )


def _without(broken: BrokenFile) -> Iterator[str]:
    """What the project has not, or has not as the file says, because of it."""
    if broken.missing:
        yield f"missing until it loads: {listed(broken.missing)}"
    if broken.kept:
        yield f"as they were when it last loaded: {listed(broken.kept)}"


async def _missed(asked: Services) -> list[Attention]:
    since_us = asked.clock.now_us() - RECENT_US
    rows = await asked.store.triggers.list_schedules(ScheduleFilter(limit=SCHEDULES))
    active = [row for row in rows if not row.paused and row.cursor_us >= since_us]
    ticks = await asyncio.gather(*(asked.store.triggers.list_ticks(row.id, limit=LOOKED_BACK) for row in active))
    return [said for row, seen in zip(active, ticks, strict=True) if (said := _said(row, seen, since_us)) is not None]


def _said(row: ScheduleRow, seen: list[TickSeen], since_us: AT_US) -> Attention | None:
    missed = [
        each.tick
        for each in seen
        if each.tick.outcome is not TickOutcome.STARTED
        and each.tick.recorded_us >= since_us
        and not each.tick.is_by_pause
    ]
    if not missed:
        return None
    count = sum(tick.count for tick in missed)
    return Attention(
        kind="missed_ticks",
        pipeline=row.pipeline,
        run_id="",
        since_us=missed[0].recorded_us,
        title=f"{row.id} missed {count} tick{'s' if count > 1 else ''}",
        detail=missed[0].reason,
        count=count,
    )


async def _wrong(asked: Services) -> Iterator[Attention]:
    """Slices with checks that block or set rows aside; one that warns only says so where the asset is looked at."""
    found: dict[tuple[str, str], list[FailingAssetCheck]] = {}
    for each in await failing(asked, SLICES):
        if each.severity != "warn":
            found.setdefault((each.asset, each.partition), []).append(each)
    return (
        Attention(
            kind="failing_check",
            pipeline="",
            run_id=checks[0].run_id,
            asset=asset,
            check=checks[0].check,
            since_us=min(each.since_us for each in checks),
            title=" ".join((asset, *([partition] if partition else ()), f"fails {_named(checks)}")),
            detail="; ".join(f"{each.check}: {each.message}" for each in checks),
            count=len(checks),
        )
        for (asset, partition), checks in found.items()
    )


def _named(checks: Sequence[FailingAssetCheck]) -> str:
    return checks[0].check if len(checks) == 1 else f"{len(checks)} checks"


async def _overdue(asked: Services) -> Iterator[Attention]:
    """Assets that state how fresh they have to be, and are not."""
    stating = [each for each in asked.project.state.assets.values() if each.asset.freshness is not None]
    standing = await asked.store.assets.standings([each.asset.key for each in stating]) if stating else {}
    now_us = asked.clock.now_us()
    found = ((each, stated(each.asset, standing.get(each.asset.key), now_us)) for each in stating)
    return (
        Attention(
            kind="overdue",
            pipeline="",
            run_id="",
            asset=each.asset.key,
            since_us=fresh.since_us,
            title=f"{each.asset.key} is overdue",
            detail=f"{fresh.words}; it has to be {fresh.policy}",
            count=1,
        )
        for each, fresh in found
        if fresh is not None and fresh.state == "overdue"
    )


async def _dead(asked: Services) -> Iterator[Attention]:
    servers = await asked.store.history.servers()
    return (
        Attention(
            kind="down_worker",
            pipeline="",
            run_id="",
            since_us=each.since_us,
            title=f"{each.instance} on {each.host} is gone",
            detail=f"it held {each.active_runs} unfinished runs, which go on elsewhere in a moment",
            count=each.active_runs,
        )
        for each in servers
        if not each.alive and each.active_runs
    )
