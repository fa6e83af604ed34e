"""Which records to send: rows of a table against what the destination acknowledged, over the mapped columns only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from toque.data.syncs.canonical import digest, key_text, key_values
from toque.data.syncs.mapping import Mapped
from toque.errors import DataError
from toque.graph.constants import NotTagged
from toque.graph.syncs import Create, OnDelete, SyncSpec, Update

Acknowledged: TypeAlias = dict[str, str]
"""Key to digest of the fields that the destination has, as far as this sync knows; `UNKNOWN` if it does not."""

UNKNOWN = ""
"""Something was sent, and no answer came: whatever the table holds is sent again."""

Operation: TypeAlias = Literal["create", "update", "upsert", "delete"]


class DuplicateKeys(DataError):
    """Rows of the table share a key: which of them should become the record?"""


class Change(msgspec.Struct, frozen=True):
    """A record to be sent."""

    operation: Operation
    key: str
    """As text, see `canonical`."""
    record: dict[str, Any]
    """The key's fields with their values."""
    fields: dict[str, Any]
    digest: str
    """Of the fields, acknowledged once the destination accepts; "" when nothing is left of the record."""
    is_doubtful: bool = False
    """An earlier try had no answer."""
    is_new: bool = False
    """Never acknowledged before."""


class Invalid(msgspec.Struct, frozen=True):
    """A row that cannot be a record."""

    reason: str
    record: dict[str, Any]
    fields: dict[str, Any]
    key: str = ""


class Counts(msgspec.Struct):
    """What a table holds, compared with what is acknowledged."""

    rows: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    """Records of rows that are gone, and that is to be told."""
    invalid: int = 0
    acknowledged: int = 0
    """What was known before."""

    @property
    def to_send(self) -> int:
        """Records."""
        return self.new + self.changed + self.gone


class Diff:
    """One pass over the rows of a table: feed it each row, then ask what is gone."""

    def __init__(self, spec: SyncSpec, mapping: Mapped, acknowledged: Acknowledged) -> None:
        self._mapping = mapping
        self._mode = spec.mode
        self._deletes: OnDelete = spec.deletes
        self._known = acknowledged
        self._seen: set[str] = set()
        self._twice: Counter[str] = Counter()
        self._cleared = digest(mapping.cleared)
        self.counts = Counts(acknowledged=len(acknowledged))

    def row(self, row: Mapping[str, Any]) -> Change | Invalid | None:
        """What to do about one row."""
        self.counts.rows += 1
        record, fields = self._mapping.key_of(row), self._mapping.fields_of(row)
        empty = [field for field, value in record.items() if value is None or value == ""]
        if empty:
            self.counts.invalid += 1
            return Invalid(f"the key {empty[0]} is empty", record, fields)
        try:
            key, now = key_text(list(record.values())), digest(fields)
        except NotTagged as error:
            self.counts.invalid += 1
            return Invalid(f"no text tells it apart: {error}", record, fields)
        if key in self._seen:
            self._twice[key] += 1
            return None
        self._seen.add(key)
        return self._compared(key, now, record, fields)

    def _compared(self, key: str, now: str, record: dict[str, Any], fields: dict[str, Any]) -> Change | None:
        before = self._known.get(key)
        is_new = before is None
        is_settled = before == now or (isinstance(self._mode, Create) and before not in (None, UNKNOWN))
        if is_settled:
            self.counts.unchanged += 1
            return None
        if is_new:
            self.counts.new += 1
        else:
            self.counts.changed += 1
        return Change(self._operation(), key, record, fields, now, is_doubtful=before == UNKNOWN, is_new=is_new)

    def _operation(self) -> Operation:
        match self._mode:
            case Create():
                return "create"
            case Update():
                return "update"
            case _:
                return "upsert"

    def gone(self) -> Iterator[Change]:
        """What to do about the records of rows that are gone. Raises `DuplicateKeys` first of all."""
        self.refuse_duplicates()
        if self._deletes == "keep":
            return
        names = [field for _, field in self._mapping.key]
        for key, before in self._known.items():
            if key in self._seen or (self._deletes == "clear" and before == self._cleared):
                continue
            self.counts.gone += 1
            record = dict(zip(names, key_values(key), strict=True))
            if self._deletes == "delete":
                yield Change("delete", key, record, {}, "", is_doubtful=before == UNKNOWN)
            else:
                cleared = self._mapping.cleared
                yield Change("update", key, record, cleared, self._cleared, is_doubtful=before == UNKNOWN)

    def refuse_duplicates(self) -> None:
        """Raises `DuplicateKeys` when rows share a key."""
        if not self._twice:
            return
        fields = [field for _, field in self._mapping.key]
        sample = [
            {**dict(zip(fields, key_values(key), strict=True)), "rows": more + 1}
            for key, more in self._twice.most_common(20)
        ]
        which = ", ".join(f"{field}={value!r}" for field, value in list(sample[0].items())[: len(fields)])
        raise DuplicateKeys(
            f"{len(self._twice)} keys stand in more than one row of the source, {which} in {sample[0]['rows']}."
            " Nothing was sent: make the source have one row for each key.",
            sample=sample,
        )
