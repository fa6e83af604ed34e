"""The errors of Toque: one small tree. A message says what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any


class ToqueError(Exception):
    """Anything that Toque raises on purpose."""


class UserError(ToqueError):
    """Something in the user's pipeline, settings or command is wrong, and the user can fix it.

    `file` and `line` (1-based) say where, `source` is the line itself, `fix` what to write instead.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, source: str = "", fix: str = "") -> None:
        super().__init__(message)
        # As text: whoever raises it in a task may give it anything, and it is to be shown all the same.
        self.message = str(message)
        self.file = str(file)
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


class Conflict(UserError):
    """What is asked contradicts the state of what it is asked of: to stop what has ended, to repeat what still runs."""


def _user_error(kind: type[UserError], message: str, file: str, line: int, source: str, fix: str) -> UserError:
    return kind(message, file=file, line=line, source=source, fix=fix)


class TransientError(ToqueError):
    """May heal by itself: worth a retry. `retry_after_s` overrides the policy's delay."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DataError(ToqueError):
    """The data is wrong; a retry cannot heal it. `sample` holds rows that show how (at most 20 are kept).

    Rows are mappings, or whatever a data frame of pandas, polars or Arrow holds; anything else is shown as it is,
    under `value`: an error about data must not fail because of that data.
    """

    def __init__(self, message: str, *, sample: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.sample = _rows(sample)


def _rows(sample: Any, at_most: int = 20) -> list[dict[str, Any]]:
    try:
        head = sample.head(at_most) if hasattr(sample, "head") else sample
        if hasattr(head, "to_pylist"):  # Arrow, before it would be iterated by column
            head = head.slice(0, at_most).to_pylist()
        elif hasattr(head, "to_dicts"):  # polars
            head = head.to_dicts()
        elif hasattr(head, "to_dict") and not isinstance(head, Mapping):  # pandas
            head = head.to_dict("records")
        rows = list(islice(head, at_most))
    except Exception as error:  # whatever the sample is, the message is worth more
        return [{"value": f"the sample cannot be shown: {type(error).__name__}"}]
    return [dict(row) if isinstance(row, Mapping) else {"value": row} for row in rows]


class ToqueBug(ToqueError):
    """A breach of one of Toque's own invariants. Please report it."""
