"""The statements of loads, as they are sent: the order is the safety."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import DIALECTS, DUCKDB, POSTGRESQL, SNOWFLAKE, Dialect
from toque.data.loads.drift import Shape, decide
from toque.data.loads.recipe import Ledger, steps
from toque.data.loads.shaped import Shaped, remember_seen
from toque.data.loads.tables import Tables
from toque.graph.loads import AnyMode, Append, Merge, Replace, Scd2, TableName, Upsert

TABLE = TableName.parse("raw.contact")


def shaped(mode: AnyMode, dialect: Dialect = DUCKDB) -> Shaped:
    columns = [Column("Id", ColumnType("text")), Column("n", ColumnType("int64"))]
    shape = decide(TABLE, None, columns, mode=mode, on_drift="evolve", dialect=dialect)
    return Shaped(Tables(TABLE, dialect), mode, shape)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (Append(), ["insert"]),
        (Append("Id"), ["plan", "insert"]),
        (Upsert("Id"), ["plan", "update", "insert"]),
        (Merge("Id"), ["plan", "exhume", "bury", "delete", "update", "insert"]),
        (Merge("Id", "soft"), ["plan", "exhume", "bury", "mark deleted", "update", "insert"]),
        (Merge("Id", "ignore"), ["plan", "update", "insert"]),
        (Scd2("Id"), ["plan", "end", "rewrite", "insert", "spans"]),
        (Replace(), ["clear", "insert"]),
    ],
    ids=str,
)
def test_the_plan_comes_before_every_change(mode: AnyMode, names: list[str]) -> None:
    assert [step.name for step in steps(shaped(mode))] == names


@pytest.mark.parametrize("mode", [Merge("Id"), Merge("Id", "soft"), Scd2("Id")], ids=str)
def test_a_full_reading_stages_deletes_first(mode: AnyMode) -> None:
    assert steps(shaped(mode), is_everything=True)[0].name == "vanished"


def test_what_was_set_aside_counts_as_there() -> None:
    load = replace(shaped(Merge("Id")), sets_aside=True)
    remembered = remember_seen(load)
    assert remembered[-1].startswith('CREATE TEMPORARY TABLE "_toque_seen_contact" AS SELECT DISTINCT "Id"')
    assert 'NOT EXISTS (SELECT 1 FROM "_toque_seen_contact" AS s' in steps(load, is_everything=True)[0].sql


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda each: each.name)
@pytest.mark.parametrize("mode", [Append("Id"), Merge("Id", "soft"), Scd2("Id"), Replace()], ids=str)
def test_no_statement_of_the_transaction_defines_anything(mode: AnyMode, dialect: Dialect) -> None:
    load, ledger = shaped(mode, dialect), Ledger(Tables(TABLE, dialect))
    sent = [step.sql for step in steps(load, is_everything=True)]
    sent += [ledger.lock().sql, ledger.is_known(), ledger.next_number(), ledger.write().sql, ledger.prune().sql]
    assert {text.split()[0] for text in sent} <= {"INSERT", "UPDATE", "DELETE", "SELECT"}


def test_what_is_made_before_differs_by_dialect() -> None:
    tables = Tables(TABLE, SNOWFLAKE)
    assert tables.kept()[-1].startswith('INSERT INTO "RAW"."_TOQUE_LOCK_CONTACT"')
    assert "PRIMARY KEY" not in "".join(tables.kept())
    assert 'PRIMARY KEY ("target", "number")' in Tables(TABLE, POSTGRESQL).kept()[1]
    load = shaped(Merge("Id"), POSTGRESQL)
    made = load.tables.shaped(load.shape, load.mode, None)
    assert made[0].endswith('"_toque_order" bigint, "_toque_sequence" bigint, PRIMARY KEY ("id"))')
    assert "_toque_tombstones_contact" in made[1]


def test_a_table_that_is_there_is_altered_to_fit() -> None:
    tables = Tables(TABLE, DUCKDB)
    there = [Column("id", ColumnType("int32"))]
    shape = Shape(
        shaped(Merge("Id")).shape.columns,
        added=(Column("n", ColumnType("int64")),),
        altered=(Column("id", ColumnType("int64")),),
    )
    assert tables.shaped(shape, Upsert("Id"), there) == [
        'ALTER TABLE "raw"."contact" ADD COLUMN "n" BIGINT',
        'ALTER TABLE "raw"."contact" ADD COLUMN "_toque_order" BIGINT',
        'ALTER TABLE "raw"."contact" ADD COLUMN "_toque_sequence" BIGINT',
        'ALTER TABLE "raw"."contact" ALTER COLUMN "id" TYPE BIGINT',
    ]
