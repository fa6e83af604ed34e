"""What this machine saw at its last look at the project: `.toque/index.json`.

It tells an edit from a rollback: both make the current version differ from what the file says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

FILE = "index.json"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline at the last look."""

    file: str
    version: str
    """As its file said."""


def read_record(home: Path) -> dict[str, Known]:
    """By pipeline; empty before the first look, and when the file is damaged."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, Known])
    except (OSError, msgspec.MsgspecError):
        return {}


def write_record(home: Path, record: Mapping[str, Known]) -> None:
    """Replaces the file as a whole. Raises `OSError`."""
    temporary = home / f"{FILE}.{os.getpid()}"
    temporary.write_bytes(msgspec.json.encode(record))
    temporary.rename(home / FILE)
