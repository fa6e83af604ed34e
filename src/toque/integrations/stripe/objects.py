"""The objects of Stripe as tables: the columns that queries need by name, and each object as a whole in `data`.

https://docs.stripe.com/api; what a version of the API does not have stays null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from toque.integrations.http.paging import dig

if TYPE_CHECKING:
    import pyarrow as pa

Kind: TypeAlias = Literal["text", "int", "bool", "time"]

_COLUMNS: Final[dict[str, dict[str, Kind]]] = {
    "customers": {
        "email": "text",
        "name": "text",
        "currency": "text",
        "balance": "int",
        "delinquent": "bool",
    },
    "charges": {
        "customer": "text",
        "invoice": "text",
        "amount": "int",
        "amount_refunded": "int",
        "currency": "text",
        "status": "text",
        "paid": "bool",
        "refunded": "bool",
        "failure_code": "text",
    },
    "subscriptions": {
        "customer": "text",
        "status": "text",
        "currency": "text",
        "start_date": "time",
        "current_period_start": "time",
        "current_period_end": "time",
        "cancel_at_period_end": "bool",
        "canceled_at": "time",
        "ended_at": "time",
        "trial_end": "time",
    },
    "invoices": {
        "customer": "text",
        "subscription": "text",
        "status": "text",
        "currency": "text",
        "amount_due": "int",
        "amount_paid": "int",
        "total": "int",
        "due_date": "time",
    },
    "products": {"name": "text", "active": "bool", "description": "text"},
    "prices": {
        "product": "text",
        "active": "bool",
        "currency": "text",
        "unit_amount": "int",
        "type": "text",
        "recurring.interval": "text",
        "recurring.interval_count": "int",
    },
    "plans": {
        "product": "text",
        "active": "bool",
        "currency": "text",
        "amount": "int",
        "interval": "text",
        "interval_count": "int",
    },
    "refunds": {"charge": "text", "amount": "int", "currency": "text", "status": "text", "reason": "text"},
    "payouts": {"amount": "int", "currency": "text", "status": "text", "arrival_date": "time"},
}
EVENTS: Final[dict[str, str]] = {
    "customers": "customer",
    "charges": "charge",
    "subscriptions": "customer.subscription",
    "invoices": "invoice",
    "products": "product",
    "prices": "price",
    "plans": "plan",
    "refunds": "refund",
    "payouts": "payout",
}
"""What the types of the events about an object begin with."""
DELETABLE: Final = frozenset({"customers", "invoices", "products", "prices", "plans"})
"""Of these a `.deleted` event means that they are gone. A subscription that is "deleted" has ended, and stays."""
OBJECTS: Final[dict[str, str]] = {name: name.removesuffix("s") for name in _COLUMNS}
"""What an object of a list says that it is."""
LISTED: Final[dict[str, dict[str, str]]] = {"subscriptions": {"status": "all"}}
"""Without this a list leaves out what has ended."""


def table(name: str, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Records of `name`, always with the same columns: `id`, `created`, those above; `metadata` and `data` are JSON."""
    import pyarrow as pa

    types = {"text": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "time": pa.timestamp("us", "UTC")}
    kinds: dict[str, Kind] = {"id": "text", "created": "time", **_COLUMNS[name]}
    columns = {
        path.replace(".", "_"): pa.array([_value(dig(record, path), kind) for record in records], types[kind])
        for path, kind in kinds.items()
    }
    columns["metadata"] = pa.array([_json(record.get("metadata") or {}) for record in records], pa.string())
    columns["data"] = pa.array([_json(record) for record in records], pa.string())
    return pa.table(columns)


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "time":
        return datetime.fromtimestamp(value, UTC)
    if kind == "text" and isinstance(value, Mapping):
        return value.get("id")  # an object in place of its id: expanded
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
