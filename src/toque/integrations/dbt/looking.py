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
"""PostgreSQL says how many rows it has written, and dbt passes that on. Views are not counted: that is a query."""
_COLUMNS: Final = """
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
    ORDER BY table_schema, table_name, ordinal_position
"""


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

    def shapes(self, ends: Iterable[Ended], assets: Mapping[str, str], partition: str) -> Iterator[Observed]:
        """The columns of what was made, and how many rows it has where dbt does not know."""
        made = [ended for ended in ends if ended.status == "success" and self._is_relation(ended, assets)]
        if not made:
            return
        columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for schema, table, name, kind in self.session.fetch(_COLUMNS):
            columns.setdefault((schema.lower(), table.lower()), []).append((name, kind))
        query = _SIZES.get(self.connection.type)
        sizes = self.session.fetch(query) if query is not None else []
        rows = {(schema.lower(), table.lower()): count for schema, table, count in sizes if count is not None}
        for ended in made:
            entry = self.manifest.entries[ended.unique_id]
            place = (entry.schema.lower(), entry.alias.lower())
            yield Observed(
                asset=assets[ended.unique_id],
                partition=partition,
                rows=int(rows[place]) if ended.rows is None and place in rows else ended.rows,
                columns=tuple(columns.get(place, ())),
            )

    def _is_relation(self, ended: Ended, assets: Mapping[str, str]) -> bool:
        return ended.unique_id in assets and self.manifest.entries[ended.unique_id].kind in RELATIONS

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
