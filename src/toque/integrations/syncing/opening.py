"""From a connection and a target to the destination of a sync. Other distributions add kinds of their own.

An entry point of the group `toque.destinations`, named like the connection's type, is a function of the connection's
opened options, a name and a target that gives a context manager of a `Destination`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import entry_points
from typing import Any, TypeAlias

import msgspec

from toque.errors import UserError
from toque.graph.loads import TableName
from toque.ports.destinations import Destination

Options: TypeAlias = Mapping[str, Any]
Opener: TypeAlias = Callable[[Options, str, str], AbstractContextManager[Destination]]


def open_destination(kind: str, options: Options, name: str, target: str) -> AbstractContextManager[Destination]:
    """The destination `target` (an object, a table, a folder) of a connection of type `kind`; `name` is for people.

    Raises `UserError` for a kind that nobody brought.
    """
    for entry in entry_points(group="toque.destinations", name=kind):
        found: Opener = entry.load()
        return found(options, name, target)
    if kind not in _BUILT_IN:
        raise UserError(f"nothing can be sent to a connection of type {kind!r}", fix=f"one of {', '.join(_BUILT_IN)}")
    return _BUILT_IN[kind](options, name, target)


@contextmanager
def salesforce(options: Options, name: str, target: str) -> Iterator[Destination]:
    """`target` is an object: `Contact`."""
    from toque.integrations.salesforce.client import SalesforceClient
    from toque.integrations.salesforce.destination import SalesforceObject

    with SalesforceClient(options) as client:
        yield SalesforceObject(client, name, target)


@contextmanager
def postgresql(options: Options, name: str, target: str) -> Iterator[Destination]:
    """`target` is a table: `public.scores`."""
    from toque.integrations.destinations.postgresql import PostgreSQLTable

    more = {key: value for key, value in options.items() if key != "url"}
    yield PostgreSQLTable(str(options.get("url", "")), TableName.parse(target), name=name, options=more)


@contextmanager
def file(options: Options, name: str, target: str) -> Iterator[Destination]:
    """`target` is a folder below the connection's `path` (a folder or an address of an object store)."""
    from toque.integrations.destinations.files import FileDrop

    root = str(options.get("path", "")).rstrip("/")
    kind = options.get("format", "jsonl")
    more = dict(options.get("options", {}))
    yield FileDrop(f"{root}/{target}" if root else target, name=name, format=kind, options=more)


@contextmanager
def http(options: Options, name: str, target: str) -> Iterator[Destination]:
    """`target` is one of the connection's `targets`: its calls, by operation."""
    from toque.integrations.destinations.http import Call, HttpRecords, Many
    from toque.integrations.http.client import HttpClient

    given = dict(options)
    targets = given.pop("targets", {})
    if target not in targets:
        raise UserError(
            f"the connection of {name} has no target {target!r}",
            fix=f'[connections.….targets.{target}]\nupsert = {{ method = "PUT", path = "/{target}/{{id}}" }}',
        )
    calls: dict[Any, Any] = {
        operation: msgspec.convert(call, Many if "size" in call or "results" in call else Call)
        for operation, call in targets[target].items()
    }
    with HttpClient(given) as client:
        yield HttpRecords(client, name, calls)


_BUILT_IN: dict[str, Opener] = {"salesforce": salesforce, "postgresql": postgresql, "file": file, "http": http}
