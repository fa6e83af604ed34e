"""SQL as text with holes for values, and where DuckDB, PostgreSQL and Snowflake differ.

Columns are quoted by the names that they have in the warehouse, tables of Toque's own as its dialect stores names that
are written without quotes. Values never become text: they are parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from toque.data.loads.dialects import Dialect
from toque.graph.loads import TableName

Columns: TypeAlias = Sequence[tuple[str, str]]
"""Names and types of the columns of a table, as its warehouse writes them."""

_HOLE = "\0"
"""Stands for one value in the text of a `Sql`; no SQL may contain it."""


@dataclass(frozen=True)
class Sql:
    """A piece of SQL and the values of its holes, in order. Pieces are joined with `+`."""

    text: str
    values: tuple[Any, ...] = ()

    def __add__(self, other: Sql | str) -> Sql:
        if isinstance(other, str):
            return Sql(self.text + other, self.values)
        return Sql(self.text + other.text, self.values + other.values)

    def __radd__(self, other: str) -> Sql:
        return Sql(other + self.text, self.values)

    def rendered(self) -> tuple[str, tuple[Any, ...]]:
        """The text with `?` for each value, and the values."""
        return self.text.replace(_HOLE, "?"), self.values


def value(given: Any) -> Sql:
    """A hole with this value."""
    return Sql(_HOLE, (given,))


def joined(separator: str, pieces: Iterable[Sql | str]) -> Sql:
    """The pieces with `separator` between them."""
    found = [Sql(piece) if isinstance(piece, str) else piece for piece in pieces]
    return Sql(separator.join(piece.text for piece in found), tuple(item for piece in found for item in piece.values))


def quoted(name: str) -> str:
    """An identifier in quotes: `a"b` is `"a""b"`."""
    if not name or _HOLE in name:
        raise ValueError(f"{name!r} is not the name of a column or table")
    return '"' + name.replace('"', '""') + '"'


def column_of(table: TableName, column: str, dialect: Dialect) -> str:
    """A column of this table, so that no column of a subquery can be meant: `"contact"."id"`."""
    return f"{dialect.own(table.name)}.{quoted(column)}"


def as_text(expression: str, dialect: Dialect) -> str:
    """The expression as text."""
    return f"CAST({expression} AS {'text' if dialect.name == 'postgresql' else 'varchar'})"


def row_as_json(table: TableName, columns: Columns, dialect: Dialect) -> str:
    """One row as a JSON object in text, so that `rows_from_json` gives the same row back.

    DuckDB reads numbers in JSON as doubles and writes `NaN`, which is no JSON: what would suffer is kept as text.
    """
    match dialect.name:
        case "postgresql":
            return f"CAST(to_jsonb({dialect.own(table.name)}.*) AS text)"
        case "snowflake":
            pairs = (f"{_literal(name)}, {quoted(name)}" for name, _ in columns)
            return f"TO_JSON(OBJECT_CONSTRUCT_KEEP_NULL({', '.join(pairs)}))"
        case "duckdb":
            pairs = (f"{_literal(name)}, {_exact(column_of(table, name, dialect), kind)}" for name, kind in columns)
            return f"CAST(json_object({', '.join(pairs)}) AS varchar)"


def rows_from_json(rows: Sql, table: TableName, columns: Columns, dialect: Dialect) -> Sql:
    """A query of the rows of `table` that stand as JSON text in the column `row_json` of the query `rows`."""
    names = [quoted(name) for name, _ in columns]
    if dialect.name == "postgresql":
        chosen = ", ".join(f'"_row".{name}' for name in names)
        typed = (
            f'jsonb_populate_record(CAST(NULL AS {dialect.table(table)}), CAST("_json"."row_json" AS jsonb)) AS "_row"'
        )
        return f"SELECT {chosen} FROM (" + rows + f') AS "_json", LATERAL {typed}'
    chosen = ", ".join(
        f"{_member(name, kind, dialect)} AS {as_named}" for (name, kind), as_named in zip(columns, names, strict=True)
    )
    return f"SELECT {chosen} FROM (" + rows + ') AS "_json"'


def _member(name: str, kind: str, dialect: Dialect) -> str:
    if dialect.name == "snowflake":
        return f"CAST(PARSE_JSON({dialect.own('row_json')}):{quoted(name)} AS {kind})"
    path = _literal("/" + name.replace("~", "~0").replace("/", "~1"))
    # A map is read from JSON itself, everything else from its text.
    reads = "json_extract" if kind.upper().startswith("MAP(") else "json_extract_string"
    return f'CAST({reads}("row_json", {path}) AS {kind})'


def _exact(column: str, kind: str) -> str:
    family = kind.upper()
    if family.startswith(("DECIMAL", "NUMERIC", "HUGEINT", "UHUGEINT", "BIGNUM")):
        return f"CAST({column} AS varchar)"
    if family in ("DOUBLE", "FLOAT", "REAL"):
        return f"CASE WHEN isfinite({column}) THEN to_json({column}) ELSE to_json(CAST({column} AS varchar)) END"
    return column


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
