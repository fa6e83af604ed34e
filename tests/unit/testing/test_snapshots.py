"""Snapshots: what is watched, and how two moments differ in words."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toque.errors import UserError
from toque.testing.snapshots import ROWS_SHOWN, Rows, Snapshot, changes, take


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def lite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def differences(first: Snapshot, second: Snapshot) -> list[str]:
    return list(changes(first, second))


def tables(**rows: list[tuple[Any, ...]]) -> Snapshot:
    return Snapshot(tables={name: Rows(("a", "b"), found) for name, found in rows.items()})


def test_files_below_a_directory_are_taken_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "x.txt").write_text("x")
    (tmp_path / "y.txt").write_text("")
    (tmp_path / "empty").mkdir()
    found = take([tmp_path])
    assert found.files == {
        str(tmp_path / "deep" / "er" / "x.txt"): digest("x"),
        str(tmp_path / "y.txt"): digest(""),
    }
    assert found.tables == {}


def test_one_file_is_watched_by_its_path_in_either_form(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b")
    assert take([path]) == take([str(path)]) == Snapshot(files={str(path): digest("a,b")})


def test_what_is_not_there_yet_is_nothing_and_then_new(tmp_path: Path) -> None:
    path = tmp_path / "later.txt"
    before = take([path])
    assert before == Snapshot()
    path.write_text("x")
    assert differences(before, take([path])) == [f"file {path}: new"]
    assert differences(take([path]), before) == [f"file {path}: gone"]


def test_a_file_that_was_written_again_as_it_was_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("same")
    before = take([tmp_path])
    path.unlink()
    path.write_text("same")
    assert differences(before, take([tmp_path])) == []
    path.write_text("other")
    assert differences(before, take([tmp_path])) == [f"file {path}: other content"]


@pytest.mark.parametrize("watched", [3, None, 2.5, b"path", ["a path in a list"]], ids=str)
def test_what_has_no_content_to_look_at_cannot_be_watched(watched: Any) -> None:
    with pytest.raises(UserError, match="cannot be watched") as caught:
        take([watched])
    assert caught.value.fix == "paths, DuckDB or SQLite connections, and functions that return tables by name"


def test_tables_of_a_sqlite_connection_are_taken_with_their_columns(lite: sqlite3.Connection) -> None:
    lite.executescript("CREATE TABLE flights (id, delay); INSERT INTO flights VALUES (1, 2.5), (2, NULL);")
    lite.execute("CREATE VIEW late AS SELECT * FROM flights WHERE delay > 1")
    assert take([lite]).tables == {"flights": Rows(("id", "delay"), [(1, 2.5), (2, None)])}


def test_names_that_have_to_be_quoted_are(lite: sqlite3.Connection) -> None:
    lite.execute('CREATE TABLE "order by" ("group" TEXT)')
    assert take([lite]).tables == {"order by": Rows(("group",), [])}
    with duckdb.connect() as con:
        con.execute('CREATE SCHEMA "my shop"; CREATE TABLE "my shop"."order by" ("group" TEXT)')
        assert take([con]).tables == {"my shop.order by": Rows(("group",), [])}


def test_tables_of_the_main_schema_of_duckdb_go_by_their_bare_name() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE a AS SELECT 1 AS x; CREATE SCHEMA s; CREATE TABLE s.a AS SELECT 2 AS x")
        con.execute("CREATE VIEW v AS SELECT * FROM a")
        assert take([con]).tables == {"a": Rows(("x",), [(1,)]), "s.a": Rows(("x",), [(2,)])}


def test_of_several_connections_the_tables_say_whose_they_are(lite: sqlite3.Connection) -> None:
    lite.execute("CREATE TABLE a (x)")
    with duckdb.connect() as con:
        con.execute("CREATE TABLE a (x INT)")
        assert set(take([lite, con]).tables) == {"connection 1: a", "connection 2: a"}


@pytest.mark.parametrize("suffix", [".db", ".duckdb", ""])
def test_a_duckdb_file_is_its_tables_whatever_it_is_called(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"shop{suffix}"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE a AS SELECT 1 AS x")
    before = take([tmp_path])
    assert (before.files, before.tables) == ({}, {f"{path}: a": Rows(("x",), [(1,)])})
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM a; INSERT INTO a VALUES (1); CHECKPOINT")
    assert differences(before, take([tmp_path])) == [], "other bytes, the same rows"


def test_a_sqlite_file_is_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    connection.close()
    before = take([path])
    assert (before.files, before.tables) == ({}, {f"{path}: a": Rows(("x",), [(1,)])})
    connection = sqlite3.connect(path)
    connection.executescript("INSERT INTO a VALUES (2);")
    connection.close()
    assert differences(before, take([path])) == [f"table {path}: a: 1 rows, then 2", "  + (2,)"]


def test_a_write_ahead_log_counts_by_itself_only_without_its_database(tmp_path: Path) -> None:
    (tmp_path / "shop.db.wal").write_text("log")
    assert set(take([tmp_path]).files) == {str(tmp_path / "shop.db.wal")}
    with duckdb.connect(str(tmp_path / "shop.db")) as con:
        con.execute("CHECKPOINT")
    (tmp_path / "shop.db.wal").write_text("log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("toque.testing.snapshots._DUCKDB_MAGIC", b"NONE")
        assert set(take([tmp_path]).files) == {str(tmp_path / "shop.db")}


def test_tables_that_come_and_go_are_named_once() -> None:
    before, after = tables(old=[(1, 2)], same=[]), tables(new=[(1, 2)], same=[])
    assert differences(before, after) == ["table old: gone", "table new: new"]


def test_rows_have_no_order_but_a_number() -> None:
    before = tables(t=[(1, "a"), (2, "b"), (2, "b")])
    assert differences(before, tables(t=[(2, "b"), (1, "a"), (2, "b")])) == []
    assert differences(before, tables(t=[(1, "a"), (2, "b")])) == ["table t: 3 rows, then 2", "  - (2, 'b')"]


def test_the_same_number_in_another_type_is_the_same_row() -> None:
    assert differences(tables(t=[(1, "a")]), tables(t=[(1.0, "a")])) == []
    assert differences(tables(t=[(1, "a")]), tables(t=[("1", "a")])) == [
        "table t: 1 rows, then 1",
        "  - (1, 'a')",
        "  + ('1', 'a')",
    ]


def test_other_columns_are_told_instead_of_every_row() -> None:
    after = Snapshot(tables={"t": Rows(("a", "c"), [(1, 2)])})
    assert differences(tables(t=[(1, 2)]), after) == ["table t: columns a, b, then a, c"]


@pytest.mark.parametrize(("count", "last"), [(ROWS_SHOWN, None), (ROWS_SHOWN + 1, 1), (500, 500 - ROWS_SHOWN)])
def test_of_many_rows_that_differ_some_are_shown(count: int, last: int | None) -> None:
    found = differences(tables(t=[]), tables(t=[(number, "x") for number in range(count)]))
    assert found[0] == f"table t: 0 rows, then {count}"
    assert len(found) == 1 + ROWS_SHOWN + (last is not None)
    assert (found[-1] == f"  … and {last} rows more") is (last is not None)


def test_tables_that_a_function_tells_of_are_watched_without_what_is_ignored() -> None:
    held: dict[str, list[dict[str, object]]] = {"CRM Contact": [{"Id": "c1", "Stamp": 1}], "CRM Lead": []}
    before = take([lambda: held], ["stamp"])
    held["CRM Contact"] = [{"Id": "c1", "Stamp": 2}]
    assert list(changes(before, take([lambda: held], ["stamp"]))) == []
    held["CRM Contact"].append({"Id": "c2", "Stamp": 3})
    assert list(changes(before, take([lambda: held], ["stamp"]))) == [
        "table CRM Contact: 1 rows, then 2",
        "  + ('c2',)",
    ]


def test_what_a_function_tells_of_must_be_a_table() -> None:
    with pytest.raises(UserError, match="gave 3 as CRM Contact"):
        take([lambda: {"CRM Contact": 3}])
