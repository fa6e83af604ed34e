"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.postgres", "tests.salesforce", "tests.snowflake", "tests.stripe"]

# The gate tries the same few examples each time: what it refuses is the fault of the change. `make soak` searches anew.
settings.register_profile("gate", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile("gate")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what has no name but its address by its type: all processes of one run must agree on the names of tests."""
    return type(val).__name__ if type(val).__repr__ is object.__repr__ or hasattr(val, "__next__") else None
