"""Stubs: something else in place of a task, a resource, a connection, a variable."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar, overload

from toque.authoring import overrides
from toque.authoring.references import code_ref
from toque.authoring.supplies import Injectable, use
from toque.authoring.tasks import Task
from toque.authoring.wiring import Marker
from toque.errors import UserError

P = ParamSpec("P")
T = TypeVar("T")


@overload
def stub(task: Task[P, T], *, returns: T) -> AbstractContextManager[None]: ...
@overload
def stub(task: Task[P, T], *, raises: BaseException) -> AbstractContextManager[None]: ...
def stub(task: Any, *, returns: Any = None, raises: BaseException | None = None) -> AbstractContextManager[None]:
    """Have every run of `task` return a value or raise, within the block; its body is not called.

    `stub(extract.options(name="extract_eu"), …)` means the node of that name only.
    """
    if not isinstance(task, Task):
        raise UserError(f"stub() needs a task; {task!r} is none.", fix="stub(some_task, returns=…)")
    code = code_ref(task.__toque_function__)
    name = task.settings.get("name", "")
    return overrides.stubbed((code.module, code.qualname, name), overrides.Stub(returns, raises))


@overload
def replace(source: Injectable[T], fake: T) -> AbstractContextManager[None]: ...
@overload
def replace(source: type[T], fake: T) -> AbstractContextManager[None]: ...
def replace(source: Any, fake: Any) -> AbstractContextManager[None]:
    """Hand `fake` to every task that uses `source` (a resource, connection, variable, secret or `Interval`)."""
    marker = use(source)
    assert isinstance(marker, Marker)
    return overrides.replaced(overrides.supply_key(marker.inject), fake)
