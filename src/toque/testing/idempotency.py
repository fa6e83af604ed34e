"""Idempotency: whether a task that runs a second time leaves things as the first time did.

A task may run more than once: its worker may die after the work and before the report. Here it runs twice, with the
same arguments and the same idempotency key, and what it wrote is compared after the first and after the second time.
Not found are effects on what is not watched, and what a run that is cut off in the middle leaves behind.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from toque.authoring import overrides
from toque.authoring.calls import call_plainly
from toque.authoring.moves import Move
from toque.authoring.tasks import Task
from toque.engine.values import Token
from toque.errors import ToqueError, UserError
from toque.graph.ir import CodeRef, TaskNode
from toque.ports.executor import AttemptSpec
from toque.testing import snapshots
from toque.testing.comparison import differences
from toque.worker import code
from toque.worker.context import Channel, Context, current
from toque.worker.log import Log, LogFile
from toque.worker.masking import Masker

P = ParamSpec("P")
T = TypeVar("T")


class NotIdempotent(ToqueError, AssertionError):
    """A second run changed something. `differences` lists what."""

    def __init__(self, task: str, found: Sequence[str]) -> None:
        self.differences = list(found)
        super().__init__(
            "\n".join(
                [
                    f"{task} is not idempotent: its second run left something else than its first",
                    *(f"  {line}" for line in found),
                    "  Fix: replace instead of append (delete and insert in one transaction, or write one file and "
                    "rename it), or key what is written by context().idempotency_key",
                ]
            )
        )


@overload
def verify_idempotent(task: Task[P, T], *, watch: Sequence[object] = ()) -> Callable[P, T]: ...
@overload
def verify_idempotent(task: Move, *, watch: Sequence[object] = ()) -> Callable[..., Any]: ...
def verify_idempotent(task: Any, *, watch: Sequence[object] = ()) -> Callable[..., Any]:
    """A function that runs `task` twice and raises `NotIdempotent` if that shows; it returns the first result.

    `watch` holds what the task writes: files, directories, DuckDB or SQLite files and connections.
    `verify_idempotent(save, watch=[tmp_path])(rows, db=con)`

    A load or sync is given what stands for its connections, as `source=` and `into=` or by `replace()`:
    `verify_idempotent(orders, watch=["shop.duckdb"])(source=Source(), into=DuckDBWarehouse("shop.duckdb"))`.
    """
    if isinstance(task, Move):
        return _verified_move(task, watch)
    if not isinstance(task, Task):
        raise UserError(f"verify_idempotent() needs a task; {task!r} is none.", fix="verify_idempotent(some_task)(…)")

    def verify(*args: Any, **kwargs: Any) -> Any:
        first = _run(task, args, kwargs, 1)
        before = snapshots.take(watch)
        second = _run(task, args, kwargs, 2)
        found = [f"returned value: {line}" for line in differences(first, second)]
        found += snapshots.changes(before, snapshots.take(watch))
        if found:
            raise NotIdempotent(task.name, found)
        return first

    return verify


def _verified_move(move: Move, watch: Sequence[object]) -> Callable[..., Any]:
    """What it returns tells what was left to do, so only what is watched is compared."""

    def verify(**ends: Any) -> Any:
        unknown = set(ends) - set(move.ends)
        if unknown:
            raise UserError(f"{move.name} has no {', '.join(unknown)}", fix="source=…, into=…")
        first = _moved(move, ends, 1)
        before = snapshots.take(watch)
        _moved(move, ends, 2)
        found = list(snapshots.changes(before, snapshots.take(watch)))
        if found:
            raise NotIdempotent(move.name, found)
        return first

    return verify


def _moved(move: Move, ends: Mapping[str, Any], attempt: int) -> Any:
    token = current.set(_context(move.name, attempt))
    try:
        given = {f"{name}_connection": _end(move, name, ends) for name, end in move.ends.items() if end.inject}
        return code.locate(move.code)(**move.told(), **given)
    finally:
        current.reset(token)


def _end(move: Move, name: str, ends: Mapping[str, Any]) -> Any:
    if name in ends:
        return ends[name]
    inject = move.ends[name].inject
    assert inject is not None
    is_there, fake = overrides.current().supplied(inject)
    if not is_there:
        raise UserError(
            f"{move.name} needs something in place of {inject.name}", fix=f"{name}=…, or replace({inject.name}, …)"
        )
    return fake


def _run(task: Task[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any], attempt: int) -> Any:
    """Once, with arguments that the other run does not see changed."""
    token = current.set(_context(task.name, attempt))
    try:
        given = [_own(value) for value in args]
        result = call_plainly(task, tuple(given), {name: _own(value) for name, value in kwargs.items()})
        return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result
    finally:
        current.reset(token)


def _own(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # a connection or client, which is meant to be shared
        return value


async def _awaited(result: Any) -> Any:
    return await result


def _context(name: str, attempt: int) -> Context:
    spec = AttemptSpec(
        run_id="verify",
        task=name,
        attempt=attempt,
        token=Token(0, attempt),
        node=TaskNode(id=name, code=CodeRef(module="", qualname="")),
        idempotency_key=f"verify/{name}",
    )
    return Context(spec, Channel(_ignore, _ignore, _ignore), Log(LogFile(""), Masker()))


def _ignore(*_: Any) -> Any:
    pass
