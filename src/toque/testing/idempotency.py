"""Idempotency: whether a task that runs a second time leaves things as the first time did.

A task may run more than once: its worker may die after the work and before the report. Here it runs twice, with the
same arguments and the same idempotency key, and what it wrote is compared after the first and after the second time.
Not found are effects on what is not watched, and what a run that is cut off in the middle leaves behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

from toque.authoring.assets import Asset
from toque.authoring.calls import call_plainly
from toque.authoring.moves import Move
from toque.authoring.producers import Node
from toque.authoring.tasks import Task
from toque.errors import ToqueError, UserError
from toque.testing import rehearsals, snapshots
from toque.testing.comparison import differences

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
def verify_idempotent(
    task: Task[P, T] | Asset[P, T],
    *,
    watch: Sequence[object] = (),
    ignore: Sequence[str] = (),
    project: str | Path | None = None,
) -> Callable[P, T]: ...
@overload
def verify_idempotent(
    task: Node,
    *,
    watch: Sequence[object] = (),
    ignore: Sequence[str] = (),
    project: str | Path | None = None,
) -> Callable[..., Any]: ...
def verify_idempotent(
    task: Any, *, watch: Sequence[object] = (), ignore: Sequence[str] = (), project: str | Path | None = None
) -> Callable[..., Any]:
    """A function that runs `task` twice and raises `NotIdempotent` if that shows; it returns the first result.

    `watch` holds what the task writes: files, directories, DuckDB or SQLite files and connections, and functions that
    return tables by name, for what is somewhere else. Columns named in `ignore` differ each time and say nothing.
    `verify_idempotent(save, watch=[tmp_path])(rows, db=con)`

    A load, a sync or a dbt project is given what stands for its connections by `replace()`, or as `source=` and
    `into=`: `verify_idempotent(orders, watch=["shop.duckdb"])(source=Source(), into=DuckDBWarehouse("shop.duckdb"))`.
    With `project`, a folder with a `toque.toml`, it gets the connections that stand there, and really writes.
    """
    if isinstance(task, Node):
        return _verified_node(task, watch, ignore, project)
    if not isinstance(task, Task | Asset):
        raise UserError(
            f"verify_idempotent() needs a task, an asset, a load, a sync or a dbt project; {task!r} is none.",
            fix="verify_idempotent(some_task)(…)",
        )

    def verify(*args: Any, **kwargs: Any) -> Any:
        first = _run(task, args, kwargs, 1, project)
        before = snapshots.take(watch, ignore)
        second = _run(task, args, kwargs, 2, project)
        found = [f"returned value: {line}" for line in differences(first, second)]
        found += snapshots.changes(before, snapshots.take(watch, ignore))
        if found:
            raise NotIdempotent(task.name, found)
        return first

    return verify


def _verified_node(
    node: Node, watch: Sequence[object], ignore: Sequence[str], project: str | Path | None
) -> Callable[..., Any]:
    """What it returns tells what was left to do, so only what is watched is compared."""
    ends = {name: end.inject is not None for name, end in node.ends.items()} if isinstance(node, Move) else {}

    def verify(**given: Any) -> Any:
        unknown = [name for name in given if not ends.get(name)]
        if unknown:
            takes = ", ".join(f"{name}=…" for name, is_supplied in ends.items() if is_supplied)
            raise UserError(f"{node.name} has no {', '.join(unknown)}", fix=takes or "replace(connection, …)")
        supplied = {f"{name}_connection": value for name, value in given.items()}
        first = rehearsals.run_node(node, supplied, 1, project)
        before = snapshots.take(watch, ignore)
        rehearsals.run_node(node, supplied, 2, project)
        found = list(snapshots.changes(before, snapshots.take(watch, ignore)))
        if found:
            raise NotIdempotent(node.name, found)
        return first

    return verify


def _run(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], attempt: int, project: str | Path | None) -> Any:
    """Once, with arguments that the other run does not see changed."""
    with rehearsals.in_context(task.name, attempt, project) as supply, contextlib.ExitStack() as scope:
        given = tuple(_own(value) for value in args)
        named = {name: _own(value) for name, value in kwargs.items()}
        if project is not None:
            named = {**supply(task, given, named, scope), **named}
        result = call_plainly(task, given, named)
        return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result


def _own(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # a connection or client, which is meant to be shared
        return value


async def _awaited(result: Any) -> Any:
    return await result
