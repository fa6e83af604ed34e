"""Arguments that the worker supplies: resources, connections, variables, secrets, values of the context.

What a `use(…)` names is found by its `CodeRef` if it has one. Objects take part by these attributes:

- `__toque_open__(**injected)` returns the thing itself, or a (sync or async) context manager around it. It is opened at
  its first use and closed at the end of its scope, in reverse order.
- `__toque_scope__` is `"worker"` (one for the life of the process) or `"attempt"` (the default).
- `__toque_inject__` is a dict of parameter name to `Inject`: what `__toque_open__` itself needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack
from typing import Any, Protocol

from toque.errors import ToqueBug, UserError
from toque.graph.ir import Inject
from toque.worker import code
from toque.worker.context import Context
from toque.worker.replacements import Replacements


class Known(Protocol):
    """What `toque.settings.Settings` answers."""

    def connection(self, name: str) -> Any: ...

    def variable(self, name: str) -> Any: ...

    def secret(self, name: str) -> Any: ...


class Supplier:
    """Supplies injected arguments in one process; holds the resources that live as long as it does."""

    def __init__(
        self, settings: Callable[[], Known], mask: Callable[[str], None], replacements: Replacements | None = None
    ) -> None:
        self._settings = settings
        self._replacements = replacements
        self._mask = mask
        self._opened: dict[tuple[str, str, str], Any] = {}
        self._stack = ExitStack()

    def supply(self, inject: Inject, context: Context, scope: ExitStack) -> Any:
        """The value of one argument. `scope` closes what is opened for this attempt."""
        if self._replacements is not None:
            is_replaced, value = self._replacements.supplied(inject)
            if is_replaced:
                return value
        match inject.kind:
            case "context":
                return _of_context(inject.name, context)
            case "variable":
                return self._settings().variable(inject.name)
            case "secret":
                secret = self._settings().secret(inject.name).reveal()
                self._mask(secret)
                return secret
            case "connection" if inject.code is None:
                return self._settings().connection(inject.name)
            case "resource" | "connection":
                return self._open(inject, context, scope)
            case "asset":
                raise ToqueBug(f"the asset {inject.name!r} is read by the attempt itself")

    def replaces(self, inject: Inject) -> bool:
        """A test has put something in its place."""
        return self._replacements is not None and self._replacements.supplied(inject)[0]

    def close(self) -> None:
        """Close what has the scope of the process."""
        self._opened.clear()
        self._stack.close()

    def _open(self, inject: Inject, context: Context, scope: ExitStack) -> Any:
        if inject.code is None:
            raise UserError(f"the resource {inject.name!r} has no code to open it")
        key = (inject.code.module, inject.code.qualname, inject.name)
        if key in self._opened:
            return self._opened[key]
        found = code.locate(inject.code)
        if isinstance(found, type):  # of connections: it stands for the one of that name
            found = found(inject.name)
        if not hasattr(found, "__toque_open__"):
            raise UserError(
                f"{inject.code.module}.{inject.code.qualname} cannot be injected: it is no resource or connection",
                fix="decorate the function with @resource",
            )
        lasting = getattr(found, "__toque_scope__", "attempt") == "worker"
        stack = self._stack if lasting else scope
        needs: dict[str, Inject] = getattr(found, "__toque_inject__", None) or {}
        given = {name: self.supply(need, context, stack) for name, need in needs.items()}
        opened = _enter(found.__toque_open__(**given), stack)
        if lasting:
            self._opened[key] = opened
        return opened


def _enter(opened: Any, stack: ExitStack) -> Any:
    if inspect.isgenerator(opened):
        return stack.enter_context(_Generator(opened))
    if isinstance(opened, AbstractContextManager):
        return stack.enter_context(opened)
    if isinstance(opened, AbstractAsyncContextManager) or inspect.isawaitable(opened):
        raise UserError(
            "an async resource cannot be opened here",
            fix="write the resource as a sync function; an async client is usually made by a sync call",
        )
    return opened


class _Generator(AbstractContextManager[Any]):
    """A generator function that yields once, as a context manager."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def __enter__(self) -> Any:
        return next(self._generator)

    def __exit__(self, *error: object) -> None:
        # Closing is not told about the attempt's error: it is the same whatever happened.
        for _ in self._generator:
            raise UserError("a resource yields exactly once", fix="remove the second yield")


def _of_context(name: str, context: Context) -> Any:
    match name.rpartition(".")[2]:
        case "Interval":
            return context.interval
        case "Context":
            return context
        case _:
            raise UserError(
                f"{name!r} cannot be injected",
                fix="use(Interval), use(Context), use(Partition) and use(Span) are known; the rest is in context()",
            )
