"""Rows as column values and back, for any row; map indexes that sort as tuples do; fields added later."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import store_rows as rows
from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.ports.store import CommandRow
from toque.store.sql import schema
from toque.store.sql.codec import COMPRESS_ABOVE, RowCodec, pack_facts, pack_index, unpack_facts, unpack_index
from toque.store.sql.declared import Column, Table

indexes = st.lists(st.integers(0, 2**32 - 1), max_size=4).map(tuple)


@given(indexes, indexes)
def test_packed_indexes_sort_as_the_tuples_do(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    assert unpack_index(pack_index(one)) == one
    assert (pack_index(one) < pack_index(other)) == (one < other)


@pytest.mark.parametrize("index", [(-1,), (2**32,)])
def test_an_index_that_has_no_place_is_refused(index: tuple[int, ...]) -> None:
    with pytest.raises(Exception, match=r"argument out of range|format requires"):
        pack_index(index)


@pytest.mark.parametrize("count", [1, 3, 500])
def test_facts_are_compressed_when_they_are_many(count: int) -> None:
    facts = rows.facts(1, count).facts
    compressed, data = pack_facts(facts)
    assert compressed == (count == 500)
    assert len(data) <= COMPRESS_ABOVE * 10
    assert unpack_facts(compressed, data) == facts


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (schema.TASKS, rows.full_task()),
        (schema.TASKS, rows.task()),
        (schema.RUNS, rows.run(reuse=("a",), tags={"k": "v"}, state=RunState.SUSPENDED)),
        (schema.ATTEMPTS, rows.attempt(2, index=(1, 2))),
        (schema.STEPS, rows.step()),
        (schema.VERSIONS, rows.version(git_dirty=True)),
        (schema.COMMANDS, rows.command(id=7)),
        (schema.OUTBOX, rows.message("m", last_error="x")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_a_row_comes_back_from_its_columns(table: Table, row: msgspec.Struct) -> None:
    codec = RowCodec(table, type(row))
    values = codec.encode(row)
    assert len(values) == len(codec.names)
    # Drivers turn a member of an enum into something of their own choice.
    assert {type(value) for value in values} <= {str, int, bytes}
    assert codec.decode(values) == row


@pytest.mark.parametrize("table", [table for table in schema.TABLES if table.row], ids=lambda table: table.name)
def test_every_column_is_a_field_and_every_field_has_a_place(table: Table) -> None:
    assert table.row is not None
    fields = {field.name for field in msgspec.structs.fields(table.row)}
    columns = set(table.column_names)
    assert columns - fields <= {"rest", "dedup"}
    assert "rest" in columns or fields <= columns
    assert set(table.key) <= columns


def test_a_row_of_an_earlier_release_reads_with_the_defaults_of_new_fields() -> None:
    class Before(msgspec.Struct, kw_only=True, omit_defaults=True):
        name: str
        kept: int = 0
        dropped: str = "x"

    class After(msgspec.Struct, kw_only=True, omit_defaults=True):
        name: str
        kept: int = 0
        added: list[int] = []

    table = Table(name="t", key=("name",), columns=(Column("name"), Column("rest", "bytes")))
    stored = RowCodec(table, Before).encode(Before(name="a", kept=3, dropped="y"))
    assert RowCodec(table, After).decode(stored) == After(name="a", kept=3)


def test_what_is_usual_takes_no_room() -> None:
    codec = RowCodec(schema.TASKS, TaskRow)
    assert len(codec.encode(rows.task())[-1]) <= 3


def test_a_large_rest_is_compressed_when_that_helps() -> None:
    codec = RowCodec(schema.TASKS, TaskRow)
    for handle, most in (("x" * 20_000, 200), (random.Random(1).randbytes(10_000).hex(), 12_000)):
        values = codec.encode(rows.task(handle=handle))
        assert len(values[-1]) < most
        assert codec.decode(values).handle == handle
    incompressible = rows.command(payload={"k": random.Random(2).randbytes(800).decode("latin-1")})
    commands = RowCodec(schema.COMMANDS, CommandRow)
    assert commands.decode(commands.encode(incompressible)) == incompressible


def test_rows_of_the_engine_have_their_codecs() -> None:
    assert {table.row for table in schema.TABLES} >= {RunRow, TaskRow, AttemptRow, StepRow}
    assert (
        TaskState("ready")
        is RowCodec(schema.TASKS, TaskRow).decode(RowCodec(schema.TASKS, TaskRow).encode(rows.task())).state
    )
