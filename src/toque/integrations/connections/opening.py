"""Opening the two ends of a load or sync in a worker: an endpoint through its connection, or an object as it is.

The opened connection has a method for each of its ways (`read_changes`, `write_object`, …), which gives a source, a
destination or a context manager of one. Whatever is one by itself, such as a fake in a test, is used as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from toque.authoring.supplies import Connection
from toque.errors import UserError
from toque.graph.ir import CodeRef
from toque.ports.destinations import Destination
from toque.ports.sources import Source
from toque.worker import code


@contextmanager
def opened_source(end: Mapping[str, Any], connection: Any) -> Iterator[Source]:
    """Where rows come from."""
    with _opened(end, connection, "read") as found:
        yield found


@contextmanager
def opened_destination(end: Mapping[str, Any], connection: Any) -> Iterator[Destination]:
    """Where records go."""
    with _opened(end, connection, "send") as found:
        yield found


@contextmanager
def _opened(end: Mapping[str, Any], connection: Any, needed: str) -> Iterator[Any]:
    found = connection
    if "module" in end:
        found = code.locate(CodeRef(module=end["module"], qualname=end["qualname"]))
    if "way" in end:
        verb = "read" if needed == "read" else "write"
        # By its way first: what can be asked for tables may well have a `read` of its own that is none of a source.
        method = getattr(found, f"{verb}_{end['way']}", None)
        if method is not None:
            found = method(end["key"], end["path"], **end["options"])
        elif isinstance(found, Connection) or not hasattr(found, needed):
            raise UserError(
                f"{end['key']}: a {type(found).__name__} cannot {verb} a {end['way']}",
                fix=f"def {verb}_{end['way']}(self, key, path, **options) on its class",
            )
    if isinstance(found, AbstractContextManager) and not hasattr(found, needed):
        with found as inside:
            yield inside
        return
    if not hasattr(found, needed):
        raise UserError(f"{end['key']}: {found!r} has no {needed}()", fix="see toque.ports.sources and .destinations")
    yield found
