"""What differs between the warehouses: names, types, and what may be altered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from toque.data.loads.columns import ColumnType, Kind
from toque.graph.loads import TableName

DialectName: TypeAlias = Literal["duckdb", "postgresql", "snowflake"]

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_SIZED = re.compile(r"(?:DECIMAL|NUMERIC|NUMBER)\((\d+)(?:,\s*(\d+))?\)")


@dataclass(frozen=True)
class Dialect:
    """How SQL is written for one warehouse."""

    name: DialectName
    types: Mapping[Kind, str]
    """How each kind is called in a new table."""
    kinds: Mapping[str, Kind]
    """The kinds of the types that the catalog names, in capitals, without sizes."""
    folds: Literal["lower", "upper", "keep"]
    """What becomes of a name that is written without quotes."""
    has_keys: bool = True
    """Primary keys are enforced."""

    def physical(self, name: str) -> str:
        """The name of a new column or table: such that SQL without quotes finds it, in any case."""
        if self.folds == "keep" or not _SIMPLE.fullmatch(name):
            return name
        return name.lower() if self.folds == "lower" else name.upper()

    def written(self, name: str) -> str:
        """The name of a column as code writes it: what the warehouse shouts is lower-case there."""
        shouts = self.folds == "upper" and _SIMPLE.fullmatch(name) and name == name.upper()
        return name.lower() if shouts else name

    def quote(self, name: str) -> str:
        """A name that stands as it is."""
        return '"' + name.replace('"', '""') + '"'

    def own(self, name: str) -> str:
        """A name of Toque's, quoted."""
        return self.quote(self.physical(name))

    def table(self, table: TableName) -> str:
        """A table, quoted."""
        parts = (table.catalog, table.schema, table.name)
        return ".".join(self.own(part) for part in parts if part)

    def type_name(self, column: ColumnType) -> str:
        """A type in a new table."""
        if column.kind == "decimal":
            return f"{self.types['decimal']}({column.precision}, {column.scale})"
        return self.types[column.kind]

    def column_type(self, name: str) -> ColumnType:
        """The type that the catalog calls `name`, sizes included: `NUMBER(38,0)`."""
        text = name.upper()
        if sized := _SIZED.fullmatch(text):
            return ColumnType("decimal", int(sized[1]), int(sized[2] or 0))
        kind = self.kinds.get(re.sub(r"\(\d+(?:,\s*\d+)?\)", "", text).strip())
        return ColumnType(kind) if kind else ColumnType("other", name=name)

    def can_alter(self, old: ColumnType, new: ColumnType) -> bool:
        """Whether a column may change its type where it stands. Snowflake only lets numbers have more digits."""
        if self.name != "snowflake":
            return True
        return old.kind == new.kind == "decimal" and old.scale == new.scale and old.precision <= new.precision

    def stored(self, column: ColumnType) -> ColumnType:
        """The type that the catalog reports for a new column of this type."""
        return self.column_type(self.type_name(column))


DUCKDB = Dialect(
    name="duckdb",
    folds="keep",
    types={
        "bool": "BOOLEAN",
        "int16": "SMALLINT",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "decimal": "DECIMAL",
        "float32": "FLOAT",
        "float64": "DOUBLE",
        "text": "VARCHAR",
        "json": "JSON",
        "bytes": "BLOB",
        "date": "DATE",
        "time": "TIME",
        "timestamp": "TIMESTAMP",
        "timestamptz": "TIMESTAMP WITH TIME ZONE",
    },
    kinds={
        "BOOLEAN": "bool",
        "TINYINT": "int16",
        "SMALLINT": "int16",
        "INTEGER": "int32",
        "BIGINT": "int64",
        "FLOAT": "float32",
        "DOUBLE": "float64",
        "VARCHAR": "text",
        "JSON": "json",
        "BLOB": "bytes",
        "DATE": "date",
        "TIME": "time",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    },
)

POSTGRESQL = Dialect(
    name="postgresql",
    folds="lower",
    types={
        "bool": "boolean",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
        "decimal": "numeric",
        "float32": "real",
        "float64": "double precision",
        "text": "text",
        "json": "jsonb",
        "bytes": "bytea",
        "date": "date",
        "time": "time without time zone",
        "timestamp": "timestamp without time zone",
        "timestamptz": "timestamp with time zone",
    },
    kinds={
        "BOOLEAN": "bool",
        "SMALLINT": "int16",
        "INTEGER": "int32",
        "BIGINT": "int64",
        "REAL": "float32",
        "DOUBLE PRECISION": "float64",
        "TEXT": "text",
        "CHARACTER VARYING": "text",
        "CHARACTER": "text",
        "JSONB": "json",
        "JSON": "json",
        "BYTEA": "bytes",
        "DATE": "date",
        "TIME WITHOUT TIME ZONE": "time",
        "TIMESTAMP WITHOUT TIME ZONE": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    },
)

# Documents are kept as text there: PARSE_JSON in a model makes a VARIANT of it.
SNOWFLAKE = Dialect(
    name="snowflake",
    folds="upper",
    has_keys=False,
    types={
        "bool": "BOOLEAN",
        "int16": "NUMBER(38, 0)",
        "int32": "NUMBER(38, 0)",
        "int64": "NUMBER(38, 0)",
        "decimal": "NUMBER",
        "float32": "FLOAT",
        "float64": "FLOAT",
        "text": "VARCHAR",
        "json": "VARCHAR",
        "bytes": "BINARY",
        "date": "DATE",
        "time": "TIME",
        "timestamp": "TIMESTAMP_NTZ",
        "timestamptz": "TIMESTAMP_TZ",
    },
    kinds={
        "BOOLEAN": "bool",
        "FLOAT": "float64",
        "TEXT": "text",
        "VARCHAR": "text",
        "BINARY": "bytes",
        "DATE": "date",
        "TIME": "time",
        "TIMESTAMP_NTZ": "timestamp",
        "TIMESTAMP_TZ": "timestamptz",
        "TIMESTAMP_LTZ": "timestamptz",
    },
)

DIALECTS: Mapping[DialectName, Dialect] = {each.name: each for each in (DUCKDB, POSTGRESQL, SNOWFLAKE)}
