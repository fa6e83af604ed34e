"""Snapshots: what files and tables hold at one moment, and how two moments differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toque.errors import UserError
from toque.testing.comparison import row_differences
from toque.testing.rows import table_of

ROWS_SHOWN = 5
_DUCKDB_MAGIC = b"DUCK"
_SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Rows:
    """What a table holds; it has no order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass
class Snapshot:
    """Files by path with their digests, tables by name with their rows."""

    files: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Rows] = field(default_factory=dict)


def take(watched: Sequence[Any], ignore: Sequence[str] = ()) -> Snapshot:
    """What the watched things hold now: paths of files and directories, DuckDB and SQLite files and connections, and
    functions that return tables by name. Columns to `ignore` are left out, in any case."""
    snapshot = Snapshot()
    for number, item in enumerate(watched):
        if isinstance(item, str | Path):
            for path in _files(Path(item)):
                _add_file(snapshot, path)
        elif hasattr(item, "execute"):
            prefix = f"connection {number + 1}: " if len(watched) > 1 else ""
            snapshot.tables |= {prefix + name: rows for name, rows in _tables(item).items()}
        elif callable(item):
            snapshot.tables |= {name: _given(name, value) for name, value in item().items()}
        else:
            raise UserError(
                f"watch holds {item!r}, which cannot be watched.",
                fix="paths, DuckDB or SQLite connections, and functions that return tables by name",
            )
    ignored = {name.casefold() for name in ignore}
    snapshot.tables = {name: _without(rows, ignored) for name, rows in snapshot.tables.items()}
    return snapshot


def _given(name: str, value: Any) -> Rows:
    if isinstance(value, list) and not value:
        return Rows((), [])
    found = table_of(value)
    if found is None:
        raise UserError(
            f"What is watched gave {value!r} as {name}, which is no table.", fix="a list of dicts, or Arrow"
        )
    return Rows(found.columns, found.rows)


def _without(table: Rows, ignored: set[str]) -> Rows:
    kept = [at for at, name in enumerate(table.columns) if name.casefold() not in ignored]
    if len(kept) == len(table.columns):
        return table
    return Rows(tuple(table.columns[at] for at in kept), [tuple(row[at] for at in kept) for row in table.rows])


def changes(first: Snapshot, second: Snapshot) -> Iterator[str]:
    """How the second moment differs from the first."""
    yield from _named(first.files, second.files, "file")
    for name in first.files:
        if name in second.files and first.files[name] != second.files[name]:
            yield f"file {name}: other content"
    yield from _named(first.tables, second.tables, "table")
    for name, table in first.tables.items():
        if name in second.tables:
            yield from _table_changes(name, table, second.tables[name])


def _table_changes(name: str, first: Rows, second: Rows) -> Iterator[str]:
    if first.columns != second.columns:
        yield f"table {name}: columns {', '.join(first.columns)}, then {', '.join(second.columns)}"
        return
    found = list(row_differences(first.rows, second.rows))
    if found:
        yield f"table {name}: {len(first.rows)} rows, then {len(second.rows)}"
        yield from (f"  {line}" for line in found[:ROWS_SHOWN])
    if len(found) > ROWS_SHOWN:
        yield f"  … and {len(found) - ROWS_SHOWN} rows more"


def _named(first: Mapping[str, Any], second: Mapping[str, Any], what: str) -> Iterator[str]:
    yield from (f"{what} {name}: gone" for name in first if name not in second)
    yield from (f"{what} {name}: new" for name in second if name not in first)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (found for found in sorted(path.rglob("*")) if found.is_file())
    elif path.exists():
        yield path


def _add_file(snapshot: Snapshot, path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(16)
    if head[8:12] == _DUCKDB_MAGIC:
        # Its bytes differ after each checkpoint; what counts are the tables.
        import duckdb

        with duckdb.connect(str(path), read_only=True) as connection:
            snapshot.tables |= {f"{path}: {name}": rows for name, rows in _tables(connection).items()}
    elif head == _SQLITE_MAGIC:
        import sqlite3

        with closing(sqlite3.connect(path)) as file_connection:
            snapshot.tables |= {f"{path}: {name}": rows for name, rows in _tables(file_connection).items()}
    elif path.suffix == ".wal" and path.with_suffix("").exists():
        pass  # part of a database that is watched by its tables
    else:
        with path.open("rb") as file:
            snapshot.files[str(path)] = hashlib.file_digest(file, "sha256").hexdigest()


def _tables(connection: Any) -> dict[str, Rows]:
    if type(connection).__module__.startswith("sqlite3"):
        listing = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [f'"{name}"' for (name,) in connection.execute(listing).fetchall()]
    else:
        listing = (
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('information_schema', 'pg_catalog')"
        )
        found_names = connection.execute(listing).fetchall()
        names = [f'"{schema}"."{name}"' for schema, name in found_names if not _is_toques(name)]
    found = {}
    for name in names:
        cursor = connection.execute(f"SELECT * FROM {name}")
        columns = tuple(column[0] for column in cursor.description)
        users = [at for at, column in enumerate(columns) if not _is_toques(column)]
        rows = [tuple(row[at] for at in users) for row in cursor.fetchall()]
        found[name.replace('"', "").removeprefix("main.")] = Rows(tuple(columns[at] for at in users), rows)
    return found


def _is_toques(name: str) -> bool:
    """What Toque remembers of loads and syncs, which grows with each of them."""
    return name.lower().startswith("_toque_")
