"""Small values that inputs, facts, effects and rows share."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NewType, TypeAlias

import msgspec

from toque.graph.ir import ErrorClass

RunId = NewType("RunId", str)
"""Sortable by time of creation; drawn by the composition root, never by the engine."""

MapIndex: TypeAlias = tuple[int, ...]

AT_US = int
"""Times are microseconds since 1970-01-01 UTC, named `…_us`."""


class TaskKey(NamedTuple):
    """A task run within its run."""

    task: str
    """Node id; for a step of a flow: `<body>/<scope path>/<step name>`, the occurrence being the last index."""
    map_index: MapIndex = ()

    def __str__(self) -> str:
        return f"{self.task}[{'.'.join(map(str, self.map_index))}]" if self.map_index else self.task


class Token(NamedTuple):
    """Fencing token: drawn anew at each dispatch; a report with another one is stale and rejected."""

    boot: int
    n: int


class ValueRef(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """Where a value is. Exactly one of `inline` and `blob` is set."""

    codec: str
    """`json` (tagged JSON), `arrow`, `parquet`, `pickle` (cloudpickle), `chunks` (a list readable by offset)."""
    inline: bytes | None = None
    blob: str | None = None
    """Key in the blob store."""
    size_bytes: int = 0
    digest: str = ""
    """Of the encoded bytes; part of the cache keys and flow digests of whoever reads the value."""


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an attempt failed, small enough for a row (the traceback is in the log of the attempt)."""

    kind: ErrorClass
    type: str
    """Qualified name of the exception, or `Timeout`, `WorkerLost`, …"""
    message: str
    """At most 4,000 characters, secrets masked."""
    file: str = ""
    line: int = 0
    retryable: bool = True
    """The worker's verdict: False for what cannot heal, or what the user's rule refused."""
    retry_after_s: float | None = None
    sample: list[Any] = []
    """Up to 5 rows of a `DataError`, masked."""

    @property
    def said(self) -> str:
        """Type and message as people read them: where a type of Toque's own is defined tells them nothing."""
        kind = self.type.rpartition(".")[2] if self.type.startswith("toque.") else self.type
        return f"{kind}: {self.message}"


class Hole(msgspec.Struct, frozen=True, tag="hole", omit_defaults=True):
    """In place of the value of an index that has none."""

    state: str
    """A terminal `TaskState` other than succeeded."""
    error: ErrorInfo | None = None
    index: int | None = None
    """Position in the mapped task, if it stands for one."""


class Values(msgspec.Struct, frozen=True, tag="values"):
    """The gathered results of a map, in index order."""

    items: list[Entry]


class Spilled(msgspec.Struct, frozen=True, tag="spilled"):
    """A `Values` too large for a message: a blob of msgpack chunks of 1,000 entries each (`toque.worker.pages`)."""

    blob: str
    count: int


class Value(msgspec.Struct, frozen=True, tag="value"):
    """One value."""

    ref: ValueRef


Entry: TypeAlias = Value | Hole | Values | Spilled
"""What an attempt is given for one source: resolved by the server, opened by the worker."""

Actor: TypeAlias = str
TimerKind = Literal["retry", "deferred", "deadline", "sleep", "run_deadline", "run_late"]
