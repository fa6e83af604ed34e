"""How something else ended, as a task sees it: the elements of `outcome(…)` and the argument of a hook."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from toque.worker.instants import instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ok(Generic[T]):
    """It succeeded with `value`."""

    value: T


@dataclass(frozen=True, slots=True)
class Failure:
    """It failed for good, was cancelled, or could not start because something before it failed."""

    type: str
    """Qualified name of the exception; `UpstreamFailed` or `Cancelled` if there was none."""
    message: str
    kind: str = "code"
    """`transient`, `data`, `code`, `infrastructure` or `cancelled`."""
    index: int | None = None
    """Position in the mapped task."""
    sample: tuple[Any, ...] = ()
    """Rows of a `DataError`."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """It was skipped."""

    reason: str = ""
    index: int | None = None


Outcome: TypeAlias = Ok[T] | Failure | Skipped


@dataclass(frozen=True, slots=True)
class FailedTask:
    """One failed task run in a `RunReport`."""

    task: str
    map_index: tuple[int, ...] = ()
    type: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What an `on_failure` or `on_success` hook is told about its run."""

    run_id: str
    pipeline: str
    state: str
    """`succeeded`, `failed` or `cancelled`: how the run will end."""
    logical_time: datetime | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    failed: tuple[FailedTask, ...] = ()
    """The first hundred, in order of failure."""
    failed_count: int = 0
    message: str = ""
    """The first error, in one line."""

    @classmethod
    def parse(cls, data: dict[str, Any], parameters: dict[str, Any]) -> RunReport:
        """From `AttemptSpec.run_report`; keys that this version does not know are ignored."""
        failed = tuple(
            FailedTask(
                task=str(row.get("task", "")),
                map_index=tuple(row.get("map_index", ())),
                type=str(row.get("type", "")),
                message=str(row.get("message", "")),
            )
            for row in data.get("failed", ())
        )
        return cls(
            run_id=str(data.get("run_id", "")),
            pipeline=str(data.get("pipeline", "")),
            state=str(data.get("state", "")),
            logical_time=instant(data["logical_us"]) if data.get("logical_us") else None,
            parameters=parameters,
            failed=failed,
            failed_count=int(data.get("failed_count", len(failed))),
            message=str(data.get("message", "")),
        )
