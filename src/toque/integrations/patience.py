"""Patience with systems outside: what is worth asking again, how long to wait, and what must not be asked twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from toque.errors import TransientError

T = TypeVar("T")

BUSY = frozenset({425, 429, 503})
"""Answers that say: not now, and nothing was done."""
UNSURE = frozenset({408, 500, 502, 504})
"""Answers of somebody in between, or of a server in trouble: what was asked may have been done."""


class Unanswered(TransientError):
    """The connection broke. Whether what was asked has been done is not known."""


@dataclass(frozen=True)
class Patience:
    """How often to ask, and how long to wait in between. Longer waits are left to the retries of the task."""

    tries: int = 5
    first_s: float = 1.0
    cap_s: float = 30.0
    at_most_s: float = 120.0
    """What asks for a longer pause raises its `TransientError`, so that no worker is held meanwhile."""
    sleep: Callable[[float], None] = time.sleep

    def ask(self, question: Callable[[], T], *, is_repeatable: bool = True) -> T:
        """The answer. A `TransientError` is met by waiting; one that is `Unanswered` only if to repeat does no harm."""
        for attempt in range(1, self.tries + 1):
            try:
                return question()
            except TransientError as error:
                pause = error.retry_after_s
                if pause is None:
                    pause = min(self.first_s * 2 ** (attempt - 1), self.cap_s)
                may_harm = isinstance(error, Unanswered) and not is_repeatable
                if attempt == self.tries or pause > self.at_most_s or may_harm:
                    raise
                self.sleep(pause)
        raise AssertionError("there is at least one try")


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3): a number, or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
