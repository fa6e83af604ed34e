"""Writing records: validation as an organisation does it, one result for each record."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from sandbox.salesforce.answers import ApiError
from sandbox.salesforce.schema import TEXTS, Field, SObject
from sandbox.salesforce.soql import instant
from sandbox.salesforce.state import Row, State, full_id

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class Records:
    """Creates, updates, upserts and deletes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, sobject: SObject, key: str, value: Any, *, deleted: bool = False) -> Row | None:
        """The record whose `key` field is `value`."""
        value = full_id(str(value)) if key == "Id" else str(value)
        more = "" if deleted else " AND NOT IsDeleted"
        found = self._state.rows(f'SELECT * FROM "{sobject.name}" WHERE "{key}" = ?{more}', (value,))
        return found[0] if found else None

    def create(self, sobject: SObject, values: Row) -> str:
        """A new record's id. Raises `ApiError`."""
        row = self._validated(sobject, values)
        missing = [field.name for field in sobject.own if field.required and row.get(field.name) in (None, "")]
        if missing:
            raise _missing(missing)
        for field in sobject.own:
            if field.type == "boolean":
                row.setdefault(field.name, 0)
        self._unique(sobject, row, "")
        stamp = self._state.stamp()
        row |= {"Id": self._state.new_id(sobject.prefix), "IsDeleted": 0}
        row |= {"CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        columns = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self._state.rows(f'INSERT INTO "{sobject.name}" ({columns}) VALUES ({marks})', list(row.values()))
        return str(row["Id"])

    def update(self, sobject: SObject, record: str, values: Row) -> None:
        """Change fields of a record. The stamp moves even if no value does. Raises `ApiError`."""
        found = self.find(sobject, "Id", record, deleted=True)
        if found is None:
            raise ApiError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found["IsDeleted"]:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        row = self._validated(sobject, values)
        emptied = [field.name for field in sobject.own if field.required and row.get(field.name, "-") in (None, "")]
        if emptied:
            raise _missing(emptied)
        self._unique(sobject, row, found["Id"])
        stamp = self._state.stamp()
        row |= {"LastModifiedDate": stamp, "SystemModstamp": stamp}
        changes = ", ".join(f'"{name}" = ?' for name in row)
        self._state.rows(f'UPDATE "{sobject.name}" SET {changes} WHERE Id = ?', [*row.values(), found["Id"]])

    def upsert(
        self, sobject: SObject, key: str, value: Any, values: Row, *, only_update: bool = False
    ) -> tuple[str, bool]:
        """Update the record whose external id is `value`, or create it: its id, and whether it is new."""
        field = sobject.field(key)
        if field is None or not (field.external_id or field.name == "Id"):
            raise ApiError(400, "INVALID_FIELD", f"Field name provided, {key} is not an External ID for {sobject.name}")
        if value in (None, ""):
            raise ApiError(400, "MISSING_ARGUMENT", f"{key} not specified", (field.name,))
        found = self.find(sobject, field.name, value)
        if found is not None:
            self.update(sobject, found["Id"], values)
            return str(found["Id"]), False
        if field.name == "Id" or only_update:
            raise ApiError(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        return self.create(sobject, {**values, field.name: value}), True

    def delete(self, sobject: SObject, record: str) -> None:
        """Into the recycle bin: `queryAll` still tells of it. Raises `ApiError`."""
        found = self.find(sobject, "Id", record, deleted=True)
        if found is None:
            raise ApiError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found["IsDeleted"]:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        stamp = self._state.stamp()
        self._state.rows(
            f'UPDATE "{sobject.name}" SET IsDeleted = 1, SystemModstamp = ?, LastModifiedDate = ? WHERE Id = ?',
            (stamp, stamp, found["Id"]),
        )
        self._state.rows("INSERT INTO _deletions VALUES (?, ?, ?)", (sobject.name, found["Id"], stamp))

    def _validated(self, sobject: SObject, values: Row) -> Row:
        row = {}
        for name, value in values.items():
            if name == "attributes":
                continue
            field = sobject.field(name)
            if field is None:
                message = f"No such column '{name}' on sobject of type {sobject.name}"
                raise ApiError(400, "INVALID_FIELD", message)
            if field.name == "Id":
                continue
            if not field.is_writable:
                message = (
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field."
                )
                raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, (field.name,))
            row[field.name] = None if value is None else self._value(field, value)
        return row

    def _value(self, field: Field, value: Any) -> Any:
        if field.type in TEXTS:
            return self._text(field, value)
        if field.type == "boolean":
            if isinstance(value, bool):
                return int(value)
            raise _mistyped(field, value)
        if field.type in ("double", "currency", "int"):
            return _number(field, value)
        try:
            return instant(str(value)) if field.type == "datetime" else date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise _mistyped(field, value) from None

    def _text(self, field: Field, value: Any) -> str | None:
        if isinstance(value, bool | dict | list):
            raise _mistyped(field, value)
        text = str(value).rstrip() if field.type != "textarea" else str(value)
        if len(text) > field.length:
            message = f"{field.name}: data value too large: {text[:80]} (max length={field.length})"
            raise ApiError(400, "STRING_TOO_LONG", message, (field.name,))
        if text and field.picklist and text not in field.picklist:
            message = f"{field.name}: bad value for restricted picklist field: {text}"
            raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))
        if text and field.type == "email" and not _EMAIL.fullmatch(text):
            message = f"{field.name}: invalid email address: {text}"
            raise ApiError(400, "INVALID_EMAIL_ADDRESS", message, (field.name,))
        if text and field.refers_to:
            found = self._state.rows(f'SELECT 1 FROM "{field.refers_to}" WHERE Id = ?', (full_id(text),))
            if not found:
                raise ApiError(400, "MALFORMED_ID", f"{field.name}: id value of incorrect type: {text}", (field.name,))
            return full_id(text)
        return text or None

    def _unique(self, sobject: SObject, row: Row, record: str) -> None:
        for field in sobject.own:
            if field.external_id and row.get(field.name) is not None:
                other = self.find(sobject, field.name, row[field.name])
                if other is not None and other["Id"] != record:
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {other['Id']}"
                    raise ApiError(400, "DUPLICATE_VALUE", message, (field.name,))


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _mistyped(field, value)
    try:
        number = float(value)
    except ValueError:
        raise _mistyped(field, value) from None
    if field.type == "int" and number != int(number):
        raise _mistyped(field, value)
    if not (field.low is None or number >= field.low) or not (field.high is None or number <= field.high):
        low, high = (("" if each is None else f"{each:g}") for each in (field.low, field.high))
        message = f"{field.name} must lie between {low} and {high}" if high else f"{field.name} must be at least {low}"
        raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, (field.name,))
    return int(number) if field.type == "int" else number


def _missing(names: list[str]) -> ApiError:
    message = f"Required fields are missing: [{', '.join(names)}]"
    return ApiError(400, "REQUIRED_FIELD_MISSING", message, tuple(names))


def _mistyped(field: Field, value: Any) -> ApiError:
    message = f"Cannot deserialize instance of {field.type} from value {value!r}"
    return ApiError(400, "JSON_PARSER_ERROR", message, (field.name,))
