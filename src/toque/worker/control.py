"""What user code raises to end an attempt in a way that is neither success nor failure."""

from __future__ import annotations

from typing import Any

from toque.durations import Duration, seconds
from toque.errors import ToqueError


class NotYet(ToqueError):
    """The task cannot finish yet: look again after `after`. No retry is spent and no worker is held.

    `handle` is JSON that the next look finds in `context().handle`, for instance the id of an external job.

    >>> raise NotYet("30s", handle={"job": "j-17"})
    Traceback (most recent call last):
    toque.worker.control.NotYet: look again after 30s
    """

    def __init__(self, after: Duration, *, handle: Any = None) -> None:
        super().__init__(f"look again after {after}")
        self.after_s = seconds(after)
        self.handle = handle


class Skip(ToqueError):
    """The task has nothing to do: it is recorded as skipped, and so is what needs its result."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(BaseException):
    """Raised in the body of an attempt that is told to end. Like `KeyboardInterrupt` it is no `Exception`: a body
    that catches everything it can name would otherwise swallow it."""
