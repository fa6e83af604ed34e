"""`Salesforce("crm")`: objects of an organisation, read as changes and written as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

from toque.authoring.endpoints import Records, Rows
from toque.authoring.options import duration_s
from toque.authoring.supplies import Connection
from toque.durations import Duration
from toque.ports.destinations import Destination
from toque.ports.sources import Source


class Salesforce(Connection):
    """An organisation of Salesforce. A task that is given one has its options; loads and syncs know what to do."""

    def changes(
        self,
        name: str,
        *,
        fields: Sequence[str] = (),
        lag: Duration = "10m",
        on_gap: Literal["fail", "ignore"] = "fail",
    ) -> Rows:
        """What changed in an object: `crm.changes("Contact")`. `lag` is longer than any transaction of the
        organisation; `on_gap`: what happens when records may have been deleted without a trace."""
        given = {"fields": list(fields), "lag_s": duration_s("lag", lag), "on_gap": on_gap}
        return Rows(self, name, "changes", given)

    def object(self, name: str) -> Records:
        """The records of an object, for a sync."""
        return Records(self, name, "object")

    @contextmanager
    def read_changes(self, key: str, path: str, **given: Any) -> Iterator[Source]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.salesforce.changes import ChangesSpec, SalesforceChanges
        from toque.integrations.salesforce.client import SalesforceClient

        spec = ChangesSpec(object=path, **{**given, "fields": tuple(given["fields"])})
        with SalesforceClient(self.options) as client:
            yield SalesforceChanges(client, key, spec)

    def write_object(self, key: str, path: str) -> AbstractContextManager[Destination]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.syncing.opening import open_destination

        return open_destination("salesforce", self.options, key, path)
