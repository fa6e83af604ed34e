"""`kill -9` around ticks: every tick of the time has one outcome and exactly one run, however often servers die."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.processes import Processes
from tests.postgres import PostgresServer
from toque.engine.rows import RunRow
from toque.engine.states import RunState, TickOutcome
from toque.ports.store import RunFilter, Store
from toque.ports.triggers import ScheduleFilter, ScheduleRow, TickSeen
from toque.runtime.pausing import find_schedules, set_paused
from toque.settings import load
from toque.store import open_store

HERE = Path(__file__).parent
PATIENCE_S = 90.0
SECOND_US = 1_000_000
LEASE_S = 2.0
EVERYTHING = 1_000_000


def disturb_ticks(store: str, kills: int, seed: str) -> list[str]:
    """Kill servers so often around ticks; returns what went wrong, and leaves the folder if anything did."""
    folder = Path(tempfile.mkdtemp(prefix=f"toque-ticks-{store}-"))
    postgres = PostgresServer() if store == "postgresql" else None
    began_s = time.monotonic()
    try:
        if postgres is not None:
            postgres.start()
        failures = asyncio.run(_Metronome(folder, seed, postgres).disturb(kills))
    finally:
        if postgres is not None:
            postgres.stop()
    print(
        f"ticks on {store}: {kills} kills in {time.monotonic() - began_s:.0f} s, {len(failures)} failures", flush=True
    )
    for failure in failures[:10]:
        print(f"FAILED: {failure}\n  see {folder}")
    if not failures:
        shutil.rmtree(folder)
    return failures


class _Metronome:
    """One project, and as many servers on it as its store allows."""

    def __init__(self, folder: Path, seed: str, postgres: PostgresServer | None) -> None:
        self._rng = random.Random(seed)
        project = folder / "project"
        project.mkdir()
        shutil.copy(HERE / "metronome.py", project)
        text = f'workers = 1\nlease = "{LEASE_S}s"\n'
        (project / "toque.toml").write_text((f'store = "{postgres.create()}"\n' if postgres else "") + text)
        self._processes = Processes(project, {})
        self._count = 2 if postgres else 1
        self._servers: list[subprocess.Popen[bytes]] = []
        self._settings = load(project)
        self._store: Store = open_store(self._settings.store_url)

    async def disturb(self, kills: int) -> list[str]:
        """Kill, replace, kill again; then let what is queued end, and judge."""
        if code := self._processes.start("run", "metronome.py", "-q").wait(PATIENCE_S):
            raise AssertionError(f"the pipeline does not run: {code}\n{self._processes.tail()}")
        await self._store.open()
        try:
            for _ in range(kills):
                self._serve()
                await self._until_ticking()
                self._strike()
            self._serve()
            await self._until_ticking()
            return await self._judged()
        finally:
            await self._store.close()
            self._processes.kill_all()

    def _serve(self) -> None:
        self._servers = [server for server in self._servers if server.poll() is None]
        while len(self._servers) < self._count:
            self._servers.append(self._processes.start("server", "--no-api"))

    async def _until_ticking(self) -> None:
        """A tick later than now was decided: somebody does so."""
        now_us = time.time_ns() // 1000
        until_s = time.monotonic() + PATIENCE_S
        while not any(row.cursor_us >= now_us for row in await self._schedules()):
            if time.monotonic() > until_s:
                raise AssertionError(f"nobody decides ticks any more\n{self._processes.tail()}")
            self._serve()
            await asyncio.sleep(0.02)

    def _strike(self) -> None:
        """Kill a server within the hundredths of a second in which it decides the ticks of a full second."""
        now_s = time.time()
        time.sleep(1 - now_s % 1 + self._rng.uniform(-0.01, 0.06))
        self._processes.kill(self._rng.choice(self._servers).pid)

    async def _schedules(self) -> list[ScheduleRow]:
        return await self._store.triggers.list_schedules(ScheduleFilter())

    async def _judged(self) -> list[str]:
        rows = await find_schedules(self._store, "metronome")
        await set_paused(self._store, rows, pause=True, actor="judge", now_us=time.time_ns() // 1000)
        until_s = time.monotonic() + PATIENCE_S
        while (runs := await self._runs()) and any(not run.state.is_terminal for run in runs):
            if time.monotonic() > until_s:
                return [f"runs that never end: {[run.run_id for run in runs if not run.state.is_terminal]}"]
            await asyncio.sleep(0.1)
        failures: list[str] = []
        for row in rows:
            ticks = await self._store.triggers.list_ticks(row.id, limit=EVERYTHING)
            pace_us = (2 if row.name == "late" else 1) * SECOND_US
            failures += judge(row.id, pace_us, ticks, [run for run in runs if run.actor == row.id])
        return failures

    async def _runs(self) -> list[RunRow]:
        found = await self._store.list_runs(RunFilter(pipeline="metronome", limit=EVERYTHING))
        return [run for run in found if run.trigger == "schedule"]


def judge(schedule: str, pace_us: int, ticks: list[TickSeen], runs: list[RunRow]) -> list[str]:
    """What is wrong: a tick that is missing or came twice, one without its run, a run without its tick."""
    wrong = []
    instants = sorted(seen.tick.at_us for seen in ticks)
    if not instants:
        return [f"{schedule} has no tick"]
    wanted = set(range(instants[0], instants[-1] + 1, pace_us))
    wrong += [f"{schedule} lost the tick {at_us}" for at_us in sorted(wanted - set(instants))]
    wrong += [f"{schedule} has a tick {at_us} that never was" for at_us in sorted(set(instants) - wanted)]
    wrong += [
        f"{schedule} {seen.tick.at_us} was {seen.tick.outcome}: {seen.tick.reason}"
        for seen in ticks
        if seen.tick.outcome is not TickOutcome.STARTED or seen.tick.count != 1
    ]
    by_tick = Counter(run.logical_us for run in runs)
    wrong += [f"{schedule} {at_us} has {count} runs" for at_us, count in by_tick.items() if count != 1]
    wrong += [f"{schedule} {at_us} has no run" for at_us in instants if at_us not in by_tick]
    wrong += [f"{schedule} has a run of {at_us}, which is no tick" for at_us in by_tick if at_us not in wanted]
    wrong += [f"run {run.run_id} is {run.state}: {run.error}" for run in runs if run.state is not RunState.SUCCEEDED]
    named = {seen.tick.run_id for seen in ticks}
    wrong += [f"run {run.run_id} is named by no tick" for run in runs if run.run_id not in named]
    return wrong
