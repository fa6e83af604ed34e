"""The hub: hears of every change once, keeps the feeds that somebody watches, and says when it is time to send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, assert_never

from toque.api.stream.feed import Feed, Sources, Watcher
from toque.api.stream.log_feed import LogFeed
from toque.api.stream.run_feed import RunFeed, TasksFeed, progress_of
from toque.api.stream.runs_feed import HomeFeed, RunsFeed
from toque.api.stream.topics import Home, LogsTopic, PipelineTopic, RunTopic, TasksTopic, Wanted
from toque.api.wire.schedules import Tick
from toque.api.wire.tasks import Progress
from toque.engine.rows import StepRow, TaskRow
from toque.engine.values import TaskKey
from toque.ports.executor import Progress as ProgressSignal
from toque.ports.executor import Signal
from toque.ports.store import Commit, StoreUnavailable
from toque.runtime.owned import OwnedRun

log = logging.getLogger("toque.stream")

PERIOD_US = 250_000
"""Between two events of a stream; the first after a quiet time comes at once."""
LOGS_US = 100_000
"""How often files that are followed are looked at."""
LOOK_US = 500_000
"""How often the store is asked for runs of other processes, while somebody watches."""
HEARTBEAT_US = 15_000_000
KEPT_US = 60_000_000
"""How long a feed is kept that nobody watches: whoever comes back gets what it missed."""


class Hub:
    """One for each server. Everything happens on the event loop's thread."""

    def __init__(self, sources: Sources, *, identity: Callable[[], tuple[str, int]]) -> None:
        self.sources = sources
        self.identity = identity
        """Name and boot number of this process."""
        self.n = 0
        """Number of the last change."""
        self.is_closed = False
        self._feeds: dict[str, Feed] = {}
        self._of_run: dict[str, list[TasksFeed]] = {}
        self._of_runs: list[RunsFeed] = []
        self._progress: dict[tuple[str, TaskKey], Progress] = {}
        self._dirty: set[Feed] = set()
        self._pacing: asyncio.Task[None] | None = None
        self._sent_us = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look at what no commit of this process tells."""
        self._spawn(self._every(LOGS_US, lambda feed: isinstance(feed, LogFeed)))
        self._spawn(self._every(LOOK_US, lambda feed: not isinstance(feed, LogFeed)))
        self._spawn(self._beat())

    async def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        self._wake(self._feeds.values())
        tasks = [*self._tasks, *(feed.opened for feed in self._feeds.values() if feed.opened is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._feeds.clear()

    def progress(self, run_id: str, key: TaskKey) -> Progress | None:
        """What a running attempt last said of itself."""
        return self._progress.get((run_id, key))

    # -- what happens (listeners of the runtime, and whoever else knows of something)

    def committed(self, touched: Mapping[str, OwnedRun], commit: Commit) -> None:
        """A transaction of this process was written."""
        self.n += 1
        for row in commit.runs:
            for feed in self._of_runs:
                if feed.put(self.n, row):
                    self._changed(feed)
        if self._progress:
            self._forget_progress(commit)
        if self._of_run:
            self._tell_runs(touched, commit)

    def signalled(self, signal: Signal) -> None:
        """An attempt says something of itself."""
        if isinstance(signal, ProgressSignal):
            self._progress[signal.run_id, TaskKey(signal.task, signal.map_index)] = progress_of(signal)
        feeds = self._of_run.get(signal.run_id)
        if feeds:
            self.n += 1
            for feed in feeds:
                if feed.signalled(self.n, signal):
                    self._changed(feed)

    def ticked(self, tick: Tick) -> None:
        """A tick was decided."""
        self.n += 1
        for feed in self._of_runs:
            if feed.put_tick(self.n, tick):
                self._changed(feed)

    def attention_changed(self) -> None:
        """Something needs a person, or no longer, that no run tells of: a file broke."""
        for feed in self._of_runs:
            if isinstance(feed, HomeFeed):
                feed.attention_changed()

    # -- streams

    async def watch(self, wanted: Wanted, stream: Watcher) -> Feed:
        """The feed of a topic; `stream` is woken when it is time to send, until `leave`."""
        feed = self._feeds.get(wanted.name)
        if feed is None:
            feed = self._feeds[wanted.name] = self._made(wanted)
            feed.opened = asyncio.create_task(feed.open(), name=f"toque-feed-{wanted.name}")
        feed.streams.add(stream)
        assert feed.opened is not None
        try:
            await asyncio.shield(feed.opened)
        except BaseException:
            self.leave(feed, stream)
            if feed.opened.done():
                self._drop(feed)
            raise
        return feed

    def leave(self, feed: Feed, stream: Watcher) -> None:
        """The stream has ended."""
        feed.streams.discard(stream)
        feed.idle_since_us = self.sources.clock.now_us()

    # -- within

    def _made(self, wanted: Wanted) -> Feed:
        name, topic = wanted.name, wanted.topic
        match topic:
            case Home():
                self._of_runs.append(home := HomeFeed(name, self.sources, self.n))
                return home
            case PipelineTopic(pipeline):
                self._of_runs.append(runs := RunsFeed(name, self.sources, self.n, pipeline))
                return runs
            case RunTopic(run_id):
                return self._of(run_id, RunFeed(name, self.sources, self.n, run_id))
            case TasksTopic(run_id, task):
                return self._of(run_id, TasksFeed(name, self.sources, self.n, run_id, task))
            case LogsTopic(run_id, key, attempt):
                return LogFeed(name, self.sources, self.n, self.sources.log_path(run_id, key, attempt))
            case _:
                assert_never(topic)

    def _of(self, run_id: str, feed: TasksFeed) -> TasksFeed:
        self._of_run.setdefault(run_id, []).append(feed)
        feed.progress = {key: each for (run, key), each in self._progress.items() if run == run_id}
        return feed

    def _drop(self, feed: Feed) -> None:
        if self._feeds.get(feed.name) is not feed:
            return
        del self._feeds[feed.name]
        self._dirty.discard(feed)
        if isinstance(feed, RunsFeed):
            self._of_runs.remove(feed)
        elif isinstance(feed, TasksFeed):
            left = [each for each in self._of_run[feed.run_id] if each is not feed]
            if left:
                self._of_run[feed.run_id] = left
            else:
                del self._of_run[feed.run_id]

    def _tell_runs(self, touched: Mapping[str, OwnedRun], commit: Commit) -> None:
        watched = [row for row in commit.runs if row.run_id in self._of_run]
        if not watched:
            return
        tasks: dict[str, list[TaskRow]] = {row.run_id: [] for row in watched}
        steps: dict[str, list[StepRow]] = {}
        for task in commit.tasks:
            if task.run_id in tasks:
                tasks[task.run_id].append(task)
        for step in commit.steps:
            steps.setdefault(step.run_id, []).append(step)
        for row in watched:
            for feed in self._of_run[row.run_id]:
                feed.committed(self.n, touched[row.run_id], row, tasks[row.run_id], steps.get(row.run_id, ()))
                self._changed(feed)

    def _forget_progress(self, commit: Commit) -> None:
        for task in commit.tasks:
            if task.state.is_terminal:
                self._progress.pop((task.run_id, TaskKey(task.task, task.map_index)), None)

    def _number(self) -> int:
        self.n += 1
        return self.n

    def _changed(self, feed: Feed) -> None:
        if not feed.streams:
            return
        self._dirty.add(feed)
        if self._pacing is None and not self.is_closed:
            self._pacing = self._spawn(self._pace())

    async def _pace(self) -> None:
        """Wait for the next time to send: all streams send at the same times, and share what was encoded."""
        clock = self.sources.clock
        await clock.wait_until(self._sent_us + PERIOD_US)
        self._sent_us = clock.now_us()
        self._pacing = None
        dirty, self._dirty = self._dirty, set()
        self._wake(dirty)

    def _wake(self, feeds: Any) -> None:
        for stream in {stream for feed in feeds for stream in feed.streams}:
            stream.wake()

    async def _every(self, period_us: int, of_kind: Callable[[Feed], bool]) -> None:
        """Look at the feeds of a kind, for what no commit of this process tells."""
        clock = self.sources.clock
        while True:
            await clock.wait_until(clock.now_us() + period_us)
            for feed in [feed for feed in self._feeds.values() if feed.streams and of_kind(feed)]:
                if feed.opened is None or not feed.opened.done():
                    continue
                try:
                    if await feed.look(self._number):
                        self._changed(feed)
                except StoreUnavailable as problem:
                    log.warning("%s will be looked at again: %s", feed.name, problem)

    async def _beat(self) -> None:
        clock = self.sources.clock
        while True:
            await clock.wait_until(clock.now_us() + HEARTBEAT_US)
            self._wake(self._feeds.values())
            for feed in list(self._feeds.values()):
                if not feed.streams and clock.now_us() - feed.idle_since_us >= KEPT_US:
                    self._drop(feed)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the stream is broken", exc_info=error)
