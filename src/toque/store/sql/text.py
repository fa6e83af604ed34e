"""Statement text made from the declaration of the tables."""

from __future__ import annotations

from functools import cache
from typing import Literal

from toque.store.sql.declared import Column, Table
from toque.store.sql.schema import REVISIONS, TABLES

Kind = Literal["sqlite", "postgresql"]

_TYPES: dict[Kind, dict[str, str]] = {
    "sqlite": {
        "text": "TEXT",
        "int": "INTEGER",
        "bool": "INTEGER",
        "bytes": "BLOB",
        "index": "BLOB",
        "serial": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
    },
    "postgresql": {
        # Collation C: ids compare by their bytes, as in SQLite and in Python.
        "text": 'TEXT COLLATE "C"',
        "int": "BIGINT",
        "bool": "BOOLEAN",
        "bytes": "BYTEA",
        "index": "BYTEA",
        "serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    },
}


def create_schema(kind: Kind) -> list[str]:
    """The statements that make an empty database current, its revision recorded where Alembic looks for it."""
    statements = [statement for table in TABLES for statement in create_table(kind, table)]
    statements.append(
        "CREATE TABLE alembic_version ("
        "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    statements.append(f"INSERT INTO alembic_version VALUES ('{REVISIONS[-1]}')")
    return statements


def create_table(kind: Kind, table: Table) -> list[str]:
    """CREATE TABLE, then its indexes."""
    lines = [_column(kind, column) for column in table.columns]
    if not any(column.kind == "serial" for column in table.columns):
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
    for column in table.columns:
        if column.enum:
            allowed = ", ".join(f"'{member.value}'" for member in column.enum)
            lines.append(f"CONSTRAINT {table.name}_{column.name} CHECK ({column.name} IN ({allowed}))")
    suffix = " WITHOUT ROWID" if kind == "sqlite" and table.clustered else ""
    statements = [f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(lines) + f"\n){suffix}"]
    for index in table.indexes:
        unique = "UNIQUE " if index.unique else ""
        where = f" WHERE {index.where}" if index.where else ""
        columns = ", ".join(index.columns)
        statements.append(f"CREATE {unique}INDEX {index.name} ON {table.name} ({columns}){where}")
    return statements


def _column(kind: Kind, column: Column) -> str:
    text = f"{column.name} {_TYPES[kind][column.kind]}"
    if column.kind != "serial":
        text += " NOT NULL"
    if column.default is not None:
        text += f" DEFAULT {column.default!r}"
    return text


@cache
def array_type(column: Column) -> str:
    """PostgreSQL's type of a list of such values."""
    return {"text": "text", "int": "bigint", "serial": "bigint", "bool": "boolean"}.get(column.kind, "bytea") + "[]"


@cache
def insert_into(table: Table, names: tuple[str, ...]) -> str:
    """`INSERT INTO table (names)`, to be followed by VALUES or SELECT."""
    return f"INSERT INTO {table.name} ({', '.join(names)})"


@cache
def on_conflict(table: Table, names: tuple[str, ...]) -> str:
    """The clause that overwrites the row that has the key already."""
    frozen = {column.name for column in table.columns if column.frozen}
    updated = [name for name in names if name not in table.key and name not in frozen]
    assignments = ", ".join(f"{name} = excluded.{name}" for name in updated)
    return f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {assignments}"
