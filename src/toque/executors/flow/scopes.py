"""Scopes: where in a body a step is called, told by the structure of the code and never by time.

The body is the root scope. Each task of its event loop (a child of `gather`, `TaskGroup`, `create_task`) opens
a scope numbered at its creation; a flow called within the flow opens one named after it. Within a scope, calls
of one name are counted. Two branches that call the same tasks are thus told apart, however they interleave.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from toque.engine.values import TaskKey
from toque.errors import UserError


class Scope:
    """One branch of a body."""

    __slots__ = ("_children", "_counts", "path")

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self.path = path
        self._children = 0
        self._counts: dict[str, int] = {}

    def child(self) -> Scope:
        """The scope of the next concurrent branch begun in this one."""
        number = self._children
        self._children += 1
        return Scope((*self.path, str(number)))

    def nested(self, flow: str) -> Scope:
        """The scope of the next call of a flow in this one. The dot keeps its count apart from those of steps."""
        return Scope((*self.path, f"{flow}.{self._count('.' + flow)}"))

    def key(self, body: TaskKey, name: str) -> TaskKey:
        """The key of the next step called `name` here."""
        if not name or "/" in name:
            raise UserError(f"{name!r} is no name for a step", fix='give it a name without "/": .options(name=…)')
        return TaskKey("/".join((body.task, *self.path, name)), (*body.map_index, self._count(name)))

    def _count(self, name: str) -> int:
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return count


class Naming:
    """The names of the steps of one body. The scope of a branch travels in its context."""

    def __init__(self, body: TaskKey) -> None:
        self._body = body
        self._stray = Scope(("~",))
        self._thread = 0

    def begin(self) -> None:
        """From here on, in this context and thread: the body."""
        self._thread = threading.get_ident()
        _here.set(Scope())

    def open_branch(self) -> None:
        """This context is that of a new concurrent branch."""
        _here.set(_here.get(self._stray).child())

    @contextmanager
    def nested(self, flow: str) -> Iterator[None]:
        """The scope of a flow that is called within the body."""
        before = _here.set(_here.get(self._stray).nested(flow))
        try:
            yield
        finally:
            # A dropped body is closed by the exit of the interpreter, and then in no context of its own.
            with suppress(ValueError):
                _here.reset(before)

    def next_key(self, name: str) -> TaskKey:
        """The key of the step that is called here and now."""
        if threading.get_ident() != self._thread:
            raise UserError(
                f"step {name!r} was called from a thread that the flow's body started",
                fix="call steps in the body itself; .map() and .submit() run them side by side",
            )
        # What the garbage collector closes runs in no branch of the body.
        return _here.get(self._stray).key(self._body, name)


_here: ContextVar[Scope] = ContextVar("toque_flow_scope")
