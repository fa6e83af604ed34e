"""What dbt says while it runs, line by line: which node begins, ends, and what it logs in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

Status: TypeAlias = Literal["success", "error", "skipped", "warn", "fail"]

_STATUS: Final[dict[str, Status]] = {
    "success": "success",
    "pass": "success",
    "warn": "warn",
    "fail": "fail",
    "error": "error",
    "runtime error": "error",
    "partial success": "error",
    "skipped": "skipped",
    "no-op": "success",
    "reused": "success",
}
_QUIET: Final = frozenset(
    {"NodeStart", "NodeFinished", "ConnectionUsed", "Formatting", "NodeCompiling", "NodeExecuting"}
)
"""They say nothing that the times and the SQL of a node do not."""
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
_NODE_OF_CONNECTION: Final = re.compile(r"^(?:model|seed|snapshot|test|unit_test|function)\.")


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """dbt got to a node."""

    unique_id: str
    at_us: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """dbt is done with a node."""

    unique_id: str
    at_us: int
    status: Status
    message: str = ""
    rows: int | None = None
    """That the statement touched, if the database says."""
    failures: int | None = None
    """Of a test: the rows that it found."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log."""

    unique_id: str
    """"" for what is about no node."""
    level: str
    text: str


Event: TypeAlias = Began | Ended | Said


class Ear:
    """Reads the stream; it holds what it has not seen the end of."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events of the lines that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from heard(line)

    def end(self) -> Iterator[Event]:
        """What is left when the stream ends: a process that is killed ends in the middle of a line."""
        rest, self._rest = self._rest, b""
        yield from heard(rest)


def heard(line: bytes) -> Iterator[Event]:
    """The events of one line."""
    if not line.strip():
        return
    try:
        told = msgspec.json.decode(line)
        info, data = told["info"], told["data"]
        name, at_us = info["name"], instant_us(info["ts"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        yield Said(unique_id="", level="info", text=line.decode("utf-8", "replace"))
        return
    node = (data.get("node_info") or {}).get("unique_id") or ""
    match name:
        case "NodeStart":
            yield Began(unique_id=node, at_us=at_us)
        case "NodeFinished":
            yield _ended(node, data.get("run_result") or {}, at_us)
    text = _ANSI.sub("", str(info.get("msg") or ""))
    if name not in _QUIET and text.strip():
        yield Said(unique_id=node or _of_connection(data), level=_level(info), text=text)


def instant_us(text: str) -> int:
    """An instant as dbt writes it, in microseconds. One without a zone is UTC.

    >>> instant_us("1970-01-01T00:00:01.5Z") == instant_us("1970-01-01T00:00:01.500000")
    True
    """
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(found.timestamp() * 1_000_000)


def status_of(text: str) -> Status:
    """One of ours for each of dbt's; an error for one that nobody knows, so that it is never taken for a success."""
    return _STATUS.get(text.lower(), "error")


def rows_of(answer: Any) -> int | None:
    """The rows that an adapter's answer tells of."""
    rows = answer.get("rows_affected") if isinstance(answer, dict) else None
    try:
        count = int(rows) if rows is not None else -1
    except (TypeError, ValueError):
        return None
    return count if count >= 0 else None


def _ended(node: str, result: dict[str, Any], at_us: int) -> Ended:
    return Ended(
        unique_id=node,
        at_us=at_us,
        status=status_of(str(result.get("status") or "")),
        message=_ANSI.sub("", str(result.get("message") or "")).strip(),
        rows=rows_of(result.get("adapter_response")),
        failures=result.get("num_failures"),
    )


def _level(info: dict[str, Any]) -> str:
    level = str(info.get("level") or "info")
    return "warning" if level == "warn" else level


def _of_connection(data: dict[str, Any]) -> str:
    """Connections are named after the node that uses them; some lines say only that."""
    name = str(data.get("conn_name") or "")
    return name if _NODE_OF_CONNECTION.match(name) else ""
