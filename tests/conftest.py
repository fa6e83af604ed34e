"""What all tests share."""

from __future__ import annotations

pytest_plugins = ["tests.postgres"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what has no name but its address by its type: all processes of one run must agree on the names of tests."""
    return type(val).__name__ if type(val).__repr__ is object.__repr__ or hasattr(val, "__next__") else None
