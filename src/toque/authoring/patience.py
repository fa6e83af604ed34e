"""Patience while a file is loaded: its import is cut off after a while, what the loader itself starts for it is not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

of_loader: ContextVar[Callable[[], AbstractContextManager[Any]]] = ContextVar("toque_patience", default=nullcontext)
"""What the loader process does about its limit meanwhile."""


def patience() -> AbstractContextManager[Any]:
    """Around something slow that is none of the author's: a parse by dbt. It has a limit of its own."""
    return of_loader.get()()
