"""Stubs: something else in place of a task, a resource, a connection, a variable."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar, overload

from toque.authoring import overrides
from toque.authoring.assets import Asset
from toque.authoring.producers import Node
from toque.authoring.references import code_ref
from toque.authoring.supplies import Injectable, use
from toque.authoring.tasks import Task
from toque.authoring.wiring import Marker
from toque.errors import UserError
from toque.worker.hosting import members

P = ParamSpec("P")
T = TypeVar("T")


@overload
def stub(task: Task[P, T] | Asset[P, T], *, returns: T, times: int | None = None) -> AbstractContextManager[None]: ...
@overload
def stub(
    task: Task[P, T] | Asset[P, T], *, raises: BaseException, times: int | None = None
) -> AbstractContextManager[None]: ...
@overload
def stub(task: Node, *, returns: Any = None, times: int | None = None) -> AbstractContextManager[None]: ...
@overload
def stub(task: Node, *, raises: BaseException, times: int | None = None) -> AbstractContextManager[None]: ...
def stub(
    task: Any, *, returns: Any = None, raises: BaseException | None = None, times: int | None = None
) -> AbstractContextManager[None]:
    """Have every attempt at `task` return a value or raise, within the block; its body is not called.

    With `times` only so many attempts do, and the body runs after that: `stub(extract, raises=TimeoutError(), times=2)`
    shows whether two retries are enough. `stub(extract.options(name="eu"), …)` means the node of that name only.

    What stands for an asset is checked and kept as its value would be. Of a load, a sync or a dbt project nothing is
    opened, read or written: `stub(contacts)`. All that a dbt project makes has succeeded then, or failed with `raises`.
    """
    if isinstance(task, Node):
        return overrides.nodes_stubbed(task.is_run_by, _OfNode(returns=returns, raises=raises, times=times))
    if not isinstance(task, Task | Asset):
        raise UserError(
            f"stub() needs a task, an asset, a load, a sync or a dbt project; {task!r} is none.",
            fix="stub(some_task, returns=…)",
        )
    code = code_ref(task.__toque_function__)
    name = task.settings.get("name", "")
    made = overrides.Stub(returns=returns, raises=raises, times=times, body=task.__toque_function__)
    return overrides.stubbed((code.module, code.qualname, name), made)


class _OfNode(overrides.Stub):
    """In place of code of Toque's own, which may tell of other nodes, too."""

    def answered(self) -> Any:
        hosted = members()
        for name in hosted.pending:
            hosted.succeeded(name)
        return super().answered()


@overload
def replace(source: Injectable[T], fake: T) -> AbstractContextManager[None]: ...
@overload
def replace(source: type[T], fake: T) -> AbstractContextManager[None]: ...
def replace(source: Any, fake: Any) -> AbstractContextManager[None]:
    """Hand `fake` to every task that uses `source` (a resource, connection, variable, secret or `Interval`)."""
    marker = use(source)
    assert isinstance(marker, Marker)
    return overrides.replaced(overrides.supply_key(marker.inject), fake)
