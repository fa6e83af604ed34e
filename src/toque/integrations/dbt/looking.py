"""What is looked up in the warehouse when dbt has ended: rows that failed a test, and how large its tables are.

While dbt runs it may own the file. Nothing here fails a build: what cannot be looked up is said in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from toque.data.checks.masking import is_sensitive, masked
from toque.engine.assets import Checked, Observed
from toque.integrations.dbt.events import Ended
from toque.integrations.dbt.manifest import RELATIONS, Entry, Manifest
from toque.integrations.dbt.telling import outcome
from toque.integrations.warehouses.opening import open_warehouse
from toque.ports.warehouse import Session
from toque.settings import Connection

SAMPLE_ROWS: Final = 5
_PRIVATE: Final = ("sensitive", "pii", "personal")
"""Keys of `meta` by which a project says that nobody sees the values of a column."""
_SIZES: Final = {
    "duckdb": "SELECT schema_name, table_name, estimated_size FROM duckdb_tables()",
    "snowflake": "SELECT table_schema, table_name, row_count FROM information_schema.tables",
}
"""PostgreSQL says how many rows it has written, and dbt passes that on."""


@dataclass
class Lookup:
    """One session after the end of dbt."""

    session: Session
    connection: Connection
    manifest: Manifest

    def failures(self, entry: Entry, ended: Ended, sql: str, asset: str, partition: str) -> Checked:
        """What a test found, with rows that show it."""
        rows = self._sample(entry, sql) if sql and entry.kind == "test" else []
        return outcome(entry, ended, asset, partition, rows, sql)

    def sizes(self, assets: Mapping[str, str], partition: str) -> Iterator[Observed]:
        """How many rows tables have, where dbt does not know. `assets`: keys by unique id."""
        query = _SIZES.get(self.connection.type)
        if query is None or not assets:
            return
        found = {(schema.lower(), table.lower()): int(rows) for schema, table, rows in self.session.fetch(query)}
        for unique_id, asset in assets.items():
            entry = self.manifest.entries[unique_id]
            rows = found.get((entry.schema.lower(), entry.alias.lower()))
            if rows is not None:
                yield Observed(asset=asset, partition=partition, rows=rows)

    def _sample(self, entry: Entry, sql: str) -> list[dict[str, Any]]:
        query = f"SELECT * FROM ({sql.strip().rstrip(';')}\n) AS failed LIMIT {SAMPLE_ROWS}"
        rows: list[dict[str, Any]] = []
        for part in self.session.stream(query, rows=SAMPLE_ROWS):
            rows += part.to_pylist()
        private = private_columns(self.manifest, entry)
        # `unique` calls the column that it looks at by another name.
        return masked(rows[:SAMPLE_ROWS], private, all_columns=is_sensitive(entry.column, private))


@contextmanager
def looking(connection: Connection, manifest: Manifest) -> Iterator[Lookup]:
    """A session to look up in. Raises whatever the database does."""
    warehouse = open_warehouse(connection.type, connection.revealed(), name=connection.name)
    with warehouse.session() as session:
        yield Lookup(session, connection, manifest)


def private_columns(manifest: Manifest, test: Entry) -> tuple[str, ...]:
    """The columns that the project says to be personal, of the tables that a test is about."""
    entries = (manifest.entries[name] for name in test.tests if name in manifest.entries)
    columns = (column for entry in entries for column in entry.columns)
    return tuple(column.name for column in columns if any(column.meta.get(key) for key in _PRIVATE))


def unsized(manifest: Manifest, ends: Iterable[Ended]) -> list[str]:
    """Tables that were made, and nobody said of how many rows. Views are not counted: that is a query of its own."""
    return [ended.unique_id for ended in ends if _is_unsized(manifest.entries.get(ended.unique_id), ended)]


def _is_unsized(entry: Entry | None, ended: Ended) -> bool:
    is_table = entry is not None and entry.kind in RELATIONS and entry.materialized != "view"
    return is_table and ended.status == "success" and ended.rows is None
