"""The feeds of many runs: `home` and `pipeline:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toque.api import rows, trigger_rows
from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.feed import Feed, Sources
from toque.api.wire.schedules import Tick
from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.ports.pages import RunQuery
from toque.ports.triggers import ScheduleFilter

RECENT = 100
"""Ended runs in a reset; unfinished ones are all there, up to `MOST`."""
MOST = 500
LIVE = tuple(state for state in RunState if not state.is_terminal)
ATTENTION_EVERY_US = 1_000_000
ATTENTION_AT_LEAST_US = 30_000_000
"""Runs become late by the mere passing of time."""


def seen_of(row: RunRow) -> tuple[object, ...]:
    """What people see of a run in a list. The number of its last fact is not part of it: that changes all the time."""
    return (row.state, row.cancel_requested, row.started_us, row.finished_us, row.owner, row.reason, row.priority)


class RunsFeed(Feed):
    """Runs of all pipelines, or of one. Runs of other processes are looked at twice a second."""

    def __init__(self, name: str, sources: Sources, since: int, pipeline: str = "") -> None:
        super().__init__(name, sources, since)
        self.pipeline = pipeline
        self._runs: Changes[RunRow] = Changes(lambda row: patches.encoded(rows.run(row)), since)
        self._ticks: Changes[Tick] = Changes(patches.encoded, since)
        self.kinds = {"runs": self._runs, "ticks": self._ticks}
        self._seen: dict[str, tuple[object, ...]] = {}
        """Unfinished runs as they were last sent."""
        self._newest = ""
        """Id of the newest run that was seen."""
        self._revision = 0
        """Of the schedules, up to which they were told."""

    async def open(self) -> None:
        """Know what is there, so that what comes is told from it."""
        self._revision = await self.sources.store.triggers.revision()
        for row in await self._current():
            self._seen.setdefault(row.run_id, seen_of(row))
            self._newest = max(self._newest, row.run_id)

    def put(self, n: int, row: RunRow) -> bool:
        """A run was written; whether that shows."""
        if self.pipeline and row.pipeline != self.pipeline:
            return False
        seen = seen_of(row)
        if self._seen.get(row.run_id) == seen:
            return False
        if row.state.is_terminal:
            self._seen.pop(row.run_id, None)
        else:
            self._seen[row.run_id] = seen
        self._newest = max(self._newest, row.run_id)
        self._runs.put(n, row.run_id, row)
        return True

    def put_tick(self, n: int, tick: Tick) -> bool:
        """A tick was decided; whether that shows."""
        if self.pipeline and tick.schedule.partition("/")[0] != self.pipeline:
            return False
        self._ticks.put(n, (tick.schedule, tick.at_us), tick)
        return True

    async def reset(self) -> bytes:
        """Unfinished runs and the last ended ones."""
        found = await self._current()
        return patches.reset(self.name, [patches.tagged("run", patches.encoded(rows.run(row))) for row in found])

    async def look(self, number: Callable[[], int]) -> bool:
        """Runs that other processes carry out, made or ended; schedules that anybody changed."""
        found = await self._current()
        known = {row.run_id for row in found}
        gone = [run_id for run_id in self._seen if run_id not in known]
        if gone:
            ended = await self.sources.history.get_runs(gone)
            found += ended.values()
            for run_id in set(gone) - set(ended):
                self._seen.pop(run_id, None)
        newest = self._newest
        changed = False
        for row in sorted(found, key=lambda row: row.run_id):
            if self.sources.owned(row.run_id) is not None:
                continue
            if row.state.is_terminal and row.run_id not in self._seen and row.run_id <= newest:
                continue  # it had ended before we looked for the first time, or was told
            changed = self.put(number(), row) or changed
        return await self._look_at_schedules(number) or changed

    async def _look_at_schedules(self, number: Callable[[], int]) -> bool:
        """Those that were paused, resumed, declared anew or retired, here or by another process."""
        triggers = self.sources.store.triggers
        revision = await triggers.revision()
        if revision == self._revision:
            return False
        changed, after = False, ""
        while page := await triggers.list_schedules(
            ScheduleFilter(pipeline=self.pipeline, since_revision=self._revision, after=after, limit=MOST)
        ):
            for row in page:
                # One entry for each schedule: what it was between two looks is nobody's concern.
                self._ticks.put(number(), (row.id, "next"), trigger_rows.next_tick(row))
            changed, after = True, page[-1].id
        self._revision = revision
        return changed

    async def _current(self) -> list[RunRow]:
        history = self.sources.history
        live = await history.runs(RunQuery(pipeline=self.pipeline, states=LIVE, limit=MOST))
        recent = await history.runs(RunQuery(pipeline=self.pipeline, limit=RECENT))
        found = {row.run_id: row for row in (*recent.runs, *live.runs)}
        return [found[run_id] for run_id in sorted(found, reverse=True)]


class HomeFeed(RunsFeed):
    """All runs, and what needs a person."""

    def __init__(self, name: str, sources: Sources, since: int) -> None:
        super().__init__(name, sources, since)
        self._attention: Changes[Sequence[bytes]] = Changes(b",".join, since)
        self.kinds = {**self.kinds, "attention": self._attention}
        self._items: Sequence[bytes] = ()
        self._asked_us = 0
        self._is_stale = True

    def put(self, n: int, row: RunRow) -> bool:
        """A run was written; whether that shows. Its end may need a person, or no longer."""
        shows = super().put(n, row)
        self._is_stale = self._is_stale or (shows and row.state.is_terminal)
        return shows

    def attention_changed(self) -> None:
        """Something happened that no run shows: a file broke."""
        self._is_stale = True

    async def reset(self) -> bytes:
        """Runs, and what needs a person."""
        await self._ask()
        found = await self._current()
        state = [patches.tagged("run", patches.encoded(rows.run(row))) for row in found]
        return patches.reset(self.name, [*state, *(patches.tagged("attention", item) for item in self._items)])

    async def look(self, number: Callable[[], int]) -> bool:
        """Also what needs a person, if that may have changed."""
        changed = await super().look(number)
        now_us = self.sources.clock.now_us()
        since_us = now_us - self._asked_us
        if since_us >= ATTENTION_AT_LEAST_US or (self._is_stale and since_us >= ATTENTION_EVERY_US):
            before = self._items
            await self._ask()
            if self._items != before:
                self._attention.put(number(), "all", self._items)
                changed = True
        return changed

    async def _ask(self) -> None:
        self._is_stale = False
        self._asked_us = self.sources.clock.now_us()
        if self.sources.attention is not None:
            self._items = [patches.encoded(item) for item in await self.sources.attention()]
