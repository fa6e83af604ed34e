"""Rows of the engine as tuples of column values, and back.

Fields that are columns are stored as such; all others travel in `rest`, a msgpack map without defaults: a field
that is added to a row later needs no migration, and old rows read with its default.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from toque.engine import facts as fact_log
from toque.engine.facts import AnyFact
from toque.engine.values import MapIndex
from toque.store.sql.declared import Table

R = TypeVar("R", bound=msgspec.Struct)

COMPRESS_ABOVE = 1024
"""Bytes of facts. Below, zlib saves less than the time it takes."""
COMPRESS_REST_ABOVE = 700
"""Bytes. In a clustered table of SQLite, a row beyond 1,000 bytes spills to a page of its own."""
_ZLIB = b"\x78"
"""First byte of what zlib makes; a msgpack map never begins with it."""


def pack_index(index: MapIndex) -> bytes:
    """Four big-endian bytes for each position: `memcmp` orders them as Python orders the tuples."""
    return struct.pack(f">{len(index)}I", *index) if index else b""


def unpack_index(data: bytes) -> MapIndex:
    """The map index that `pack_index` was given."""
    return struct.unpack(f">{len(data) // 4}I", data) if data else ()


def pack_facts(facts: list[AnyFact]) -> tuple[bool, bytes]:
    """(compressed, blob) of a batch of facts."""
    data = fact_log.encode(facts)
    if len(data) <= COMPRESS_ABOVE:
        return False, data
    return True, zlib.compress(data, 1)


def unpack_facts(compressed: bool, data: bytes) -> list[AnyFact]:
    """The facts that `pack_facts` was given."""
    return fact_log.decode(zlib.decompress(data) if compressed else data)


def pack_rest(data: bytes) -> bytes:
    """The msgpack map, compressed if it is large and that helps."""
    if len(data) <= COMPRESS_REST_ABOVE:
        return data
    packed = zlib.compress(data, 1)
    return packed if len(packed) < len(data) else data


def unpack_rest(data: bytes) -> bytes:
    """The map that `pack_rest` was given."""
    return zlib.decompress(data) if data[:1] == _ZLIB else data


class RowCodec(Generic[R]):
    """Converts between one row type and the columns of its table."""

    def __init__(self, table: Table, row: type[R]) -> None:
        fields = {field.name: field for field in msgspec.structs.fields(row)}
        self._row = row
        self._columns = [column for column in table.columns if column.name in fields]
        self._column_names = tuple(column.name for column in self._columns)
        self.names = self._column_names
        """Columns in the order of the tuples (`rest` last, if the table has it)."""
        self._getters = attrgetter(
            *(f"{column.name}._value_" if column.enum else column.name for column in self._columns)
        )
        self._index_at = next((i for i, column in enumerate(self._columns) if column.kind == "index"), -1)
        self._enums: list[tuple[str, dict[str, StrEnum]]] = [
            (column.name, {member.value: member for member in column.enum}) for column in self._columns if column.enum
        ]
        self._bools = [column.name for column in self._columns if column.kind == "bool"]
        rest = [field for field in fields.values() if field.name not in self.names]
        self._rest: tuple[Callable[[R], Any], type[msgspec.Struct], Callable[[bytes], Any]] | None = None
        if any(column.name == "rest" for column in table.columns):
            self.names += ("rest",)
            self._rest = _rest_codec(row.__name__, rest)
        self._encode_rest = msgspec.msgpack.Encoder().encode

    def encode(self, row: R) -> tuple[Any, ...]:
        """Values of `names`."""
        values = self._getters(row)
        at = self._index_at
        if at >= 0:
            values = (*values[:at], pack_index(values[at]), *values[at + 1 :])
        if self._rest is not None:
            get, kind, _ = self._rest
            values = (*values, pack_rest(self._encode_rest(kind(*get(row)))))
        return values

    def decode(self, values: Sequence[Any]) -> R:
        """The row whose `names` have these values."""
        if self._rest is not None:
            given = msgspec.structs.asdict(self._rest[2](unpack_rest(values[-1])))
            given.update(zip(self._column_names, values))  # noqa: B905 - one value more, which is the rest
        else:
            given = dict(zip(self._column_names, values, strict=True))
        for name, members in self._enums:
            given[name] = members[given[name]]
        for name in self._bools:
            given[name] = bool(given[name])  # SQLite has numbers only
        if self._index_at >= 0:
            name = self._column_names[self._index_at]
            given[name] = unpack_index(given[name])
        return self._row(**given)


def _rest_codec(
    name: str, fields: list[msgspec.structs.FieldInfo]
) -> tuple[Callable[[Any], Any], type[msgspec.Struct], Callable[[bytes], Any]]:
    """(values of a row for the rest, type of the rest, its decoder)."""
    ordered = sorted(fields, key=lambda field: not field.required)
    definition: list[Any] = []
    for field in ordered:
        if field.required:
            definition.append((field.name, field.type))
        elif field.default is not msgspec.NODEFAULT:
            definition.append((field.name, field.type, field.default))
        else:
            default = msgspec.field(default_factory=field.default_factory)
            definition.append((field.name, field.type, default))
    kind = msgspec.defstruct(f"{name}Rest", definition, omit_defaults=True)
    names = [field.name for field in ordered]
    get = attrgetter(*names) if len(names) > 1 else _one(names[0])
    return get, kind, msgspec.msgpack.Decoder(kind).decode


def _one(name: str) -> Callable[[Any], tuple[Any]]:
    get = attrgetter(name)
    return lambda row: (get(row),)
