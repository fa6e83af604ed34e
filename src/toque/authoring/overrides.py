"""Overrides: what tests put in place of tasks, resources and the clock. Set by `toque.testing`, read by `toque.local`.

They live in a context variable, so that tests which run side by side do not see each other's. Whatever runs attempts in
this process takes stubs and replaced arguments from it by itself; the clock is for whoever makes the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from toque.graph.ir import CodeRef, Inject, TaskNode
from toque.ports.clock import Clock
from toque.worker import code
from toque.worker.replacements import in_place

CodeKey: TypeAlias = tuple[str, str, str]
"""Module and qualified name of a task's function, and the node's name ("" for every node that runs it)."""


class Stub:
    """What a task does instead of running its body; after `times` calls (None: always) the body runs again."""

    def __init__(
        self,
        *,
        returns: Any = None,
        raises: BaseException | None = None,
        times: int | None = None,
        body: Callable[..., Any] | None = None,
    ) -> None:
        self._returns = returns
        self._raises = raises
        self._left = times
        self.body = body

    @property
    def needs_supplies(self) -> bool:
        """The body may run after all: what it asks for must be there."""
        return self._left is not None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Stands in for the function, sync or async: the caller awaits only what can be awaited."""
        if self._left is not None and self.body is not None:
            if self._left <= 0:
                return self.body(*args, **kwargs)
            self._left -= 1
        if self._raises is not None:
            raise self._raises
        return self.answered()

    def answered(self) -> Any:
        """What it returns."""
        return self._returns


@dataclass(frozen=True)
class Overrides:
    """Everything that is in place of something else now."""

    stubs: Mapping[CodeKey, Stub] = field(default_factory=dict)
    of_nodes: tuple[tuple[Callable[[TaskNode], bool], Stub], ...] = ()
    """Of nodes whose code is Toque's own; the last one that means a node counts."""
    supplies: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    clock: Clock | None = None

    def function_for(self, node: TaskNode) -> Callable[..., Any] | None:
        """What to call instead of the node's own code, or None."""
        for means, stub in reversed(self.of_nodes):
            if means(node):
                stub.body = stub.body or code.resolve(node.code)
                return stub
        name = node.id.rpartition("/")[2].rpartition(".")[2]
        return self.stub_of(node.code, name)

    def stub_of(self, code: CodeRef, name: str) -> Stub | None:
        """The stub of a function; one for a node of this name goes first."""
        by_name = self.stubs.get((code.module, code.qualname, name))
        return by_name if by_name is not None else self.stubs.get((code.module, code.qualname, ""))

    def supplied(self, inject: Inject) -> tuple[bool, Any]:
        """Whether an injected argument is replaced, and by what."""
        key = supply_key(inject)
        return key in self.supplies, self.supplies.get(key)


def current() -> Overrides:
    """The overrides of the test that runs here."""
    found = in_place.get()
    return found if isinstance(found, Overrides) else Overrides()


def supply_key(inject: Inject) -> tuple[str, str]:
    """What tells injected arguments apart: connections, variables and secrets by name, resources by their code."""
    if inject.kind == "resource" and inject.code is not None:
        return "resource", f"{inject.code.module}:{inject.code.qualname}"
    return inject.kind, inject.name


@contextmanager
def stubbed(key: CodeKey, stub: Stub) -> Iterator[None]:
    """Have a task do something else within the block."""
    found = current()
    with put(replace(found, stubs={**found.stubs, key: stub})):
        yield


@contextmanager
def nodes_stubbed(means: Callable[[TaskNode], bool], stub: Stub) -> Iterator[None]:
    """Have the nodes that are meant do something else within the block."""
    found = current()
    with put(replace(found, of_nodes=(*found.of_nodes, (means, stub)))):
        yield


@contextmanager
def replaced(key: tuple[str, str], value: Any) -> Iterator[None]:
    """Hand `value` to every task that asks for what `key` names."""
    found = current()
    with put(replace(found, supplies={**found.supplies, key: value})):
        yield


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Let runs use `clock`."""
    with put(replace(current(), clock=clock)):
        yield


@contextmanager
def put(overrides: Overrides) -> Iterator[None]:
    """Put exactly these in place within the block."""
    token = in_place.set(overrides)
    try:
        yield
    finally:
        in_place.reset(token)
