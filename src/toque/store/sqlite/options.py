"""What the URL of a SQLite store says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from toque.errors import UserError


@dataclass(frozen=True)
class SqliteOptions:
    """What the URL of a store says."""

    path: str
    """Absolute."""
    synchronous: Literal["normal", "full"] = "normal"
    """`normal` survives any kill of a process; a power cut may repeat the last instants. `full` syncs each commit."""
    timeout_s: float = 5.0
    """How long a write waits for another process's transaction."""

    @staticmethod
    def parse(url: str) -> SqliteOptions:
        """The options of `sqlite:///path?synchronous=full&timeout_s=5`."""
        rest = url.removeprefix("sqlite://")
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            raise UserError(f"{url!r} names no file", fix="use sqlite:///path/toque.db, or memory: for no file at all")
        path, _, query = rest[1:].partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        synchronous = given.pop("synchronous", "normal")
        timeout = given.pop("timeout_s", "5")
        if synchronous not in ("normal", "full") or given:
            raise UserError(f"unknown option in {url!r}", fix="the options are synchronous=normal|full and timeout_s=5")
        try:
            timeout_s = float(timeout)
        except ValueError:
            raise UserError(f"timeout_s in {url!r} is not a number", fix="write seconds: timeout_s=5") from None
        return SqliteOptions(os.path.abspath(path), "full" if synchronous == "full" else "normal", timeout_s)
