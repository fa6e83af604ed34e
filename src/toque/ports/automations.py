"""Automation as it is kept: how far each asset with rules has been decided, and what was decided about it.

A row is changed by compare and set together with the plan that a decision leads to, so that of any number of servers
one acts on a cause, and a crash neither loses nor doubles what was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from toque.ports.backfills import BackfillRow, BackfillSlice

KEPT = 200
"""Decisions about one asset; older ones are deleted as new ones come."""


class DecisionOutcome(StrEnum):
    """What a look at the rules of an asset came to."""

    REQUESTED = "requested"
    """A plan makes it."""
    WAITS = "waits"
    """There is a cause, and something that has to come first."""
    PAUSED = "paused"
    """There is a cause, and somebody paused it, or what makes it."""
    SKIPPED = "skipped"
    """A tick of a pause."""
    FAILED = "failed"
    """It could not be planned: its code cannot be loaded."""


class AutomationRow(msgspec.Struct, kw_only=True):
    """How far the automation of one asset has been decided."""

    asset: str
    revision: int = 0
    """Grows with each write: compare and set. 0: never written."""
    paused: bool = False
    actor: str = ""
    """Who paused or resumed it last."""
    changed_us: int = 0
    since_us: int = 0
    """What was made before is no cause: an automation begins when a server first sees it. 0: none has."""
    cursor_us: int = 0
    """The tick that was decided last, or when its schedule began."""
    definition: bytes = b""
    """The schedules of its rules, as JSON: others begin anew."""
    dealt: dict[str, dict[str, int]] = {}
    """By slice that was asked for and is not made yet: the slices upstream that were the cause, with the time at which
    each was made."""
    decided: int = 0
    """Decisions so far."""
    said: str = ""
    """Outcome and reason of the last one: the same again is not written again."""


class DecisionRow(msgspec.Struct, kw_only=True):
    """One decision. Those that decline hold until the next one."""

    asset: str
    n: int
    at_us: int
    outcome: DecisionOutcome
    rule: str = ""
    """Name of the rule that had a cause."""
    reason: str
    partitions: str = ""
    """That were asked for, for people; "" where it has none."""
    count: int = 0
    """How many slices."""
    backfill: str = ""
    """The plan that makes them."""


class AutomationChange(msgspec.Struct, kw_only=True):
    """A row as it is to be (its `revision` still as it was seen), with what was decided."""

    row: AutomationRow
    decision: DecisionRow | None = None


class Automations(Protocol):
    """Automation (`store.automations`)."""

    async def rows(self, assets: Sequence[str]) -> dict[str, AutomationRow]:
        """Of these assets; absent where no server has seen a rule yet."""
        ...

    async def record(
        self,
        changes: Sequence[AutomationChange],
        plan: tuple[BackfillRow, Sequence[BackfillSlice]] | None = None,
    ) -> bool:
        """One transaction: all rows and decisions, and the plan. False: one of the rows is not what was seen, nothing
        was written. Raises `StoreUnavailable`."""
        ...

    async def decisions(self, asset: str, *, before: int = 0, limit: int = 50) -> list[DecisionRow]:
        """Newest first; those before the one with the number `before`."""
        ...
