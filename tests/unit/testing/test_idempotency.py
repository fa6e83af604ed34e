"""Tasks that run twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.testing import pipelines as p
from toque.errors import UserError
from toque.testing import NotIdempotent, verify_idempotent


def found(task: Any, *args: Any, watch: list[Any] | None = None) -> list[str]:
    with pytest.raises(NotIdempotent) as caught:
        verify_idempotent(task, watch=watch or [])(*args)
    return caught.value.differences


def test_a_task_that_replaces_what_it_wrote_passes_and_returns(tmp_path: Path) -> None:
    assert verify_idempotent(p.overwrite, watch=[tmp_path])(tmp_path / "x", "text") == 4
    assert verify_idempotent(p.async_overwrite, watch=[tmp_path])(tmp_path / "x") == "x"


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert found(p.append, path, "text", watch=[tmp_path]) == [f"file {path}: other content"]


def test_a_file_that_is_new_the_second_time(tmp_path: Path) -> None:
    assert found(p.new_file, tmp_path, watch=[tmp_path]) == [f"file {tmp_path / '1.txt'}: new"]


def test_both_runs_have_one_idempotency_key(tmp_path: Path) -> None:
    verify_idempotent(p.keyed, watch=[tmp_path])(tmp_path)


def test_a_returned_value_that_differs() -> None:
    (difference,) = found(p.numbered)
    assert difference.startswith("returned value: ")
    assert found(p.table_of, [{"id": 1}])[0].startswith("returned value: row 0: at is ")


def test_the_second_run_does_not_see_what_the_first_did_to_its_arguments() -> None:
    rows = [1, 2]
    assert verify_idempotent(p.mutating)(rows) == 3
    assert rows == [1, 2]


@pytest.mark.parametrize("connect", [duckdb.connect, lambda: sqlite3.connect(":memory:")])
def test_rows_that_are_inserted_again(connect: Any) -> None:
    con = connect()
    con.execute("CREATE TABLE orders (id INTEGER, name VARCHAR)")
    assert found(p.insert, con, 7, watch=[con]) == [
        "table orders: 1 rows, then 2",
        "  + (7, 'x')",
    ]
    verify_idempotent(p.replace_rows, watch=[con])(con, 7)


def test_a_database_file_is_watched_by_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    differences = found(p.save, path, watch=[tmp_path])
    assert differences == [f"table {path}: orders: 1 rows, then 2", "  + (1,)"]


def test_the_message_names_the_fix(tmp_path: Path) -> None:
    with pytest.raises(NotIdempotent) as caught:
        verify_idempotent(p.append, watch=[tmp_path])(tmp_path / "x", "text")
    assert str(caught.value).splitlines()[0] == (
        "append is not idempotent: its second run left something else than its first"
    )
    assert "Fix: replace instead of append" in str(caught.value)


def test_what_cannot_be_watched_is_named() -> None:
    with pytest.raises(UserError, match="watch holds 3"):
        verify_idempotent(p.numbered, watch=[3])()
    with pytest.raises(UserError, match="needs a task"):
        verify_idempotent(p.etl)  # type: ignore[arg-type]
