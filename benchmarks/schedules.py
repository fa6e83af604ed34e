"""What schedules cost: ten thousand that wait, a thousand that fall due at the same instant."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measurement import Measurement
from benchmarks.processes import cpu_s
from benchmarks.project import Project, project
from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.ports.store import RunFilter, Store
from toque.ports.triggers import ScheduleFilter, ScheduleRow, TickRow
from toque.store import open_store

A_PIPELINE = 100
"""Schedules of each pipeline."""
MANY = 10_000
AT_ONCE = 1_000
EVERY_S = 20
ROUNDS = 3
WATCH_S = 20.0
PATIENCE_S = 300.0


def measure() -> list[Measurement]:
    """On SQLite, with the API off: the clock itself."""
    return [*_waiting(), *_coinciding()]


def _waiting() -> list[Measurement]:
    """Nightly rules in zones with clock changes; none is due while it is watched."""
    now = time.gmtime()
    rule = f"{(now.tm_min + 20) % 60} {(now.tm_hour + 6) % 24} * * *"
    with _scheduled(MANY, rule) as place, place.start("server", "--no-api") as server:
        _await_schedules(place, MANY)
        planned_s = _settled(server.pid)
        began_s, used_s = time.monotonic(), cpu_s(server.pid)
        time.sleep(WATCH_S)
        share = (cpu_s(server.pid) - used_s) / (time.monotonic() - began_s) * 100
    return [
        Measurement(f"{MANY:,} schedules that wait: processor", share, "%", at_most=5, note="of one core"),
        Measurement(f"{MANY:,} schedules: the first start", planned_s, "s", note="of processor, all files loaded"),
    ]


def _settled(pid: int) -> float:
    """The processor time once the server has nothing to do any more."""
    used_s = cpu_s(pid)
    while True:
        time.sleep(2.0)
        now_s = cpu_s(pid)
        if now_s - used_s < 0.2:
            return used_s
        used_s = now_s


def _coinciding() -> list[Measurement]:
    """The same instant for all, `ROUNDS` times; from that instant to the record of each tick, and to each start."""
    with _scheduled(AT_ONCE, f"*/{EVERY_S} * * * * *") as place, place.start("server", "--no-api") as server:
        _await_schedules(place, AT_ONCE)
        _settled(server.pid)
        pace_us = EVERY_S * 1_000_000
        first_us = (time.time_ns() // 1000 // pace_us + 1) * pace_us
        instants = [first_us + number * pace_us for number in range(ROUNDS)]
        ticks, runs = asyncio.run(_await_rounds(place, instants))
    recorded_s, starts_per_s, ended_per_s = [], [], []
    for at_us in instants:
        recorded_s.append(max(tick.recorded_us - at_us for tick in ticks if tick.at_us == at_us) / 1e6)
        mine = [run for run in runs if run.logical_us == at_us]
        starts_per_s.append(len(mine) / (max(run.started_us - at_us for run in mine) / 1e6))
        ended_per_s.append(len(mine) / (max(run.finished_us - at_us for run in mine) / 1e6))
    return [
        Measurement(f"{AT_ONCE:,} ticks at once: the last one recorded", statistics.median(recorded_s), "s", at_most=1),
        Measurement(
            f"{AT_ONCE:,} ticks at once: runs started",
            statistics.median(starts_per_s),
            "/s",
            at_least=500,
            note=f"from the instant of the tick to the start of the last; {statistics.median(ended_per_s):.0f}/s ended",
        ),
    ]


@contextmanager
def _scheduled(count: int, rule: str) -> Iterator[Project]:
    """A project with so many schedules."""
    with project("scheduled") as place:
        file = place.path / "scheduled.py"
        text = file.read_text()
        for name, value in (("PIPELINES", count // A_PIPELINE), ("SCHEDULES", A_PIPELINE), ("RULE", rule)):
            text = re.sub(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
        file.write_text(text)
        place.toque("db", "upgrade")
        yield place


def _await_schedules(place: Project, count: int) -> None:
    """The server has read them from the code."""

    async def main() -> None:
        store = await _open(place)
        until_s = time.monotonic() + PATIENCE_S
        while (found := len(await _schedules(store))) < count:
            if time.monotonic() > until_s:
                raise RuntimeError(f"{found} of {count} schedules are known after {PATIENCE_S:.0f} s")
            await asyncio.sleep(0.5)
        await store.close()

    asyncio.run(main())


async def _schedules(store: Store) -> list[ScheduleRow]:
    return await store.triggers.list_schedules(ScheduleFilter(limit=1_000_000))


async def _await_rounds(place: Project, instants: list[int]) -> tuple[list[TickRow], list[RunRow]]:
    """All ticks and runs of these instants, once all have ended."""
    store = await _open(place)
    try:
        await asyncio.sleep(max(0.0, instants[-1] / 1e6 - time.time() + 5))
        until_s = time.monotonic() + PATIENCE_S
        while True:
            found = await store.list_runs(RunFilter(limit=1_000_000))
            runs = [run for run in found if run.logical_us in instants and run.trigger == "schedule"]
            if len(runs) == len(instants) * AT_ONCE and all(run.state.is_terminal for run in runs):
                break
            if time.monotonic() > until_s:
                raise RuntimeError(f"{len(runs)} runs of {len(instants) * AT_ONCE}")
            await asyncio.sleep(0.5)
        failed = [run for run in runs if run.state is not RunState.SUCCEEDED]
        if failed:
            raise RuntimeError(f"{len(failed)} runs failed: {failed[0].error}")
        ticks: list[TickRow] = []
        for row in await _schedules(store):
            ticks += [seen.tick for seen in await store.triggers.list_ticks(row.id)]
        return ticks, runs
    finally:
        await store.close()


async def _open(place: Project) -> Store:
    store = open_store(f"sqlite:///{place.path}/.toque/toque.db")
    await store.open()
    return store
