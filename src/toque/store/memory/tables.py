"""The tables of the memory store: rows by key, encoded.

Encoded, so that a row changed after its commit changes nothing here, and so that what a row cannot carry fails in a
unit test already.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from toque.engine.rows import AssetEventRow, AttemptRow, RunRow, StepRow, TaskRow
from toque.ports.assets import DynamicKey, SliceRow
from toque.ports.store import CommandRow, OutboxRow, VersionRow

R = TypeVar("R", bound=msgspec.Struct)
Slot = tuple[str, str]
"""(pool, holder)"""


class Rows(Generic[R]):
    """Rows of one type by key, encoded."""

    def __init__(self, kind: type[R]) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self.data: dict[Any, bytes] = {}

    def put(self, key: Any, row: R) -> None:
        self.data[key] = self._encode(row)

    def get(self, key: Any) -> R | None:
        data = self.data.get(key)
        return None if data is None else self._decode(data)

    def all(self) -> list[R]:
        return [self._decode(self.data[key]) for key in sorted(self.data)]


class RunParts:
    """What belongs to one run."""

    def __init__(self) -> None:
        self.tasks = Rows(TaskRow)
        self.attempts = Rows(AttemptRow)
        self.steps = Rows(StepRow)
        self.facts: dict[int, bytes] = {}


class Tables:
    """The tables."""

    def __init__(self) -> None:
        self._runs = Rows(RunRow)
        self._parts: dict[str, RunParts] = {}
        self._dedups: dict[str, str] = {}
        self._holds: dict[Slot, tuple[int, str]] = {}
        """(slots, instance)"""
        self.asset_events = Rows(AssetEventRow)
        self.asset_slices = Rows(SliceRow)
        self.dynamic_keys = Rows(DynamicKey)
        self.outbox = Rows(OutboxRow)
        self._commands = Rows(CommandRow)
        self._counters: dict[str, int] = {}
        self._versions = Rows(VersionRow)
        self._current: dict[str, str] = {}
        self._synced: dict[str, str] = {}
        self._pruned: list[tuple[RunRow, int]] = []
        """Runs that retention has deleted, with the number of their task runs: they still count."""
        self._last_command = 0
        self._boot = 0
        self._instances: set[str] = set()
        self._wrote = False

    def _all_runs(self) -> list[RunRow]:
        """Newest first."""
        return self._runs.all()[::-1]


def slots_by_pool(holds: dict[Slot, tuple[int, str]]) -> dict[str, int]:
    used: dict[str, int] = {}
    for (pool, _), (slots, _) in holds.items():
        used[pool] = used.get(pool, 0) + slots
    return used
