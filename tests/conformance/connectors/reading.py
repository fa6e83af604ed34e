"""Opens the source of a connector; as a process of its own, reads it and tells each cursor, until it is killed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from toque.integrations.http.auth import ClientCredentials
from toque.integrations.http.client import HttpClient, HttpOptions
from toque.integrations.http.paging import NextLink
from toque.integrations.http.source import Increment, RestSource, RestSpec
from toque.integrations.patience import Patience
from toque.integrations.salesforce.changes import ChangesSpec, SalesforceChanges
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.stripe.changes import StripeChanges, StripeSpec
from toque.integrations.stripe.client import StripeClient
from toque.ports.sources import Source

CONTACTS = ("Id", "LastName")
CUSTOMERS = ("id", "name")
"""Column of the key, and of the name that tests give."""

SOQL = (
    "SELECT Id, LastName, SystemModstamp, IsDeleted FROM Contact"
    " WHERE SystemModstamp >= {cursor} ORDER BY SystemModstamp, Id"
)
REST = RestSpec(
    path="queryAll",
    params={"q": SOQL},
    records="records",
    paging=NextLink("nextRecordsUrl"),
    increment=Increment("SystemModstamp", "2000-01-01T00:00:00.000+0000", is_sorted=True),
    columns={"Id": "text", "LastName": "text", "SystemModstamp": "timestamptz"},
    deleted="IsDeleted",
)


@contextmanager
def open_source(kind: str, options: dict[str, Any], sleep: Callable[[float], None]) -> Iterator[Source]:
    """The contacts of an organisation or the customers of an account, by the connector of this kind."""
    patience = Patience(sleep=sleep)
    if kind == "stripe":
        with StripeClient(options, patience) as account:
            yield StripeChanges(account, "billing.customers", StripeSpec(object="customers", lag_s=0, page=5))
        return
    if kind == "salesforce":
        with SalesforceClient(options, patience) as client:
            yield SalesforceChanges(client, "crm.Contact", ChangesSpec(object="Contact", lag_s=0))
        return
    auth = ClientCredentials(options["url"] + "/services/oauth2/token", options["client_id"], options["client_secret"])
    http = HttpOptions(url=options["url"] + "/services/data/v59.0", auth=auth, ca_file=options["ca_file"])
    with HttpClient(http, patience) as opened:
        yield RestSource(opened, "crm.contacts", REST)


def main(kind: str, options: dict[str, Any]) -> None:
    """One line for each batch; whoever reads them may kill this process at any of them."""
    label = (CUSTOMERS if kind == "stripe" else CONTACTS)[1]
    with open_source(kind, options, time.sleep) as source:
        for batch in source.read(""):
            told = {"upto": batch.upto, "complete": batch.is_complete, "names": batch.rows[label].to_pylist()}
            print(json.dumps(told), flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
