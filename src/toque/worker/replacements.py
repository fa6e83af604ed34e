"""What a test has put in place of code and injected arguments; whoever runs attempts in its process takes it over."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from toque.graph.ir import Inject, TaskNode


class Replacements(Protocol):
    """Asked before anything is resolved or opened."""

    def function_for(self, node: TaskNode) -> Callable[..., Any] | None:
        """What to call instead of the node's own code, or None."""
        ...

    def supplied(self, inject: Inject) -> tuple[bool, Any]:
        """Whether an injected argument is replaced, and by what."""
        ...


in_place: ContextVar[Replacements | None] = ContextVar("toque_replacements", default=None)
"""Of the test that runs here; None outside of tests, and always in worker processes."""
