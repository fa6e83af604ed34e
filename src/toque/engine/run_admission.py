"""Admission of whole runs: how many of a pipeline may be active, and what becomes of one that comes on top."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from toque.graph.ir import Concurrency


class RunQueued(msgspec.Struct, frozen=True, kw_only=True):
    """A run wants to start."""

    run_id: str
    pipeline: str
    concurrency: Concurrency
    priority: int = 0


class RunActive(msgspec.Struct, frozen=True, kw_only=True):
    """A run is active already: it was restored."""

    run_id: str
    pipeline: str


class RunOver(msgspec.Struct, frozen=True, kw_only=True):
    """A run has ended, or is not in this process any more."""

    run_id: str


class RunForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """A run is about to be read again from the store: its place is free, but nobody takes it."""

    run_id: str


class RunsElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """`count` runs of the pipeline are active in other processes."""

    pipeline: str
    count: int


RunInput: TypeAlias = RunQueued | RunActive | RunOver | RunForgotten | RunsElsewhere


class StartRun(msgspec.Struct, frozen=True, kw_only=True):
    """Let it start."""

    run_id: str


class SkipRun(msgspec.Struct, frozen=True, kw_only=True):
    """It came on top of enough others, and does not run."""

    run_id: str
    reason: str


class CancelOlder(msgspec.Struct, frozen=True, kw_only=True):
    """A newer run takes its place."""

    run_id: str
    reason: str


RunVerdict: TypeAlias = StartRun | SkipRun | CancelOlder


class RunAdmission:
    """Active and queued runs of each pipeline, oldest first."""

    def __init__(self) -> None:
        self._active: dict[str, list[str]] = {}
        self._queued: dict[str, list[RunQueued]] = {}
        self._pipeline_of: dict[str, str] = {}
        self._leaving: set[str] = set()
        self._elsewhere: dict[str, int] = {}
        """Active runs of other processes."""

    def decide(self, given: RunInput) -> list[RunVerdict]:
        """What follows from an input. A run is named at most once in `StartRun`."""
        match given:
            case RunQueued():
                return self._arrive(given)
            case RunActive():
                if given.run_id not in self._pipeline_of:
                    self._pipeline_of[given.run_id] = given.pipeline
                    self._active.setdefault(given.pipeline, []).append(given.run_id)
                return []
            case RunOver():
                return self._leave(given.run_id)
            case RunForgotten():
                self._remove(given.run_id)
                return []
            case RunsElsewhere(pipeline=pipeline, count=count):
                self._elsewhere[pipeline] = count
                return self._start_waiting(pipeline)

    def _arrive(self, run: RunQueued) -> list[RunVerdict]:
        if run.run_id in self._pipeline_of:
            return []
        limit, overlap = run.concurrency.max_active_runs, run.concurrency.overlap
        active = self._active_count(run.pipeline)
        queued = self._queued.get(run.pipeline, [])
        if limit is None or overlap == "allow" or (active < limit and not queued):
            return [self._start(run)]
        if overlap == "skip":
            here = ", ".join(self._active.get(run.pipeline, []))
            return [SkipRun(run_id=run.run_id, reason=f"{active} active of at most {limit}: {here or 'elsewhere'}")]
        verdicts: list[RunVerdict] = []
        if overlap == "cancel_older":
            verdicts = self._make_room(run, limit)
        self._pipeline_of[run.run_id] = run.pipeline
        waiting = self._queued.setdefault(run.pipeline, [])
        position = next((at for at, other in enumerate(waiting) if other.priority < run.priority), len(waiting))
        waiting.insert(position, run)
        return [*verdicts, *self._start_waiting(run.pipeline)]

    def _make_room(self, run: RunQueued, limit: int) -> list[RunVerdict]:
        reason = f"run {run.run_id} takes its place"
        older: list[RunVerdict] = []
        for other in self._queued.pop(run.pipeline, []):
            del self._pipeline_of[other.run_id]
            older.append(SkipRun(run_id=other.run_id, reason=reason))
        staying = [other for other in self._active.get(run.pipeline, []) if other not in self._leaving]
        for run_id in staying[: max(0, len(staying) - limit + 1)]:
            self._leaving.add(run_id)
            older.append(CancelOlder(run_id=run_id, reason=reason))
        return older

    def _active_count(self, pipeline: str) -> int:
        return len(self._active.get(pipeline, [])) + self._elsewhere.get(pipeline, 0)

    def _remove(self, run_id: str) -> str | None:
        """The pipeline of the run that is here no more; None if it was not."""
        pipeline = self._pipeline_of.pop(run_id, None)
        if pipeline is not None:
            self._leaving.discard(run_id)
            active = self._active.get(pipeline, [])
            if run_id in active:
                active.remove(run_id)
            self._queued[pipeline] = [run for run in self._queued.get(pipeline, []) if run.run_id != run_id]
        return pipeline

    def _leave(self, run_id: str) -> list[RunVerdict]:
        pipeline = self._remove(run_id)
        if pipeline is None:
            return []
        verdicts = self._start_waiting(pipeline)
        if not self._active.get(pipeline):
            self._active.pop(pipeline, None)
        if not self._queued.get(pipeline):
            self._queued.pop(pipeline, None)
        return verdicts

    def _start_waiting(self, pipeline: str) -> list[RunVerdict]:
        queued = self._queued.get(pipeline, [])
        verdicts: list[RunVerdict] = []
        while queued:
            limit = queued[0].concurrency.max_active_runs
            if limit is not None and self._active_count(pipeline) >= limit:
                break
            verdicts.append(self._start(queued.pop(0)))
        return verdicts

    def _start(self, run: RunQueued) -> StartRun:
        self._pipeline_of[run.run_id] = run.pipeline
        self._active.setdefault(run.pipeline, []).append(run.run_id)
        return StartRun(run_id=run.run_id)
