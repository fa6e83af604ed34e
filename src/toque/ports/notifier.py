"""Notifiers: how a message reaches people. One protocol; an adapter for each type of connection."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import msgspec

from toque.errors import ToqueError

MessageKind: TypeAlias = Literal["failure", "recovery", "late", "quarantine", "summary", "test"]


class NotSent(ToqueError):
    """The receiver did not take the message. `permanent`: it never will, so that nobody tries again."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        """What the receiver asked for; 0 when it said nothing."""


class FailedCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A check that halted its branch: the rule, the table, and how many rows broke it."""

    asset: str
    partition: str = ""
    check: str
    column: str = ""
    failed_rows: int = 0
    total_rows: int | None = None
    """That were looked at; None where rows are not what it counts."""
    said: str = ""
    """In words: `3 rows of 1,200 (0.3 %): id is null`."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody is told, whole: it is not looked up again when it is sent again. Secrets are masked."""

    kind: MessageKind
    dedup: str
    """The same however often it is sent: a receiver that has seen it may drop it."""
    title: str
    """One line that says what happened."""
    at_us: int = 0
    pipeline: str = ""
    run_id: str = ""
    owner: str = ""
    trigger: str = ""
    duration_us: int = 0
    task: str = ""
    """The first failed task run, as `task[index]`."""
    error_type: str = ""
    error: str = ""
    frames: tuple[str, ...] = ()
    """Of its traceback, in the user's own files, the innermost first: `shop.py:14 in load: raise ValueError(n)`."""
    checks: tuple[FailedCheck, ...] = ()
    """Checks that it failed by, or that set rows aside; they say more than `error`."""
    sample: tuple[str, ...] = ()
    """Rows that a check or a task found wrong, personal data masked: up to five, each as JSON."""
    log: tuple[str, ...] = ()
    """The last lines of that attempt, its traceback left out."""
    replay: str = ""
    """The command that does the rest, once the cause is gone."""
    note: str = ""
    link: str = ""
    """The page of the run; "" when the settings do not say where the UI is."""


class Notifier(Protocol):
    """Sends to one connection."""

    async def send(self, message: Message) -> None:
        """Return once the receiver has taken it. Raises `NotSent`, whose text names no secret."""
        ...
