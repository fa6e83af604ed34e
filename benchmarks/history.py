"""What pages read beside 1,000,000 task runs of history and beside 10,000, in turns; and how long each page takes.

`python -m benchmarks.history --generate DIR` leaves a project with such a history, for tests in a browser:
ten pipelines of 442 tasks, about 2,000 runs of them, a run of 10,000 tasks, and one that maps over 100,000.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.history_rows import Kind, fill
from benchmarks.measurement import Measurement
from benchmarks.peers.protocol import percentile
from benchmarks.project import PIPELINES
from toque.engine.states import RunState, TaskState
from toque.local.project import Project
from toque.ports.history import History
from toque.ports.pages import RunQuery, TaskQuery
from toque.ports.store import Store
from toque.runtime.clock import SystemClock
from toque.settings import load
from toque.store import open_store

RUNS = 202
"""Of each of the ten wide pipelines: with the two large runs, a million task runs."""
MAP_SIZE = 100_000
FEW, MANY = 10_000, 1_000_000
TASKS = 20
"""Of a run whose pages are compared: so small that there are enough runs for full pages among `FEW` task runs."""
ROUNDS = 200
LIMIT = 1.2
PAGE_MS = 100.0


class Subject:
    """What the questions are about."""

    def __init__(self, pipelines: Sequence[str], tasks: Sequence[str], newest: str, now_us: int) -> None:
        self.pipelines = pipelines
        self.tasks = tasks
        self.newest = newest
        self.now_us = now_us
        self.pipeline = pipelines[0]


_DAY_US = 86_400_000_000
QUESTIONS: dict[str, Callable[[History, Subject], Awaitable[Any]]] = {
    "newest runs": lambda h, s: h.runs(RunQuery()),
    "next page of runs": lambda h, s: h.runs(RunQuery(before=s.newest)),
    "runs of a pipeline": lambda h, s: h.runs(RunQuery(pipeline=s.pipeline)),
    "failed runs": lambda h, s: h.runs(RunQuery(states=(RunState.FAILED,), limit=25)),
    "manual runs of a pipeline": lambda h, s: h.runs(RunQuery(pipeline=s.pipeline, trigger="manual", limit=4)),
    "search by parameter": lambda h, s: h.runs(RunQuery(search="airport=ewr", limit=20)),
    "search by id": lambda h, s: h.runs(RunQuery(search=s.newest)),
    "strips of all pipelines": lambda h, s: h.recent(s.pipelines),
    "active runs": lambda h, s: h.active_counts(),
    "attention": lambda h, s: h.attention(),
    "grid": lambda h, s: h.grid(s.pipeline, s.tasks, limit=50),
    "durations": lambda h, s: h.durations(s.pipeline, limit=50),
    "durations of a task": lambda h, s: h.durations(s.pipeline, task=s.tasks[0], limit=50),
    "nodes of a run": lambda h, s: h.nodes(s.newest),
    "timeline of a run": lambda h, s: h.timeline(s.newest),
    "task runs": lambda h, s: h.task_runs(TaskQuery(run_id=s.newest)),
    "one task run": lambda h, s: h.task_run(s.newest, s.tasks[0], ()),
    "holders": lambda h, s: h.holders(),
    "totals": lambda h, s: h.totals(),
}
"""Whose answers are as large beside any history."""


def measure() -> list[Measurement]:
    """For the table of budgets."""
    return asyncio.run(_measure())


async def _measure() -> list[Measurement]:
    folder = Path(tempfile.mkdtemp(prefix="bench-history-"))
    try:
        return await _ratios(folder) + await _pages(folder / "project")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _ratios(folder: Path) -> list[Measurement]:
    """Each question beside few and beside many task runs, in turns."""
    now_us = time.time_ns() // 1000
    names = [f"p{n}" for n in range(10)]
    tasks = [f"t{n:02}" for n in range(TASKS)]
    stores: dict[int, Store] = {}
    subjects: dict[int, Subject] = {}
    for count in (FEW, MANY):
        store = await _opened(f"sqlite:///{folder}/{count}.db")
        kinds = [Kind(name, "v1", [(task, ()) for task in tasks], count // TASKS // len(names)) for name in names]
        _say(f"writing {count:,} task runs")
        await fill(store, kinds, now_us=now_us)
        newest = (await store.history.runs(RunQuery(limit=1))).runs[0].run_id
        stores[count], subjects[count] = store, Subject(names, tasks, newest, now_us)
    results = []
    for name, ask in QUESTIONS.items():
        taken: dict[int, list[float]] = {count: [] for count in stores}
        for _ in range(ROUNDS):
            for count, store in stores.items():
                started = time.perf_counter()
                await ask(store.history, subjects[count])
                taken[count].append(1e3 * (time.perf_counter() - started))
        few, many = statistics.median(taken[FEW]), statistics.median(taken[MANY])
        note = f"{few:.2f} ms, {many:.2f} ms"
        results.append(Measurement(f"history: {name}, 1,000,000 ÷ 10,000", many / few, "×", at_most=LIMIT, note=note))
    for store in stores.values():
        await store.close()
    return results


async def _pages(folder: Path) -> list[Measurement]:
    """The pages of a project with a million task runs, of large runs too."""
    await generate(folder)
    store = await _opened(load(folder).store_url)
    history = store.history
    now_us = time.time_ns() // 1000
    newest = {name: (await history.recent([name], 1))[name][-1].run_id for name in await history.pipelines()}
    wide, large, mapped = newest["arrivals"], newest["large"], newest["mapped"]
    tasks = [node.task for node in await history.nodes(wide)]
    names = [*newest]
    pages: dict[str, Callable[[], Awaitable[Any]]] = {
        "grid, 50 runs of 442 tasks": lambda: history.grid("arrivals", tasks),
        "strips of all pipelines": lambda: history.recent(names),
        "a page of runs": lambda: history.runs(RunQuery()),
        "calendar of a year": lambda: history.calendar("arrivals", now_us - 365 * _DAY_US, now_us, "Europe/Madrid"),
        "a day": lambda: history.day(now_us - _DAY_US, now_us),
        "durations of 200 runs": lambda: history.durations("arrivals"),
        "attention": history.attention,
        "nodes of 10,000 tasks": lambda: history.nodes(large),
        "timeline of 10,000 tasks": lambda: history.timeline(large),
        "nodes of a map of 100,000": lambda: history.nodes(mapped),
        "indexes of a map": lambda: history.task_runs(
            TaskQuery(run_id=mapped, task="convert", after=("convert", (50_000,)))
        ),
        "an index by its number": lambda: history.task_runs(TaskQuery(run_id=mapped, task="convert", search="99999")),
        "states that no index has": lambda: history.task_runs(
            TaskQuery(run_id=mapped, task="convert", states=(TaskState.RUNNING,))
        ),
        "task runs by name": lambda: history.task_runs(TaskQuery(run_id=large, search="convert_99")),
    }
    results = []
    for name, ask in pages.items():
        taken = []
        for _ in range(40):
            started = time.perf_counter()
            await ask()
            taken.append(1e3 * (time.perf_counter() - started))
        results.append(Measurement(f"history: {name}, p95", percentile(taken, 95), "ms", at_most=PAGE_MS))
    await store.close()
    return results


async def generate(folder: Path, *, runs: int = RUNS, map_size: int = MAP_SIZE) -> int:
    """Make a project with a history; returns the number of task runs."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PIPELINES / "history.py", folder)
    if not (folder / "toque.toml").exists():
        (folder / "toque.toml").write_text('name = "history"\n')
    settings = load(folder)
    store = await _opened(settings.store_url)
    try:
        state = await Project(settings, store, SystemClock(), actor="benchmark").reload()
        if state.broken or state.fault:
            raise RuntimeError(f"the pipelines of the history do not load: {state.fault or state.broken}")
        kinds = []
        for name, pipeline in state.pipelines.items():
            nodes = [node.id for node in pipeline.ir.nodes]
            tasks: list[tuple[str, tuple[int, ...]]] = [(node, ()) for node in nodes]
            if name == "mapped":
                tasks = [(node, ()) for node in nodes if node != "convert"]
                tasks[2:2] = [("convert", (n,)) for n in range(map_size)]
            count = 1 if name in ("large", "mapped") else runs
            kinds.append(Kind(name, pipeline.version, tasks, count, map_size))
        _say(f"writing {sum(kind.runs * len(kind.tasks) for kind in kinds):,} task runs to {settings.store_url}")
        return await fill(store, kinds, now_us=time.time_ns() // 1000)
    finally:
        await store.close()


async def _opened(url: str) -> Store:
    store = open_store(url)
    await store.open()
    return store


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Generate, or measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--generate", metavar="DIR", type=Path, help="make a project there, or add to the one there is")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each of the ten pipelines")
    parser.add_argument("--map", type=int, default=MAP_SIZE, help="indexes of the large map")
    options = parser.parse_args()
    if options.generate:
        written = asyncio.run(generate(options.generate.absolute(), runs=options.runs, map_size=options.map))
        print(f"{written:,} task runs in {options.generate}")
        return
    for result in measure():
        print(f"{result.what:60} {result.value:8.2f} {result.unit:3} {result.note}")


if __name__ == "__main__":
    main()
