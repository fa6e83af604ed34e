"""Values of Salesforce as Arrow columns, and values of a warehouse as Salesforce takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_SKIPPED = frozenset({"address", "location", "base64", "complexvalue"})
"""Compound fields repeat others; attachments are no columns."""


def readable(fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The fields that can be columns."""
    return [name for name, field in fields.items() if field["type"] not in _SKIPPED]


def table(
    records: Sequence[Mapping[str, Any]], fields: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> pa.Table:
    """Records of REST, or rows of an export, with the types that the organisation declares."""
    import pyarrow as pa

    kinds = {"double": pa.float64(), "currency": pa.float64(), "percent": pa.float64(), "int": pa.int64()}
    kinds |= {"long": pa.int64(), "boolean": pa.bool_(), "date": pa.date32(), "datetime": pa.timestamp("us", "UTC")}
    columns = {}
    for name in names:
        kind = fields[name]["type"]
        values = [_value(record.get(name), kind) for record in records]
        columns[name] = pa.array(values, kinds.get(kind, pa.string()))
    return pa.table(columns)


def instant(text: str) -> datetime:
    """`2026-11-02T09:00:00.000+0000` or `…Z`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def soql_instant(moment: datetime) -> str:
    """As a literal of SOQL."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def soql_text(value: str) -> str:
    """As a literal of SOQL, quotes and all."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def sent(value: Any) -> Any:
    """A value of a warehouse as JSON and CSV for Salesforce. Raises `TypeError` for what it has no type for."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise TypeError(f"{value} is no number that Salesforce knows")
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            # Times without a zone are taken as UTC, as warehouses mean them.
            return soql_instant(value if value.tzinfo else value.replace(tzinfo=UTC))
        case date() | time():
            return value.isoformat()
        case _ if type(value).__name__ == "UUID":
            return str(value)
        case _:
            raise TypeError(f"Salesforce has no type for a {type(value).__name__}")


def _value(value: Any, kind: str) -> Any:
    if value is None or value == "":
        return None
    match kind:
        case "double" | "currency" | "percent":
            return float(value)
        case "int" | "long":
            return int(float(value))
        case "boolean":
            return value if isinstance(value, bool) else value == "true"
        case "date":
            return date.fromisoformat(value)
        case "datetime":
            return instant(value)
        case _:
            return str(value)
