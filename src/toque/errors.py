"""The errors of Toque: one small tree. A message says what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ToqueError(Exception):
    """Anything that Toque raises on purpose."""


class UserError(ToqueError):
    """Something in the user's pipeline, settings or command is wrong, and the user can fix it.

    `file` and `line` (1-based) say where, `source` is the line itself, `fix` what to write instead.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, source: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.source = source
        self.fix = fix

    def __str__(self) -> str:
        if not self.file:
            return self.message if not self.fix else f"{self.message}\n  Fix: {self.fix}"
        head = f"{self.file}:{self.line}" if self.line else self.file
        lines = [f"{head}  {self.source}".rstrip(), f"  {self.message}"]
        if self.fix:
            lines.append(f"  Fix: {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_user_error, (type(self), self.message, self.file, self.line, self.source, self.fix))


class NotFound(UserError):
    """What a person names (a run, a pipeline, a version, a connection) is not there."""


def _user_error(kind: type[UserError], message: str, file: str, line: int, source: str, fix: str) -> UserError:
    return kind(message, file=file, line=line, source=source, fix=fix)


class TransientError(ToqueError):
    """May heal by itself: worth a retry. `retry_after_s` overrides the policy's delay."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DataError(ToqueError):
    """The data is wrong; a retry cannot heal it. `sample` holds rows that show how (at most 20 are kept)."""

    def __init__(self, message: str, *, sample: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.sample = [dict(row) for row in sample[:20]]


class ToqueBug(ToqueError):
    """A breach of one of Toque's own invariants. Please report it."""
