"""Scopes: where in a body a step is called, told by the structure of the code and never by time.

The body is the root scope. Each task of its event loop (a child of `gather`, `TaskGroup`, `create_task`) opens
a scope numbered at its creation; a flow called within the flow opens one named after it. Within a scope, calls
of one name are counted. Two branches that call the same tasks are thus told apart, however they interleave.
"""

from __future__ import annotations

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
