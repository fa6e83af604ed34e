"""The context of the attempt that runs here and now, for user code."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from toque.engine.assets import AnyAssetEvent
from toque.errors import ToqueError
from toque.graph import constants
from toque.ports.executor import AttemptSpec, Metric, Progress, Signal
from toque.worker import instants
from toque.worker.control import Cancelled
from toque.worker.log import Log

if TYPE_CHECKING:
    from toque.worker.hosting import Members

ArtifactKind: TypeAlias = Literal["table", "markdown", "json", "image", "link", "text"]

PROGRESS_EVERY_S = 0.05
"""Only the latest counts, so that a loop may report each row."""


class NoContext(ToqueError):
    """`context()` was called where no attempt runs: at import, or in a function called directly."""

    def __init__(self) -> None:
        super().__init__(
            "there is no run context here: context(), progress(), metric() and artifact() work in the body of a "
            "task while a run executes it"
        )


class Interval(NamedTuple):
    """A span of time, `start` inclusive, `end` exclusive; both aware, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """What a context needs from the process around it."""

    signal: Callable[[Signal], None]
    artifact: Callable[[AttemptSpec, str, Any, ArtifactKind | None], None]
    members: Callable[[AttemptSpec], Members]


class Context:
    """What a task may know about the attempt that runs it."""

    def __init__(self, spec: AttemptSpec, channel: Channel, log: Log) -> None:
        self.run_id: str = spec.run_id
        self.pipeline: str = spec.pipeline
        self.task: str = spec.task
        self.map_index: tuple[int, ...] = spec.map_index
        """Position in the (nested) mapped tasks around it; `()` outside of any."""
        self.attempt: int = spec.attempt
        """1 for the first try."""
        self.idempotency_key: str = spec.idempotency_key
        """The same for every attempt at this task run, across restarts: hand it to whatever you write to."""
        self.partition_key: str = spec.partition_key
        self.handle: Any = spec.handle
        """What the last `NotYet` of this task run left."""
        self.deferrals: int = spec.deferrals
        """How often this task run raised `NotYet`."""
        self.cancelled: bool = False
        """True from the moment that the attempt is told to end: a loop that checks it can end in its own way."""
        self.told: list[AnyAssetEvent] = []
        """What is to be known of data, however the attempt ends."""
        self.log = log
        self._spec = spec
        self._channel = channel
        self._progress: Progress | None = None
        self._progress_due_s = 0.0

    @cached_property
    def logical_time(self) -> datetime:
        """The nominal time of the run: the end of its interval, in UTC. Not the time on the clock."""
        return instants.instant(self._spec.logical_us)

    @cached_property
    def interval(self) -> Interval:
        """The span of data that the run covers."""
        return Interval(instants.instant(self._spec.interval_start_us), instants.instant(self._spec.interval_end_us))

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The run's parameters, validated."""
        return {name: constants.decode(value) for name, value in self._spec.parameters.items()}

    @cached_property
    def logger(self) -> logging.Logger:
        """A logger named after the task; its lines are part of the attempt's log."""
        return logging.getLogger(f"toque.task.{self.task}")

    def progress(self, done: float, total: float | None = None) -> None:
        """Say how far the attempt is. Cheap: at most 20 a second are passed on, and the last one always is."""
        self._progress = Progress(
            run_id=self.run_id,
            task=self.task,
            map_index=self.map_index,
            done=float(done),
            total=None if total is None else float(total),
        )
        now_s = time.monotonic()
        if now_s >= self._progress_due_s:
            self._progress_due_s = now_s + PROGRESS_EVERY_S
            self.pass_on_progress()

    def pass_on_progress(self) -> None:
        """Send what `progress` held back."""
        if self._progress is not None:
            self._channel.signal(self._progress)
            self._progress = None

    def metric(self, name: str, value: float) -> None:
        """Record a number under `name`."""
        self._channel.signal(
            Metric(
                run_id=self.run_id,
                task=self.task,
                map_index=self.map_index,
                attempt=self.attempt,
                name=str(name),
                value=float(value),
            )
        )

    def artifact(self, name: str, value: Any, *, kind: ArtifactKind | None = None) -> None:
        """Leave something to look at: a table, Markdown, JSON, an image (bytes), a link, text.

        Without `kind` it is chosen by the value: data frames are tables, bytes images, strings text, the rest JSON.
        """
        self._channel.artifact(self._spec, str(name), value, kind)

    def tell(self, event: AnyAssetEvent) -> None:
        """Say what was learnt of an asset; it is recorded with the end of the attempt, a failure included."""
        self.told.append(event)

    @cached_property
    def members(self) -> Members:
        """The tasks that this attempt runs and reports for, if it is a host."""
        return self._channel.members(self._spec)

    def close(self) -> None:
        """The attempt is over."""
        self.pass_on_progress()
        if "members" in self.__dict__:
            self.members.close()

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the attempt was told to end."""
        if self.cancelled:
            raise Cancelled


class Lone:
    """The context of a process that runs one attempt at a time: threads that user code starts inherit no context
    variables, and yet belong to that attempt. Empty where attempts share a process."""

    context: Context | None = None
    interruptible: bool = False
    """User code runs in the main thread: the signal that cancels it may raise there."""


current: ContextVar[Context | None] = ContextVar("toque_context", default=None)
lone = Lone()


def context() -> Context:
    """The context of the attempt that runs here. Raises `NoContext` outside of one."""
    found = current.get() or lone.context
    if found is None:
        raise NoContext
    return found


def progress(done: float, total: float | None = None) -> None:
    """Say how far the running attempt is: `progress(7, 12)`."""
    context().progress(done, total)


def metric(name: str, value: float) -> None:
    """Record a number for the running attempt: `metric("rows", 336_776)`."""
    context().metric(name, value)


def artifact(name: str, value: Any, *, kind: ArtifactKind | None = None) -> None:
    """Leave something to look at: `artifact("worst carriers", table)`."""
    context().artifact(name, value, kind=kind)
