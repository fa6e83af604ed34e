"""Code of Toque's own that graphs refer to."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def identity(value: T) -> T:
    """The value itself: gives an item, a parameter or a list literal a task run, so that the server can see its
    scalar (a condition) or its length (a map)."""
    return value
