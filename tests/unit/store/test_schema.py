"""The declaration of the tables: what may be stored derives from the engine's enums."""

from __future__ import annotations

import re
import sqlite3

import pytest

from toque.engine.states import RUN_TERMINAL, AttemptOutcome, RunState, TaskState
from toque.store.sql import schema
from toque.store.sql.declared import Column, Table
from toque.store.sql.schema import TABLES
from toque.store.sql.text import create_schema, create_table, on_conflict


@pytest.mark.parametrize(
    ("table", "column", "enum"),
    [("runs", "state", RunState), ("tasks", "state", TaskState), ("attempts", "outcome", AttemptOutcome)],
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_constraint_on_a_state_lists_what_the_engine_knows(
    kind: str, table: str, column: str, enum: type[RunState]
) -> None:
    text = "\n".join(create_schema(kind))  # type: ignore[arg-type]
    found = re.search(rf"CONSTRAINT {table}_{column} CHECK \({column} IN \((.*)\)\)", text)
    assert found is not None
    assert [value.strip("'") for value in found[1].split(", ")] == [member.value for member in enum]


def test_sqlite_refuses_a_state_that_the_engine_does_not_know() -> None:
    connection = sqlite3.connect(":memory:")
    for statement in create_schema("sqlite"):
        connection.execute(statement)
    connection.execute("INSERT INTO counters VALUES ('n', 1)")
    columns = [column for column in schema.RUNS.columns if column.name != "state"]
    names = ", ".join(["state", *(column.name for column in columns)])
    marks = ", ".join("?" * (len(columns) + 1))
    values = [0 if column.kind == "int" else b"" if column.kind == "bytes" else "" for column in columns]
    connection.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", ["running", *values])
    with pytest.raises(sqlite3.IntegrityError, match="runs_state"):
        connection.execute("UPDATE runs SET state = 'done'")
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        connection.execute("UPDATE runs SET owner = NULL")
    connection.close()


def test_the_texts_of_partial_indexes_name_the_states_they_mean() -> None:
    for state in RunState:
        assert (f"'{state}'" in schema.UNFINISHED) == (state not in RUN_TERMINAL)
    for task_state in TaskState:
        assert (f"'{task_state}'" in schema.TROUBLED) == (task_state in schema.TROUBLED_STATES)
    assert schema.states_in("s", frozenset({RunState.RUNNING, RunState.FAILED})) == "s IN ('failed', 'running')"


def test_no_column_may_be_null_and_names_are_plain() -> None:
    for table in TABLES:
        for name in (table.name, *table.column_names, *(index.name for index in table.indexes)):
            assert re.fullmatch(r"[a-z_]+", name)
        for column in table.columns:
            text = create_table("postgresql", table)[0]
            assert re.search(rf"^  {column.name} .*(NOT NULL|PRIMARY KEY)", text, re.MULTILINE), column


def test_an_upsert_leaves_the_key_and_what_is_frozen_alone() -> None:
    table = Table(
        name="t", key=("a", "b"), columns=(Column("a"), Column("b"), Column("c"), Column("born", "int", frozen=True))
    )
    assert on_conflict(table, table.column_names) == "ON CONFLICT (a, b) DO UPDATE SET c = excluded.c"
