"""The changes of a table of PostgreSQL, from its write-ahead log: first a snapshot, then each commit.

The slot is read by `pg_logical_slot_peek_binary_changes` and not by the replication protocol: what is peeked stays
until it is confirmed, no second driver is needed, a reader that died holds no slot, and a reading ends where the log
ends, without waiting. The server keeps a page of changes on its disk meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from toque.errors import UserError
from toque.integrations.sources import slots
from toque.integrations.sources.pgoutput import Changes, Decoder
from toque.integrations.warehouses.postgresql import PostgreSQLSession, PostgreSQLWarehouse
from toque.integrations.warehouses.postgresql_types import arrow_field, table_from_text
from toque.ports.sources import Batch

ROWS = 50_000
"""Rows in memory at once."""
PAGE = 200_000
"""Changes that the server is asked for at once; it always gives whole transactions."""
IDLE_BYTES = 1 << 20
"""So much log of others is forgotten without a change of ours."""

_KEYS = """
SELECT a.attname FROM pg_index i
JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place) ON true
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY k.place
"""


class PostgreSQLChanges:
    """The changes of one table.

    It has a slot and a publication of its own, `toque_<schema>_<table>` unless they are named. `wal_level=logical` is
    needed, a user that may replicate and owns the table (or a publication made by somebody else), and a primary key.
    """

    def __init__(self, url: str, table: str, *, name: str = "", slot: str = "", publication: str = "") -> None:
        schema, _, self._table = table.rpartition(".")
        self._schema = schema or "public"
        self._url = url
        self._warehouse = PostgreSQLWarehouse(url)
        self._name = name or f"{self._warehouse.name}.{self._schema}.{self._table}"
        own = re.sub(r"[^a-z0-9_]", "_", f"toque_{self._schema}_{self._table}".lower())[:63]
        self.slot = slot or own
        self._publication = publication or own

    @property
    def name(self) -> str:
        """As given, else `<database>.<schema>.<table>`."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """A snapshot for the cursor "", else the transactions that were committed since. Raises `SlotLost`."""
        with self._warehouse.session() as session:
            connection = session.connection
            keys = self._keys(connection)
            if cursor == "":
                yield from self._snapshot(session)
                return
            since = slots.number(cursor)
            slots.check(connection, self.slot, since, fix=f"toque.integrations.loading.start_over(…) for {self.name}")
            yield from _Reading(connection, self, keys, since).batches()

    def confirm(self, cursor: str) -> None:
        """The server may forget what lies before the cursor."""
        with self.connected() as connection:
            slots.advance(connection, self.slot, slots.number(cursor))

    def lag(self) -> slots.SlotLag | None:
        """How much log the server keeps for this source: a figure to watch. None before the first load."""
        with self.connected() as connection:
            return slots.lag(connection, self.slot)

    def drop(self) -> None:
        """Remove slot and publication: for a source that is no longer loaded."""
        with self.connected() as connection:
            slots.drop(connection, self.slot)
            connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(self._publication)))

    def decoder(self, keys: tuple[str, ...], since: int) -> Decoder:
        """For the messages about this table."""
        return Decoder(self._schema, self._table, keys, since=since)

    def peek(self, count: int) -> sql.Composed:
        """The query for about so many messages."""
        return sql.SQL(
            "SELECT data FROM pg_logical_slot_peek_binary_changes({}, NULL, {}, 'proto_version', '1',"
            " 'publication_names', {})"
        ).format(self.slot, count, sql.Identifier(self._publication).as_string())

    def current(self, keys: tuple[str, ...], columns: list[str]) -> sql.Composed:
        """The query for columns of the rows with the keys that come as arrays of texts, one for each key column."""
        listed = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(each)) for each in (*keys, *columns))
        arrays = sql.SQL(", ").join(sql.SQL("%s::text[]") for _ in keys)
        names = sql.SQL(", ").join(sql.Identifier(f"k{index}") for index in range(len(keys)))
        same = sql.SQL(" AND ").join(
            sql.SQL("t.{}::text = w.{}").format(sql.Identifier(key), sql.Identifier(f"k{index}"))
            for index, key in enumerate(keys)
        )
        return sql.SQL("SELECT {} FROM {} AS t JOIN unnest({}) AS w ({}) ON {}").format(
            listed, self._identifier, arrays, names, same
        )

    def described(self, connection: psycopg.Connection[Any]) -> pa.Table:
        """No rows, in the columns that the table has now."""
        query = sql.SQL("SELECT * FROM {}").format(self._identifier).as_string(connection)
        (empty,) = PostgreSQLSession(connection).stream(f"{query} LIMIT 0")
        return empty

    @property
    def _identifier(self) -> sql.Identifier:
        return sql.Identifier(self._schema, self._table)

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Another connection."""
        with self._warehouse.session() as session:
            yield session.connection

    def _keys(self, connection: psycopg.Connection[Any]) -> tuple[str, ...]:
        table = self._identifier.as_string(connection)
        keys = tuple(name for (name,) in connection.execute(_KEYS, [table]).fetchall())
        if not keys:
            raise UserError(f"{table} has no primary key, so its changes cannot be told apart", fix="add one")
        return keys

    def _snapshot(self, session: PostgreSQLSession) -> Iterator[Batch]:
        """All rows as they were at the moment where the slot begins."""
        connection = session.connection
        slots.publish(connection, self._publication, self._identifier)
        slots.drop(connection, self.slot)
        with slots.made_with_snapshot(self._url, self.slot) as (lsn, snapshot):
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
            query = sql.SQL("SELECT * FROM {}").format(self._identifier).as_string(connection)
            last: pa.Table | None = None
            for rows in session.stream(query, rows=ROWS):
                if last is not None:
                    yield _of_snapshot(last, lsn, is_complete=False)
                last = rows
            connection.execute("COMMIT")
        assert last is not None
        yield _of_snapshot(last, lsn, is_complete=True)


def _of_snapshot(rows: pa.Table, lsn: int, *, is_complete: bool) -> Batch:
    order = pa.repeat(pa.scalar(lsn, pa.int64()), rows.num_rows)
    upto = slots.text(lsn)
    return Batch(rows=rows, since="", upto=upto, order=order, is_everything=True, is_complete=is_complete)


class _Reading:
    """One reading of the log, page by page."""

    def __init__(
        self, connection: psycopg.Connection[Any], source: PostgreSQLChanges, keys: tuple[str, ...], since: int
    ) -> None:
        self._connection = connection
        self._source = source
        self._keys = keys
        self._since = since
        self._decoder = source.decoder(keys, since)
        self._is_open = False
        """Rows of the range were given already."""
        self._is_everything = False

    def batches(self) -> Iterator[Batch]:
        """Until the log ends."""
        idle_until = self._flushed()
        count = PAGE
        while True:
            begun = self._since
            seen = yield from self._page(count)
            if seen < count:
                break
            # What nobody confirmed comes again, and is passed over.
            count = count if self._since != begun else count + seen
        if idle_until - self._since > IDLE_BYTES:
            yield self._batch(None, idle_until, is_complete=True)

    def _flushed(self) -> int:
        """A place between two records of the log, before which everything is readable: a commit flushes it."""
        (place,) = self._connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("0/0",)
        self._connection.execute("SET synchronous_commit = on")
        self._connection.execute("SELECT pg_logical_emit_message(true, 'toque', '')")
        return slots.number(place)

    def _page(self, count: int) -> Generator[Batch, None, int]:
        seen, decoder = 0, self._decoder
        query = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(self._source.peek(count))
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            copy.set_types(["bytea"])
            for (message,) in copy.rows():
                seen += 1
                match decoder.feed(message):
                    case "I" | "U" | "D":
                        if decoder.changes is not None and len(decoder.changes.rows) >= ROWS:
                            yield self._taken(is_complete=False)
                    case "C":
                        full = decoder.changes is not None and len(decoder.changes.rows) >= ROWS
                        if full or self._is_open or self._is_everything:
                            yield self._taken(is_complete=True)
                    case "S":
                        yield self._taken(is_complete=False)
                        decoder.feed(message)
                    case "T":
                        # What came before goes first, so that the rest of the transaction is all that there is.
                        yield self._taken(is_complete=True)
                        self._is_everything = True
        if (decoder.changes is not None and decoder.changes.rows) or self._is_open:
            yield self._taken(is_complete=True)
        return seen

    def _taken(self, *, is_complete: bool) -> Batch:
        return self._batch(self._decoder.take(), self._decoder.ended_lsn, is_complete=is_complete)

    def _batch(self, changes: Changes | None, upto: int, *, is_complete: bool) -> Batch:
        rows = self._rows(changes)
        kinds: dict[str, Any] = {}
        if changes is not None:
            kinds = {
                "deleted": pa.array(changes.deleted, pa.bool_()),
                "order": pa.array(changes.orders, pa.int64()),
                "sequence": pa.array(changes.sequences, pa.int64()),
                "changed_at": pa.array(changes.times_us, pa.timestamp("us", "UTC")),
            }
        batch = Batch(
            rows=rows,
            since=slots.text(self._since),
            upto=slots.text(upto),
            is_everything=self._is_everything,
            is_complete=is_complete,
            **kinds,
        )
        self._is_open = not is_complete
        if is_complete:
            self._since, self._is_everything = upto, False
            self._decoder.pass_over(upto)
        return batch

    def _rows(self, changes: Changes | None) -> pa.Table:
        if changes is None:
            return self._source.described(self._connection)
        fields = [arrow_field(*column) for column in changes.relation.columns]
        if changes.unsent:
            self._fetch_unsent(changes)
        columns = [pa.array(cells, pa.string()) for cells in zip(*changes.rows, strict=True)]
        return table_from_text(fields, columns or [pa.array([], pa.string()) for _ in fields])

    def _fetch_unsent(self, changes: Changes) -> None:
        """Large values that an update left alone are not in the log: as the table has them now.

        If they changed since, or the row is gone, the log says so further on, and what is loaded now is replaced then.
        """
        names = [name for name, _, _ in changes.relation.columns]
        key_indexes = [names.index(key) for key in self._keys]
        wanted = sorted({column for _, column in changes.unsent})
        rows = sorted({row for row, _ in changes.unsent})
        keys = {row: tuple(_decoded(changes.rows[row][index]) for index in key_indexes) for row in rows}
        arrays = [list(values) for values in zip(*dict.fromkeys(keys.values()), strict=True)]
        with self._source.connected() as connection:
            query = self._source.current(self._keys, [names[column] for column in wanted])
            found = connection.execute(query, arrays).fetchall()
        size = len(key_indexes)
        values = {tuple(row[:size]): dict(zip(wanted, row[size:], strict=True)) for row in found}
        for row, column in changes.unsent:
            text = values.get(keys[row], {}).get(column)
            changes.rows[row][column] = None if text is None else text.encode()


def _decoded(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode()
