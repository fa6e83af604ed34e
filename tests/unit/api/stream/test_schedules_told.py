"""What pages are told of schedules that somebody else changes: the next tick, or that there is none and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import trigger_rows as made
from tests.unit.api.stream.scene import Client, serving
from toque.graph.schedules import IntervalRule, Schedule
from toque.ports.triggers import Change, ScheduleFilter, ScheduleRow
from toque.runtime import ticking
from toque.runtime.pausing import find_schedule, set_paused
from toque.store.memory import MemoryStore

LATER_US = 1_000_000


def _hourly(pipeline: str = "p", **fields: Any) -> ScheduleRow:
    schedule = Schedule(name="s", rule=IntervalRule(every_s=3600))
    return made.schedule(pipeline=pipeline, definition=ticking.encode(schedule), **fields)


async def _store(*pipelines: str) -> MemoryStore:
    store = MemoryStore()
    await store.triggers.record([Change(before=None, after=_hourly(pipeline), tell=True) for pipeline in pipelines])
    return store


async def _pause(store: MemoryStore, name: str, *, pause: bool = True) -> None:
    await set_paused(store, [await find_schedule(store, name)], pause=pause, actor="cli:ann", now_us=7)


def _told(client: Client) -> list[tuple[Any, ...]]:
    return [
        (row["schedule"], row["outcome"], row["at_us"], row["reason"])
        for event in client.patched
        for patch in event.patches
        if patch["kind"] == "ticks"
        for row in patch["data"]
    ]


async def test_a_pause_by_anybody_is_told_and_so_is_its_end(tmp_path: Path) -> None:
    store = await _store("p")
    async with serving(tmp_path, store=store) as scene:
        home, page = scene.client("home"), scene.client("pipeline:p")
        await home.until(1)
        await page.until(1)
        await _pause(store, "p/s")
        await home.until(2)
        await page.until(2)
        assert _told(home) == _told(page) == [("p/s", "planned", 0, "paused")]
        await _pause(store, "p/s", pause=False)
        await home.until(3)
        [row] = await store.triggers.list_schedules(ScheduleFilter(pipeline="p"))
        assert _told(home)[1:] == [("p/s", "planned", row.next_at_us, "")]
        await home.leave()
        await page.leave()


async def test_a_page_of_another_pipeline_hears_nothing_of_it(tmp_path: Path) -> None:
    store = await _store("p", "q")
    async with serving(tmp_path, store=store) as scene:
        other = scene.client("pipeline:q")
        await other.until(1)
        await _pause(store, "p/s")
        await scene.clock.wait_until(scene.clock.now_us() + LATER_US)
        await _pause(store, "q/s")
        await other.until(2)
        assert _told(other) == [("q/s", "planned", 0, "paused")]
        await other.leave()


async def test_a_schedule_that_is_no_longer_declared_has_no_next_tick(tmp_path: Path) -> None:
    store = await _store("p")
    async with serving(tmp_path, store=store) as scene:
        home = scene.client("home")
        await home.until(1)
        before = await find_schedule(store, "p/s")
        await store.triggers.record([Change(before=before, after=_hourly(retired=True), tell=True)])
        await home.until(2)
        assert _told(home) == [("p/s", "planned", 0, "retired")]
        await home.leave()
