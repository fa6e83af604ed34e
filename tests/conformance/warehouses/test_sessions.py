"""What a session of every warehouse does."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from toque.data.loads.columns import Column, ColumnType
from toque.graph.loads import TableName
from toque.integrations.warehouses.arrow import column_of
from toque.ports.warehouse import Session, Warehouse

TABLE = TableName.parse("raw.things")
AT = datetime.datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=datetime.UTC)
ROWS = pa.table(
    {
        "name": pa.array(['it\'s "one",\n %s ? \\N', "", None]),
        "n": pa.array([2**62, -1, None], pa.int64()),
        "price": pa.array([Decimal("12.50"), Decimal("-0.01"), None], pa.decimal128(12, 2)),
        "ratio": pa.array([0.1, -1e300, None], pa.float64()),
        "a_flag": pa.array([True, False, None]),
        "a_day": pa.array([AT.date(), datetime.date(1969, 12, 31), None]),
        "moment": pa.array([AT, AT, AT], pa.timestamp("us", "UTC")),
        "local_moment": pa.array([AT.replace(tzinfo=None)] * 3, pa.timestamp("us")),
        "a_clock": pa.array([datetime.time(1, 2, 3, 400000), datetime.time(0), None], pa.time64("us")),
        "some_bytes": pa.array([b"\x00\xff", b"", None], pa.binary()),
    }
)


def create(session: Session, warehouse: Warehouse, table: TableName = TABLE) -> None:
    """A table for `ROWS`."""
    dialect = warehouse.dialect
    columns = [column_of(field) for field in ROWS.schema]
    listed = ", ".join(f"{dialect.own(each.name)} {dialect.type_name(each.type)}" for each in columns)
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {dialect.own('raw')}")
    session.execute(f"CREATE TABLE {dialect.table(table)} ({listed})")


def renamed(warehouse: Warehouse) -> pa.Table:
    """The rows, by the names that the columns have there."""
    return ROWS.rename_columns([warehouse.dialect.physical(name) for name in ROWS.column_names])


def test_rows_that_go_in_come_out_as_they_were(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        create(session, warehouse)
        session.copy_in(TABLE, renamed(warehouse))
        found = session.fetch("SELECT * FROM raw.things")
        given = list(zip(*ROWS.to_pydict().values(), strict=True))
        assert sorted(_plain(found), key=_first) == sorted(_plain(given), key=_first)


def test_a_stream_gives_tables_of_at_most_so_many_rows(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        create(session, warehouse)
        session.copy_in(TABLE, renamed(warehouse))
        parts = list(session.stream("SELECT name, n, price FROM raw.things WHERE n IS NULL OR n > ?", [-5], rows=2))
        assert sum(part.num_rows for part in parts) == 3
        assert all(part.num_rows <= 2 for part in parts)
        whole = pa.concat_tables(parts)
        assert sorted(whole.column(1).to_pylist(), key=repr) == sorted([2**62, -1, None], key=repr)
        (empty,) = session.stream("SELECT name, n FROM raw.things WHERE n = ?", [7])
        assert (empty.num_rows, empty.num_columns) == (0, 2)


def test_columns_are_told_with_types_that_hold_what_went_in(warehouse: Warehouse) -> None:
    dialect = warehouse.dialect
    with warehouse.session() as session:
        assert session.columns(TABLE) is None
        create(session, warehouse)
        columns = [column_of(field) for field in ROWS.schema]
        assert session.columns(TABLE) == [Column(dialect.physical(c.name), dialect.stored(c.type)) for c in columns]


def test_a_transaction_takes_effect_as_a_whole(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        create(session, warehouse)
        with session.transaction():
            session.execute("INSERT INTO raw.things (name, n) VALUES (?, ?)", ["kept", 1])
        with pytest.raises(ZeroDivisionError):
            _fail(session)
        assert session.fetch("SELECT name, n FROM raw.things") == [("kept", 1)]
        assert session.execute("UPDATE raw.things SET n = n + 1") == 1
        assert session.execute("DELETE FROM raw.things WHERE n = ?", [2]) == 1
        assert session.execute("DELETE FROM raw.things") == 0


def test_what_snowflake_would_commit_by_itself_fails_in_a_transaction(snowflake_emulator: dict[str, object]) -> None:
    """So that no test passes by what the emulator alone can do."""
    from snowflake.connector.errors import ProgrammingError

    from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

    with SnowflakeWarehouse(snowflake_emulator).session() as session:
        with pytest.raises(ProgrammingError, match="would commit the transaction"), session.transaction():
            session.execute("CREATE TEMPORARY TABLE aside (n INTEGER)")
        session.execute("CREATE TEMPORARY TABLE aside (n INTEGER)")


def test_question_marks_in_quotes_are_no_parameters(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        assert session.fetch("SELECT 'a?%' AS \"b?\", ?", [3]) == [("a?%", 3)]


def test_temporary_tables_belong_to_one_session(warehouse: Warehouse) -> None:
    with warehouse.session() as session, warehouse.session() as other:
        session.execute("CREATE TEMPORARY TABLE mine (n INTEGER)")
        session.execute("INSERT INTO mine VALUES (1)")
        assert session.fetch("SELECT count(*) FROM mine") == [(1,)]
        assert other.columns(TableName(name="mine")) is None


def test_types_that_the_warehouse_alone_knows_are_told_by_name(warehouse: Warehouse) -> None:
    kind = {"duckdb": "UUID", "postgresql": "uuid", "snowflake": "VARIANT"}[warehouse.dialect.name]
    with warehouse.session() as session:
        session.execute("CREATE SCHEMA IF NOT EXISTS raw")
        session.execute(f"CREATE TABLE raw.odd (x {kind})")
        (column,) = session.columns(TableName.parse("raw.odd")) or []
        assert column.type == ColumnType("other", name=kind)


def _plain(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [tuple(bytes(each) if isinstance(each, bytearray) else each for each in row) for row in rows]


def _fail(session: Session) -> None:
    with session.transaction():
        session.execute("INSERT INTO raw.things (name, n) VALUES (?, ?)", ["lost", 2])
        raise ZeroDivisionError


def _first(row: tuple[object, ...]) -> str:
    return str(row[0])
