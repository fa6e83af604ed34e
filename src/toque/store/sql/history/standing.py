"""What only the database in question knows about itself and about the processes on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Standing(NamedTuple):
    """As of now."""

    kind: str
    size_bytes: int
    is_alive: Callable[[str], bool]
    """Of an instance."""
