"""The messages of PostgreSQL's `pgoutput` plugin, version 1, as columns of texts.

https://www.postgresql.org/docs/16/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Final, TypeAlias

from toque.errors import DataError

_EPOCH_US: Final = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts."""

_BEGIN = Struct(">QqI").unpack_from
_COMMIT = Struct(">BQQq").unpack_from
_U16 = Struct(">H").unpack_from
_U32 = Struct(">I").unpack_from
_COLUMN = Struct(">Ii").unpack_from

_NULL, _UNCHANGED, _TEXT = b"n"[0], b"u"[0], b"t"[0]
_KEY, _OLD, _NEW = b"K"[0], b"O"[0], b"N"[0]

Cell: TypeAlias = bytes | None
Row: TypeAlias = list[Cell]


@dataclass(frozen=True)
class Relation:
    """A table, as it was when the changes that follow were made."""

    oid: int
    schema: str
    name: str
    columns: tuple[tuple[str, int, int], ...]
    """Name, type, modifier."""


@dataclass
class Changes:
    """Changes of one relation, row by row; its lists are of the same length."""

    relation: Relation
    rows: list[Row] = field(default_factory=list)
    deleted: list[bool] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    times_us: list[int] = field(default_factory=list)
    unsent: list[tuple[int, int]] = field(default_factory=list)
    """(row, column) of large values that did not change, and which the server therefore did not send."""


class Decoder:
    """Messages go in one by one; changes gather in `changes` until somebody takes them.

    `keys` are the names of the key's columns: an update that moves a row to another key is a delete and a row.
    Transactions whose commit was recorded before `since` are passed over.
    """

    def __init__(self, schema: str, table: str, keys: tuple[str, ...], *, since: int = 0) -> None:
        self._since = since
        self._wanted = (schema, table)
        self._keys = keys
        self._key_indexes: tuple[int, ...] = ()
        self._relations: dict[int, Relation] = {}
        self._relation_oid = -1
        self._order = 0
        self._time_us = 0
        self._sequence = 0
        self.changes: Changes | None = None
        self._is_old = False
        self.ended_lsn = since
        """Where the record of the last commit ends."""

    def feed(self, message: bytes) -> str:
        """Take in a message; returns its kind, in lower case if it does not matter.

        "S": the schema changes; take the changes and feed it again.
        """
        kind = message[0]
        match kind:
            case 73 | 85 | 68:  # I, U, D
                if _U32(message, 1)[0] == self._relation_oid and not self._is_old:
                    self._change(kind, message)
            case 66:  # B
                self._order, time_us, _ = _BEGIN(message, 1)
                self._time_us = time_us + _EPOCH_US
                self._sequence = 0
                self._is_old = self._order < self._since
            case 67:  # C
                if self._is_old:
                    return "c"
                _, _, self.ended_lsn, _ = _COMMIT(message, 1)
            case 82:  # R
                return self._relate(message)
            case 84:  # T
                count = _U32(message, 1)[0]
                oids = [_U32(message, 6 + 4 * index)[0] for index in range(count)]
                return "T" if self._relation_oid in oids and not self._is_old else "t"
        return chr(kind)

    def pass_over(self, since: int) -> None:
        """Transactions whose commit was recorded before `since` are known."""
        self._since = since

    def take(self) -> Changes | None:
        """The changes so far; later ones gather anew."""
        changes = self.changes
        if changes is not None:
            self.changes = Changes(changes.relation)
        return changes

    def _relate(self, message: bytes) -> str:
        relation = _relation(message)
        if (relation.schema, relation.name) != self._wanted or self._relations.get(relation.oid) == relation:
            return "R"
        if self.changes is not None and self.changes.rows:
            return "S"
        self._relations[relation.oid] = relation
        self._relation_oid = relation.oid
        names = [name for name, _, _ in relation.columns]
        missing = [key for key in self._keys if key not in names]
        if missing:
            raise DataError(f"{relation.schema}.{relation.name} no longer has {', '.join(missing)}, which is its key")
        self._key_indexes = tuple(names.index(key) for key in self._keys)
        self.changes = Changes(relation)
        return "R"

    def _change(self, kind: int, message: bytes) -> None:
        changes = self.changes
        assert changes is not None
        what = message[5]
        old: Row | None = None
        position = 6
        if what in (_KEY, _OLD):
            old, position, _ = _row(message, position)
            if kind == 68:
                self._add(changes, old, True)
                return
            position += 1
        new, _, unsent = _row(message, position)
        if old is not None and any(old[index] != new[index] for index in self._key_indexes):
            self._add(changes, _key_only(old, self._key_indexes), True)
        if unsent:
            for column in unsent:
                if old is not None and what == _OLD:
                    new[column] = old[column]
                else:
                    changes.unsent.append((len(changes.rows), column))
        self._add(changes, new, False)

    def _add(self, changes: Changes, row: Row, is_delete: bool) -> None:
        self._sequence += 1
        changes.rows.append(row)
        changes.deleted.append(is_delete)
        changes.orders.append(self._order)
        changes.sequences.append(self._sequence)
        changes.times_us.append(self._time_us)


def _row(message: bytes, position: int) -> tuple[Row, int, list[int] | None]:
    """The cells of a row, where it ends, and the columns that were not sent."""
    count = _U16(message, position)[0]
    position += 2
    row: Row = []
    unsent: list[int] | None = None
    append = row.append
    for index in range(count):
        kind = message[position]
        position += 1
        if kind == _TEXT:
            end = position + 4 + _U32(message, position)[0]
            append(message[position + 4 : end])
            position = end
        else:
            append(None)
            if kind == _UNCHANGED:
                unsent = [*(unsent or ()), index]
    return row, position, unsent


def _key_only(row: Row, indexes: tuple[int, ...]) -> Row:
    return [cell if index in indexes else None for index, cell in enumerate(row)]


def _relation(message: bytes) -> Relation:
    oid = _U32(message, 1)[0]
    schema, position = _text(message, 5)
    name, position = _text(message, position)
    count = _U16(message, position + 1)[0]
    position += 3
    columns = []
    for _ in range(count):
        column, position = _text(message, position + 1)
        kind, modifier = _COLUMN(message, position)
        columns.append((column, kind, modifier))
        position += 8
    return Relation(oid, schema or "pg_catalog", name, tuple(columns))


def _text(message: bytes, position: int) -> tuple[str, int]:
    end = message.index(0, position)
    return message[position:end].decode(), end + 1
