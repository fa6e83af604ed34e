"""The hub: hears of every change once, numbers it, and has the feeds that somebody watches take note of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from toque.api.stream.feed import Feed, Sources, Watcher
from toque.api.stream.feeds import Feeds
from toque.api.stream.live_counts import LiveCounts
from toque.api.stream.log_feed import LogFeed
from toque.api.stream.pacing import Pacing
from toque.api.stream.run_feed import TasksFeed, progress_of
from toque.api.stream.runs_feed import HomeFeed
from toque.api.stream.topics import Wanted
from toque.api.wire.schedules import Tick
from toque.api.wire.tasks import Progress
from toque.engine.values import TaskKey
from toque.ports.executor import Progress as ProgressSignal
from toque.ports.executor import Signal
from toque.ports.store import Commit, StoreUnavailable
from toque.runtime.owned import OwnedRun

log = logging.getLogger("toque.stream")

LOGS_US = 100_000
"""How often files that are followed are looked at."""
LOOK_US = 500_000
"""How often the store is asked for runs of other processes, while somebody watches."""
HEARTBEAT_US = 15_000_000


class Hub:
    """One for each server. Everything happens on the event loop's thread."""

    def __init__(self, sources: Sources, *, identity: Callable[[], tuple[str, int]]) -> None:
        self.sources = sources
        self.identity = identity
        """Name and boot number of this process."""
        self.n = 0
        """Number of the last change."""
        self.is_closed = False
        self.feeds = Feeds(sources)
        self.live = LiveCounts(sources.history, sources.owned)
        self._pacing = Pacing(sources.clock)
        self._somebody_came = asyncio.Event()
        self._progress: dict[tuple[str, TaskKey], Progress] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look at what no commit of this process tells."""
        self._spawn(self._every(LOGS_US, lambda feed: isinstance(feed, LogFeed)))
        self._spawn(self._every(LOOK_US, lambda feed: not isinstance(feed, LogFeed)))
        self._spawn(self._beat())

    async def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        self._pacing.wake(self.feeds)
        await self._pacing.stop()
        tasks = [*self._tasks, *(feed.opened for feed in self.feeds if feed.opened is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- what happens (listeners of the runtime, and whoever else knows of something)

    def committed(self, touched: Mapping[str, OwnedRun], commit: Commit) -> None:
        """A transaction of this process was written."""
        self.n += 1
        self.live.committed(commit)
        for row in commit.runs:
            for feed in self.feeds.of_runs:
                if feed.put(self.n, row):
                    self._pacing.changed(feed)
        if commit.asset_events:
            told = {row.asset for row in commit.asset_events}
            for data in self.feeds.of_data:
                data.told(told)
        if self._progress:
            for task in commit.tasks:
                if task.state.is_terminal:
                    self._progress.pop((task.run_id, TaskKey(task.task, task.map_index)), None)
        if self.feeds.of_run:
            for changed in self.feeds.tell_runs(self.n, touched, commit):
                self._pacing.changed(changed)

    def signalled(self, signal: Signal) -> None:
        """An attempt says something of itself."""
        if isinstance(signal, ProgressSignal):
            self._progress[signal.run_id, TaskKey(signal.task, signal.map_index)] = progress_of(signal)
        feeds = self.feeds.of_run.get(signal.run_id)
        if feeds:
            self.n += 1
            for feed in feeds:
                if feed.signalled(self.n, signal):
                    self._pacing.changed(feed)

    def ticked(self, tick: Tick) -> None:
        """A tick was decided."""
        self.n += 1
        for feed in self.feeds.of_runs:
            if feed.put_tick(self.n, tick):
                self._pacing.changed(feed)

    def looked(self, *, redefined: bool = False) -> None:
        """The files were looked at: one may have broken, which needs a person and no run tells of. `redefined`: they
        say something else of pipelines and assets."""
        for feed in self.feeds.of_runs:
            if isinstance(feed, HomeFeed):
                feed.attention_changed()
        for data in self.feeds.of_data if redefined else ():
            data.redefined()

    def progress(self, run_id: str, key: TaskKey) -> Progress | None:
        """What a running attempt last said of itself."""
        return self._progress.get((run_id, key))

    # -- streams

    async def watch(self, wanted: Wanted, stream: Watcher) -> Feed:
        """The feed of a topic; `stream` is woken when it is time to send, until `leave`."""
        feed = self.feeds.by_name.get(wanted.name)
        if feed is None:
            feed = self.feeds.make(wanted, self.n)
            if isinstance(feed, TasksFeed):
                feed.progress = {key: each for (run, key), each in self._progress.items() if run == feed.run_id}
            feed.opened = asyncio.create_task(feed.open(), name=f"toque-feed-{wanted.name}")
        feed.streams.add(stream)
        self._somebody_came.set()
        assert feed.opened is not None
        try:
            await asyncio.shield(feed.opened)
        except BaseException:
            self.leave(feed, stream)
            if feed.opened.done():
                self.feeds.drop(feed)
            raise
        return feed

    def leave(self, feed: Feed, stream: Watcher) -> None:
        """The stream has ended."""
        feed.streams.discard(stream)
        feed.idle_since_us = self.sources.clock.now_us()

    # -- within

    def _number(self) -> int:
        self.n += 1
        return self.n

    async def _every(self, period_us: int, of_kind: Callable[[Feed], bool]) -> None:
        """Look at the feeds of a kind, for what no commit of this process tells."""
        clock = self.sources.clock
        while True:
            while not any(feed.streams and of_kind(feed) for feed in self.feeds):
                # Nobody watches: an idle server does not wake up ten times a second for that.
                self._somebody_came.clear()
                await self._somebody_came.wait()
            await clock.wait_until(clock.now_us() + period_us)
            for feed in self.feeds:
                if not (feed.streams and of_kind(feed)) or feed.opened is None or not feed.opened.done():
                    continue
                try:
                    if await feed.look(self._number):
                        self._pacing.changed(feed)
                except StoreUnavailable as problem:
                    log.warning("%s will be looked at again: %s", feed.name, problem)

    async def _beat(self) -> None:
        clock = self.sources.clock
        while True:
            await clock.wait_until(clock.now_us() + HEARTBEAT_US)
            self._pacing.wake(self.feeds)
            self.feeds.drop_idle(clock.now_us())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the stream is broken", exc_info=error)
