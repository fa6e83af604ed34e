"""What each line of the log means for what is known about the destination.

Before records are sent, a line says so; after the answer another one says what it was. A line `sent` that no answer
follows is a try of which nothing is known, as after a crash: it may have taken effect, then or later. From then on only
an accepted answer makes the record known again, since a rejected one leaves what the doubtful try did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from toque.data.syncs.diff import UNKNOWN, Acknowledged

Status: TypeAlias = Literal["sent", "accepted", "rejected", "invalid", "unsent", "noted"]
"""`unsent`: a try that surely did nothing, since the destination was busy. `noted`: about a job, and no record."""


@dataclass(frozen=True)
class Line:
    """One line of the log, as far as it matters here."""

    key: str
    status: Status
    digest: str
    """Of what was sent; "" for a delete."""


@dataclass
class Fold:
    """Folds lines, in their order, into what was acknowledged before."""

    before: Acknowledged
    _now: dict[str, str | None] = field(default_factory=dict)
    _open: dict[str, str | None] = field(default_factory=dict)
    """Keys whose last line is `sent`, with what was known before that."""

    def line(self, line: Line) -> None:
        """Take one line into account."""
        match line.status:
            case "sent":
                # Sent while the answer to an earlier try is missing: that one stays doubtful.
                known = UNKNOWN if line.key in self._open else self._known(line.key)
                self._open[line.key] = known
            case "accepted":
                self._open.pop(line.key, None)
                self._now[line.key] = line.digest or None
            case "rejected" | "unsent" if line.key in self._open:
                self._now[line.key] = self._open.pop(line.key)
            case _:
                pass

    def changes(self) -> dict[str, str | None]:
        """Each key that a line touched: its digest now, `UNKNOWN`, or None when nothing is left of it."""
        return {**self._now, **dict.fromkeys(self._open, UNKNOWN)}

    def _known(self, key: str) -> str | None:
        return self._now[key] if key in self._now else self.before.get(key)


def folded(before: Acknowledged, lines: Iterable[Line]) -> Acknowledged:
    """What is acknowledged after these lines."""
    fold = Fold(before)
    for line in lines:
        fold.line(line)
    after = {**before, **fold.changes()}
    return {key: value for key, value in after.items() if value is not None}
