"""The feeds that somebody watches, or watched a moment ago: by topic, by run, and those of many runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from toque.api.stream.assets_feed import AssetFeed, AssetsFeed, DataFeed
from toque.api.stream.feed import Feed, Sources
from toque.api.stream.log_feed import LogFeed
from toque.api.stream.run_feed import RunFeed, TasksFeed
from toque.api.stream.runs_feed import HomeFeed, RunsFeed
from toque.api.stream.topics import (
    AssetsTopic,
    AssetTopic,
    Home,
    LogsTopic,
    PipelineTopic,
    RunTopic,
    TasksTopic,
    Wanted,
)
from toque.engine.rows import StepRow, TaskRow
from toque.ports.store import Commit
from toque.runtime.owned import OwnedRun

KEPT_US = 60_000_000
"""How long a feed is kept that nobody watches: whoever comes back gets what it missed."""


class Feeds:
    """Makes feeds, finds them, lets go of them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.by_name: dict[str, Feed] = {}
        self.of_run: dict[str, list[TasksFeed]] = {}
        self.of_runs: list[RunsFeed] = []
        self.of_data: list[DataFeed] = []

    def __iter__(self) -> Iterator[Feed]:
        return iter(list(self.by_name.values()))

    def make(self, wanted: Wanted, n: int) -> Feed:
        """A new feed, which watches from change `n` on."""
        feed = self._made(wanted, n)
        self.by_name[wanted.name] = feed
        if isinstance(feed, RunsFeed):
            self.of_runs.append(feed)
        elif isinstance(feed, DataFeed):
            self.of_data.append(feed)
        elif isinstance(feed, TasksFeed):
            self.of_run.setdefault(feed.run_id, []).append(feed)
        return feed

    def drop(self, feed: Feed) -> None:
        """Let go of a feed."""
        if self.by_name.get(feed.name) is not feed:
            return
        del self.by_name[feed.name]
        if isinstance(feed, RunsFeed):
            self.of_runs.remove(feed)
        elif isinstance(feed, DataFeed):
            self.of_data.remove(feed)
        elif isinstance(feed, TasksFeed):
            left = [each for each in self.of_run[feed.run_id] if each is not feed]
            if left:
                self.of_run[feed.run_id] = left
            else:
                del self.of_run[feed.run_id]

    def drop_idle(self, now_us: int) -> None:
        """Let go of those that nobody came back to."""
        for feed in self:
            if not feed.streams and now_us - feed.idle_since_us >= KEPT_US:
                self.drop(feed)

    def tell_runs(self, n: int, touched: Mapping[str, OwnedRun], commit: Commit) -> Iterator[Feed]:
        """Tell the feeds of single runs what was written of theirs; those that changed."""
        watched = [row for row in commit.runs if row.run_id in self.of_run]
        if not watched:
            return
        tasks: dict[str, list[TaskRow]] = {row.run_id: [] for row in watched}
        steps: dict[str, list[StepRow]] = {row.run_id: [] for row in watched}
        for task in commit.tasks:
            if task.run_id in tasks:
                tasks[task.run_id].append(task)
        for step in commit.steps:
            if step.run_id in steps:
                steps[step.run_id].append(step)
        for row in watched:
            for feed in self.of_run[row.run_id]:
                feed.committed(n, touched[row.run_id], row, tasks[row.run_id], steps[row.run_id])
                yield feed

    def _made(self, wanted: Wanted, n: int) -> Feed:
        name, sources = wanted.name, self._sources
        match wanted.topic:
            case Home():
                return HomeFeed(name, sources, n)
            case PipelineTopic(pipeline):
                return RunsFeed(name, sources, n, pipeline)
            case RunTopic(run_id):
                return RunFeed(name, sources, n, run_id)
            case TasksTopic(run_id, task):
                return TasksFeed(name, sources, n, run_id, task)
            case AssetsTopic():
                return AssetsFeed(name, sources, n)
            case AssetTopic(key):
                return AssetFeed(name, sources, n, key)
            case LogsTopic(run_id, key, attempt):
                return LogFeed(name, sources, n, sources.log_path(run_id, key, attempt))
            case _:
                assert_never(wanted.topic)
