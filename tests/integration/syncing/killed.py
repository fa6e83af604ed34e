"""A sync in a process of its own that is killed at a batch: `python -m tests.integration.syncing.killed '{…}'`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from toque.graph.loads import TableName, Upsert
from toque.graph.syncs import SyncSpec
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.destination import SalesforceObject
from toque.integrations.syncing.run import sync
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.destinations import Operation, Record, Result

SPEC = SyncSpec(
    name="crm.Contact",
    source=TableName.parse("people"),
    mode=Upsert(key="Product_User_Id__c"),
    fields={"user_id": "Product_User_Id__c", "name": "LastName", "score": "Lead_Score__c"},
)


class Fatal(SalesforceObject):
    """Ends its process at a batch: `before` it is sent, `after` that, with the answer on its way, or in its `job`."""

    def __init__(self, client: SalesforceClient, batch: int, when: str) -> None:
        super().__init__(client, "crm.Contact", "Contact", bulk_from=1 if when == "job" else 2_000)
        if when == "job":  # as soon as the job begins
            self._bulk.outcome = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,assignment,return-value]
        self._left = batch
        self._when = when

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        self._left -= 1
        if not self._left and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        results = super().send(operation, records)
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        return results


def main(given: dict[str, Any]) -> None:
    with SalesforceClient(given["options"]) as client:
        destination = Fatal(client, given["batch"], given["when"])
        print(sync(SPEC, DuckDBWarehouse(given["warehouse"]), destination).sent)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
