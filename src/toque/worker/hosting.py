"""Hosting: how the code of a host says what became of the tasks that it runs.

What is said here goes the way of the attempt's own reports, in the order in which it is said and before the report of
the attempt's end, so that a task downstream of a member starts while the host goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toque.engine.assets import AnyAssetEvent
from toque.engine.inputs import AnyReport, AttemptFailed, AttemptSkipped, AttemptStarted, AttemptSucceeded
from toque.engine.values import ErrorInfo, TaskKey
from toque.errors import UserError
from toque.graph.ir import ErrorClass
from toque.ports.executor import AttemptSpec
from toque.worker import values
from toque.worker.context import ArtifactKind, context
from toque.worker.environment import Environment, result_key
from toque.worker.log import Log, LogFile, log_path


class Members:
    """The tasks that the running attempt hosts. Any thread may call; every method but `log` and `artifact` says a thing
    once.

    A task is named by the id of its node. `at_us` is when it happened, in microseconds since 1970-01-01 UTC; now, if it
    is 0. Raises `UserError` for a task that is not among those to be done, or has ended, and after the attempt's end.
    """

    def __init__(self, spec: AttemptSpec, env: Environment) -> None:
        self._spec = spec
        self._env = env
        self._left = dict(spec.members)
        """Those whose end was not reported, and the number of this attempt at each."""
        self._numbers = dict(spec.members)
        self._begun: dict[str, int] = {}
        self._logs: dict[str, Log] = {}
        self._lock = threading.Lock()
        self._is_over = False

    @property
    def pending(self) -> tuple[str, ...]:
        """Those that have not ended, in the order of the graph: at first all that this attempt is to do."""
        return tuple(self._left)

    def started(self, task: str, *, at_us: int = 0) -> None:
        """It begins. What it waits for must have ended, as far as this attempt runs that: report in this order."""
        with self._lock:
            number = self._number(task)
            if task in self._begun:
                return
            self._begun[task] = at_us = at_us or self._env.now_us()
            self._env.report(AttemptStarted(**self._of(task, number), started_us=at_us, worker=self._env.worker))

    def succeeded(self, task: str, result: Any = None, *, assets: Sequence[AnyAssetEvent] = (), at_us: int = 0) -> None:
        """It is done. `assets`: what is to be known of data. `result` is for tasks that read it."""
        with self._lock:
            number = self._number(task)
            mine = msgspec.structs.replace(self._spec, task=task, attempt=number)
            place = values.Place(self._env.blobs, lambda: result_key(mine))
            ref = values.encode(result, place, max_pickle_bytes=self._env.max_pickle_bytes)
            times = self._times(task, at_us)
            self._end(task, AttemptSucceeded(**self._of(task, number), **times, result=ref, assets=tuple(assets)))

    def failed(
        self,
        task: str,
        message: str,
        *,
        type: str = "Failed",  # noqa: A002 - as `ErrorInfo` calls it
        kind: ErrorClass = "code",
        sample: Iterable[Any] = (),
        assets: Sequence[AnyAssetEvent] = (),
        at_us: int = 0,
    ) -> None:
        """It failed, and what depends on it will not run. `sample`: up to 5 rows that show why."""
        shown = [self._env.masker.mask_data(row) for row, _ in zip(sample, range(5), strict=False)]
        error = ErrorInfo(kind=kind, type=type, message=self._env.failures.cut(message), retryable=False, sample=shown)
        with self._lock:
            number = self._number(task)
            times = self._times(task, at_us)
            self._end(task, AttemptFailed(**self._of(task, number), **times, error=error, assets=tuple(assets)))

    def skipped(self, task: str, reason: str, *, at_us: int = 0) -> None:
        """It had nothing to do."""
        with self._lock:
            number = self._number(task)
            times = self._times(task, at_us)
            reason = self._env.failures.cut(reason)
            self._end(task, AttemptSkipped(**self._of(task, number), **times, reason=reason))

    def log(self, task: str, text: str, *, level: str = "info", logger: str = "") -> None:
        """Write a line into its log; after its end, too."""
        with self._lock:
            if task not in self._numbers or self._is_over:
                raise self._refusal(task)
            log = self._logs.get(task)
            if log is None:
                log = self._logs[task] = Log(LogFile(self._log_path(task)), self._env.masker)
            log.line("log", text, level=level, logger=logger)
            if task not in self._left:
                log.close()  # opened again for what comes after the end: a host may have thousands of members

    def artifact(self, task: str, name: str, value: Any, *, kind: ArtifactKind | None = None) -> None:
        """Leave something to look at with it; after its end, too. See `Context.artifact`."""
        with self._lock:
            if task not in self._numbers or self._is_over:
                raise self._refusal(task)
            mine = msgspec.structs.replace(self._spec, task=task, attempt=self._numbers[task])
            self._env.channel.artifact(mine, name, value, kind)

    def close(self) -> None:
        """The attempt is over: nothing can be said any more."""
        with self._lock:
            self._is_over = True
            for log in self._logs.values():
                log.close()

    def _number(self, task: str) -> int:
        number = self._left.get(task)
        if number is None or self._is_over:
            raise self._refusal(task)
        return number

    def _refusal(self, task: str) -> UserError:
        host = self._spec.task
        if self._is_over:
            return UserError(f"the attempt at {host} has ended: nothing can be said of {task} any more")
        if task in self._numbers:
            return UserError(f"the end of {task} was reported before")
        return UserError(
            f"{task} is not among the tasks that this attempt at {host} is to run", fix="look at members().pending"
        )

    def _end(self, task: str, report: AnyReport) -> None:
        del self._left[task]
        if (log := self._logs.get(task)) is not None:
            log.close()
        self._env.report(report)

    def _times(self, task: str, at_us: int) -> dict[str, Any]:
        at_us = at_us or self._env.now_us()
        return {"started_us": self._begun.get(task, at_us), "finished_us": at_us}

    def _of(self, task: str, number: int) -> dict[str, Any]:
        spec = self._spec
        return {
            "run_id": spec.run_id,
            "task": task,
            "map_index": spec.map_index,
            "attempt": number,
            "token": spec.token,
        }

    def _log_path(self, task: str) -> str:
        if not self._spec.log_path:
            return ""
        logs = str(Path(self._spec.log_path).parents[2])
        return log_path(logs, self._spec.run_id, TaskKey(task, self._spec.map_index), self._numbers[task])


def members() -> Members:
    """The tasks that the attempt that runs here hosts. Raises `NoContext` outside of one."""
    return context().members
