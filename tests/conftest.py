"""What all tests share."""

from __future__ import annotations

import re

"""Fixtures that tests of several areas share."""

pytest_plugins = ["tests.postgres"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what has no name but its address by its type: all processes of one run must agree on the names of tests."""
    return type(val).__name__ if re.search(r" at 0x[0-9a-f]+", repr(val)) else None
