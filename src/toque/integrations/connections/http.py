"""`Http("shop")`: an API, whose lists of records are read and whose calls take records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from toque.authoring.endpoints import Records, Rows, slug
from toque.authoring.supplies import Connection
from toque.ports.destinations import Destination
from toque.ports.sources import Source

if TYPE_CHECKING:
    from toque.integrations.http.paging import AnyPaging
    from toque.integrations.http.source import Increment, Kind


class Http(Connection):
    """An API over HTTP: `type = "http"`, `url`, `auth`, `headers`."""

    def records(
        self,
        path: str,
        *,
        name: str = "",
        records: str = "",
        paging: AnyPaging | None = None,
        increment: Increment | None = None,
        columns: Mapping[str, Kind] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Rows:
        """A list of records: `shop.records("/orders", records="data", paging=NextLink("links.next"))`.

        `records` is the dotted path of the list in an answer. `increment` asks for what changed, else everything is
        read each time. `columns` are the columns and their types; none takes what the records have.
        """
        given = {
            "address": path,
            "records": records,
            "params": dict(params or {}),
            "columns": dict(columns or {}),
            **({"paging": msgspec.to_builtins(paging)} if paging is not None else {}),
            **({"increment": msgspec.to_builtins(increment)} if increment is not None else {}),
        }
        return Rows(self, name or slug(path), "records", given)

    def target(self, name: str) -> Records:
        """One of the connection's `targets`, which say how records are created, updated and deleted."""
        return Records(self, name, "target")

    @contextmanager
    def read_records(self, key: str, path: str, *, address: str, **given: Any) -> Iterator[Source]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.http.client import HttpClient
        from toque.integrations.http.source import RestSource, RestSpec

        options = {name: value for name, value in self.options.items() if name != "targets"}
        with HttpClient(options) as client:
            yield RestSource(client, key, msgspec.convert({"path": address, **given}, RestSpec))

    def write_target(self, key: str, path: str) -> AbstractContextManager[Destination]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.syncing.opening import open_destination

        return open_destination("http", self.options, key, path)
