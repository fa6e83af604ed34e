"""The checks of a load look at what is to take effect, before it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.postgres import PostgresServer
from toque import accepted_values, row_count
from toque.graph.checks import AnyCheck
from toque.graph.loads import Append, LoadSpec, Merge, Replace, Scd2, TableName, Upsert
from toque.integrations.checking.auditing import ChecksFailed
from toque.integrations.checking.replaying import Replayed, replay
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import desk_of
from toque.integrations.loading.gate import Gate
from toque.integrations.loading.load import load
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.sources import Batch
from toque.ports.warehouse import Warehouse

KNOWN = ["trial", "team"]
NOW = datetime(2026, 3, 30, tzinfo=UTC)


class Users:
    """One batch of versions of users, in the order of their change."""

    name = "app.users"

    def __init__(
        self,
        versions: Sequence[tuple[str, str]],
        *,
        deleted: Sequence[str] = (),
        is_everything: bool = False,
        first: int = 1,
    ) -> None:
        rows = [*versions, *((user, None) for user in deleted)]
        count = len(rows)
        self._batch = Batch(
            rows=pa.table(
                {"id": [user for user, _ in rows], "plan": pa.array([plan for _, plan in rows], pa.string())}
            ),
            since="",
            upto=f"upto {rows}",
            is_everything=is_everything,
            deleted=pa.array([position >= len(versions) for position in range(count)]),
            order=None if is_everything else pa.array(range(first, first + count), pa.int64()),
        )

    def read(self, cursor: str) -> Iterator[Batch]:
        yield self._batch

    def confirm(self, cursor: str) -> None:
        pass


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb")


def loaded(warehouse: DuckDBWarehouse, users: Users, check: AnyCheck, mode: Any) -> list[tuple[Any, ...]]:
    load(users, warehouse, LoadSpec(table=TableName(name="users"), mode=mode), gate=Gate([check]))
    return table(warehouse, "users")


def table(warehouse: DuckDBWarehouse, name: str) -> list[tuple[Any, ...]]:
    with warehouse.session() as session:
        return session.fetch(f"SELECT id, plan FROM {name} ORDER BY ALL")


BLOCKS = accepted_values("plan", KNOWN)


def test_a_bad_version_that_was_put_right_halts_nobody(warehouse: DuckDBWarehouse) -> None:
    users = Users([("u1", "platinum"), ("u2", "team"), ("u1", "trial")])
    assert loaded(warehouse, users, BLOCKS, Merge("id")) == [("u1", "trial"), ("u2", "team")]


def test_a_bad_version_of_what_is_gone_halts_nobody(warehouse: DuckDBWarehouse) -> None:
    users = Users([("u1", "platinum"), ("u2", "team")], deleted=["u1"])
    assert loaded(warehouse, users, BLOCKS, Merge("id")) == [("u2", "team")]


def test_the_version_that_is_to_take_effect_halts_all(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(ChecksFailed, match=r"1 rows? of 2") as raised:
        loaded(warehouse, Users([("u1", "trial"), ("u1", "platinum"), ("u2", "team")]), BLOCKS, Merge("id"))
    assert str(raised.value).endswith("Nothing took effect; the batch stands in users__staging.")
    assert table(warehouse, "users") == []
    assert table(warehouse, "users__staging") == [("u1", "platinum"), ("u1", "trial"), ("u2", "team")]
    loaded(warehouse, Users([("u2", "team")]), BLOCKS, Merge("id"))
    with warehouse.session() as session:
        assert session.columns(TableName(name="users__staging")) is None


def test_a_full_refresh_that_does_not_pass_leaves_the_table_and_can_be_looked_at(either: Warehouse) -> None:
    spec = LoadSpec(table=TableName.parse("raw.users"), mode=Replace())
    checks: list[AnyCheck] = [row_count(min=2), BLOCKS.quarantine()]
    load(Users([("u1", "team"), ("u2", "team")]), either, spec, gate=Gate(checks))
    with pytest.raises(ChecksFailed, match=r"the batch stands in raw\.users__staging"):
        load(Users([("u3", "team"), ("u4", "gold")]), either, spec, gate=Gate(checks))
    with either.session() as session:
        found = [session.fetch(f"SELECT id FROM raw.{name} ORDER BY id") for name in ("users", "users__staging")]
        assert found == [[("u1",), ("u2",)], [("u3",), ("u4",)]]
        assert session.fetch("SELECT count(*) FROM raw.users__rejects") == [(0,)]


@pytest.mark.parametrize("mode", [Append(), Scd2("id")])
def test_where_each_version_stays_each_is_looked_at(warehouse: DuckDBWarehouse, mode: Any) -> None:
    with pytest.raises(ChecksFailed):
        loaded(warehouse, Users([("u1", "platinum"), ("u1", "trial")]), BLOCKS, mode)


def test_a_load_of_several_batches_says_what_it_found_in_all_of_them(warehouse: DuckDBWarehouse) -> None:
    class Days:
        name = "app.users"

        def read(self, cursor: str) -> Iterator[Batch]:
            for day, plans in enumerate((["team", "gold"], ["team", "team"], ["gold", "gold", "trial"]), start=1):
                (batch,) = Users([(f"u{day}{n}", plan) for n, plan in enumerate(plans)], first=day * 10).read("")
                yield replace(batch, since=cursor, upto=f"day {day}")
                cursor = f"day {day}"

        def confirm(self, cursor: str) -> None:
            pass

    gate = Gate([BLOCKS.quarantine(), row_count(min=3).warn()])
    load(Days(), warehouse, LoadSpec(table=TableName(name="users"), mode=Append()), gate=gate)
    assert gate.report is not None
    plans, rows = gate.report.verdicts
    assert (plans.bad, plans.total, plans.message[:20]) == (3, 7, "3 rows of 7 (42.9 %)")
    assert (rows.outcome, rows.message) == ("passed", "4 rows, at least 3")
    assert (gate.report.set_aside, gate.report.batch_id) == (3, "")


def test_of_rows_set_aside_no_older_bad_one_takes_effect(warehouse: DuckDBWarehouse) -> None:
    users = Users([("u1", "team"), ("u1", "gold"), ("u1", "platinum")])
    assert loaded(warehouse, users, BLOCKS.quarantine(), Merge("id")) == [("u1", "team")]
    with warehouse.session() as session:
        assert session.fetch("SELECT count(*) FROM users__rejects") == [(2,)]


@pytest.fixture(params=["duckdb", "postgresql"])
def either(request: pytest.FixtureRequest, warehouse: DuckDBWarehouse) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        yield warehouse
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create("template1")
    yield PostgreSQLWarehouse(url)
    server.drop(url)


@pytest.mark.parametrize(
    ("mode", "living"), [(Merge("id"), "TRUE"), (Merge("id", "soft"), "NOT _toque_deleted"), (Scd2("id"), "is_current")]
)
def test_a_full_reading_deletes_what_is_gone_and_keeps_the_last_good_version_of_what_is_bad(
    either: Warehouse, mode: Any, living: str
) -> None:
    spec = LoadSpec(table=TableName(name="users"), mode=mode)

    def read(*versions: tuple[str, str]) -> list[tuple[Any, ...]]:
        load(Users(versions, is_everything=True), either, spec, gate=Gate([BLOCKS.quarantine()]))
        with either.session() as session:
            return session.fetch(f"SELECT id, plan FROM users WHERE {living} ORDER BY id, plan")

    assert read(("u1", "trial"), ("u2", "team"), ("u3", "gold")) == [("u1", "trial"), ("u2", "team")]
    assert read(("u1", "gold"), ("u3", "gold")) == [("u1", "trial")]
    assert read(("u1", "team"), ("u3", "team")) == [("u1", "team"), ("u3", "team")]
    assert read(("u3", "team")) == [("u3", "team")]


@pytest.mark.parametrize("mode", [Merge("id"), Upsert("id")], ids=str)
def test_a_row_that_was_mended_takes_the_place_of_an_older_version_and_of_nothing_newer(
    either: Warehouse, mode: Any
) -> None:
    spec, check = LoadSpec(table=TableName(name="users"), mode=mode), BLOCKS.quarantine()

    def arrive(first: int, *versions: tuple[str, str], deleted: Sequence[str] = ()) -> None:
        load(Users(versions, deleted=deleted, first=first), either, spec, gate=Gate([check]))

    def mended() -> tuple[list[Any], Replayed]:
        with desk_of(either) as desk:
            desk.session.execute("UPDATE users__rejects SET row_json = replace(row_json, 'gold', 'team')")
            (done,) = replay(desk, Look(spec.table, NOW), [check], batch_id="", key=["id"])
            rows = desk.session.fetch("SELECT id, plan FROM users ORDER BY id, plan")
        return rows, done

    arrive(1, ("u1", "trial"), ("u2", "trial"), ("u3", "trial"), ("u4", "trial"))
    arrive(11, ("u1", "gold"), ("u2", "gold"), ("u3", "gold"), ("u4", "platinum"), ("u1", "platinum"))
    arrive(21, ("u2", "trial"), deleted=["u3"] if isinstance(mode, Merge) else [])
    rows, done = mended()
    kept = [] if isinstance(mode, Merge) else [("u3", "team")]
    assert rows == [("u1", "team"), ("u2", "trial"), *kept, ("u4", "trial")]
    assert (done.loaded, done.superseded, done.still_bad) == (1 + len(kept), 2 - len(kept), 2)
    # What is loaded later is newer than what was replayed.
    arrive(31, ("u1", "trial"))
    with either.session() as session:
        assert session.fetch("SELECT plan FROM users WHERE id = 'u1'") == [("trial",)]
