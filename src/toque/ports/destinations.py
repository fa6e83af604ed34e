"""Destinations of syncs: systems outside that take records. An own one is a class with a name and `send`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

Operation: TypeAlias = Literal["create", "update", "upsert", "delete"]


class Record(msgspec.Struct, frozen=True):
    """One record to be sent."""

    key: dict[str, Any]
    """Fields of the destination that tell records apart, with their values."""
    fields: dict[str, Any] = {}
    """What to set; a None empties a field. Nothing for a delete."""
    is_doubtful: bool = False
    """It may have been sent before, and nobody knows what became of that."""

    @property
    def values(self) -> dict[str, Any]:
        """The key and the fields."""
        return {**self.key, **self.fields}


class Result(msgspec.Struct, frozen=True):
    """What the destination answered about one record."""

    accepted: bool = True
    reason: str = ""
    """Why it was rejected, in the destination's words."""
    id: str = ""
    """Of the record in the destination, if it told."""
    created: bool | None = None
    """Whether an upsert made the record; None if the destination did not tell."""


class Destination(Protocol):
    """Something that takes records."""

    @property
    def name(self) -> str:
        """For people: `crm.Contact`."""
        ...

    @property
    def batch_size(self) -> int:
        """How many records one `send` takes at most."""
        ...

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        """One result for each record, in their order.

        Raises `TransientError` when surely nothing was done (the sync waits as it asks, and sends again), `Unanswered`
        when that is not known, and `UserError` for what no later try heals. To delete what is not there, and to
        send an equal record twice, must be accepted.
        """
        ...


@runtime_checkable
class Describes(Protocol):
    """A destination that knows its fields."""

    def expect(self, operations: Sequence[Operation], key: Sequence[str], fields: Sequence[str]) -> None:
        """Raises `UserError` for a field that is not there or cannot be written, before anything is sent."""
        ...

    def fault(self, operation: Operation, record: Record) -> str:
        """Why the destination would reject the record, as far as that is known without asking; "" if it may pass."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A destination that tells which records exist: dry runs tell creates from updates, doubtful creates do no harm."""

    def find(self, keys: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """The id of the record of each key, or None."""
        ...


@runtime_checkable
class Lingers(Protocol):
    """A destination in which a `send` goes on when its process has died, as a job does; it overtakes no later one."""

    def on_begin(self, note: Callable[[str], None]) -> None:
        """From now on `note` is told each thing before it can take effect."""
        ...

    def settle(self, receipt: str) -> None:
        """Returns when what was begun has ended, however it did. May raise as `send` does."""
        ...


@runtime_checkable
class Sizes(Protocol):
    """A destination that has another way for many records."""

    def size_for(self, total: int) -> int:
        """How many records a `send` takes when so many are to be sent."""
        ...
