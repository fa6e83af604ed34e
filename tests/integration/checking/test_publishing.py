"""Write, audit, publish: readers see the old rows until the new ones passed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
import pytest

from tests.integration.checking.conftest import LOOK, table
from tests.integration.checking.test_crashes import Crash, Failing
from toque.authoring.data_checks import accepted_values, not_null, row_count
from toque.data.checks.dialects import Sql
from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import SNOWFLAKE
from toque.errors import DataError, UserError
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import ChecksFailed
from toque.integrations.checking.publishing import publish
from toque.integrations.checking.sessions import Desk
from toque.integrations.warehouses.postgresql import PostgreSQLSession

NEW = "SELECT id + 10 AS id, stage FROM raw.contact"


def building(desk: Desk, query: str) -> Callable[[TableName], None]:
    return lambda aside: desk.execute(Sql(f"CREATE TABLE {desk.dialect.table(aside)} AS {query}"))


def aside(desk: Desk) -> list[str]:
    """What stands beside the live table, by the names that people write."""
    names = desk.fetch(Sql("SELECT table_name FROM information_schema.tables WHERE lower(table_schema) = 'raw'"))
    return sorted(name.lower() for (name,) in names if "staging" in name.lower())


def test_what_passes_becomes_the_live_table(everywhere: Desk) -> None:
    report = publish(everywhere, LOOK, building(everywhere, NEW), [not_null("id"), row_count(min=3)], batch_id="b1")
    assert report.passed
    assert report.table == "raw.contact"
    assert table(everywhere) == [(11, "lead"), (12, "customer"), (13, "lead")]
    assert aside(everywhere) == []


def test_a_failed_audit_leaves_the_old_data_live_and_says_so(everywhere: Desk) -> None:
    before = table(everywhere)
    with pytest.raises(ChecksFailed) as caught:
        publish(everywhere, LOOK, building(everywhere, NEW), [accepted_values("stage", ["lead"])], batch_id="b1")
    assert table(everywhere) == before
    assert str(caught.value).endswith("The old data stays live; what was built stands in raw.contact__staging.")
    (sample,) = caught.value.sample
    assert {name.lower(): shown for name, shown in sample.items()} == {
        "check": "accepted_values(stage)",
        "id": 12,
        "stage": "customer",
    }
    assert [each.outcome for each in caught.value.report.verdicts] == ["blocked"]
    assert len(table(everywhere, "raw.contact__staging")) == 3
    with pytest.raises(ChecksFailed, match="at most 4"):
        publish(everywhere, LOOK, building(everywhere, f"{NEW} UNION ALL {NEW}"), [row_count(max=4)], batch_id="b2")
    assert (aside(everywhere), len(table(everywhere, "raw.contact__staging"))) == (["contact__staging"], 6)
    publish(everywhere, LOOK, building(everywhere, NEW), [], batch_id="b3")
    assert (aside(everywhere), len(table(everywhere)[0])) == ([], 2)


def test_bad_rows_are_set_aside_and_the_others_published(everywhere: Desk) -> None:
    checks = [accepted_values("stage", ["lead"]).quarantine()]
    report = publish(everywhere, LOOK, building(everywhere, NEW), checks, batch_id="b1")
    assert report.set_aside == 1
    assert table(everywhere) == [(11, "lead"), (13, "lead")]
    ((_, rule, column, value, _),) = table(everywhere, "raw.contact__rejects")
    assert (rule, column.lower(), value) == ("accepted_values(stage)", "stage", "customer")


def test_the_first_time_there_is_nothing_to_replace(everywhere: Desk) -> None:
    everywhere.execute(Sql("DROP TABLE raw.contact"))
    build = building(everywhere, "SELECT 1 AS id")
    with pytest.raises(DataError, match="Nothing was published"):
        publish(everywhere, LOOK, build, [row_count(min=5)], batch_id="b1")
    publish(everywhere, LOOK, build, [row_count(min=1)], batch_id="b1")
    assert table(everywhere) == [(1,)]


def test_an_error_of_the_build_leaves_the_old_data_live(desk: Desk) -> None:
    before = table(desk)

    def build(aside: TableName) -> None:
        building(desk, NEW)(aside)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        publish(desk, LOOK, build, [], batch_id="b1")
    assert (table(desk), aside(desk)) == (before, [])


def test_a_build_that_makes_no_table_is_told(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"Nothing was built: there is no table raw\.contact__staging_"):
        publish(desk, LOOK, lambda aside: None, [], batch_id="b1")


only_postgres = pytest.mark.parametrize("desk", ["elephant"], indirect=True)


@only_postgres
def test_views_and_grants_of_the_live_table_outlive_a_publication(desk: Desk) -> None:
    desk.execute(Sql("CREATE VIEW raw.leads AS SELECT id FROM raw.contact WHERE stage = 'lead'"))
    same = 'SELECT id + 10 AS id, "Email", account_id, stage, score, updated_at FROM raw.contact'
    publish(desk, LOOK, building(desk, same), [row_count(min=1)], batch_id="b1")
    assert table(desk, "raw.leads") == [(11,), (13,)]
    with pytest.raises(UserError, match="cannot be published with other columns"):
        publish(desk, LOOK, building(desk, NEW), [], batch_id="b2")
    assert table(desk, "raw.leads") == [(11,), (13,)]


@only_postgres
def test_a_reader_beside_never_sees_a_mixture(desk: Desk) -> None:
    """A reader reads as fast as it can while another connection publishes ten times."""
    assert isinstance(desk.session, PostgreSQLSession)
    dsn = desk.session.connection.info.dsn
    seen: set[tuple[int, int]] = set()
    ended = threading.Event()

    def read() -> None:
        with psycopg.connect(dsn, autocommit=True) as reader:
            while not ended.is_set():
                row = reader.execute("SELECT count(*), sum(id) FROM raw.contact").fetchone()
                assert row is not None
                seen.add((row[0], row[1]))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for n in range(10):
            publish(desk, LOOK, building(desk, f"SELECT {n} AS id FROM generate_series(1, 100)"), [], batch_id="b")
    finally:
        ended.set()
        thread.join()
    assert seen <= {(3, 6), *((100, 100 * n) for n in range(10))}


def test_two_that_publish_one_table_do_not_share_what_they_build(desk: Desk) -> None:
    def build(aside: TableName) -> None:
        building(desk, "SELECT 1 AS id")(aside)
        publish(desk, LOOK, building(desk, "SELECT 2 AS id"), [], batch_id="other")
        assert table(desk) == [(2,)]

    publish(desk, LOOK, build, [row_count(max=1)], batch_id="b1")
    assert table(desk) == [(1,)]


@only_postgres
def test_an_index_of_the_live_table_outlives_a_publication(desk: Desk) -> None:
    desk.execute(Sql("CREATE INDEX by_stage ON raw.contact (stage)"))
    publish(desk, LOOK, building(desk, "SELECT * FROM raw.contact WHERE id > 1"), [row_count(min=1)], batch_id="b1")
    assert len(table(desk)) == 2
    assert desk.fetch(Sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_stage'")) == [(1,)]


def test_a_publication_on_snowflake_that_ends_anywhere_is_completed_by_the_next(snow: Desk) -> None:
    """It commits at each change of a table: what holds is that readers find all old rows or all new ones, and that the
    same publication, done again, leaves rows and rejects once."""
    old, new = table(snow), [(11, "lead"), (13, "lead")]
    checks = [accepted_values("stage", ["lead"]).quarantine()]
    snow.execute(Sql(f"CREATE TABLE raw.fresh AS {NEW}"))
    seen = []
    for crashes in itertools.count(2):  # once something was built
        desk = Desk(Failing(snow.session, crashes, after=False), snow.dialect)
        try:
            publish(desk, LOOK, building(desk, "SELECT * FROM raw.fresh"), checks, batch_id="b1")
        except Crash:
            seen.append(table(snow))
            continue
        break
    assert [rows for rows in seen if rows not in (old, new)] == []
    assert seen[0] == old
    assert seen[-1] == table(snow) == new
    assert (len(table(snow, "raw.contact__rejects")), aside(snow)) == (1, [])


class Recorded:
    """A session of Snowflake that only remembers what is sent."""

    def __init__(self, *there: str) -> None:
        self.sent: list[str] = []
        self._there = there

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        self.sent.append(statement)
        return -1

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [(3,)]

    def columns(self, name: TableName) -> list[Column] | None:
        is_there = name.name in self._there or "staging" in name.name
        return [Column("ID", ColumnType("int64"))] if is_there else None

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["contact"], ['ALTER TABLE "RAW"."CONTACT" SWAP WITH {aside}', "DROP TABLE {aside}"]),
        ([], ['ALTER TABLE {aside} RENAME TO "RAW"."CONTACT"']),
    ],
)
def test_what_snowflake_is_sent_names_the_schema(there: list[str], expected: list[str]) -> None:
    """Real Snowflake means the schema of the session where none is named; the emulator cannot tell."""
    session: Any = Recorded(*there)
    built: list[TableName] = []
    publish(Desk(session, SNOWFLAKE), LOOK, built.append, [], batch_id="b1")
    aside = SNOWFLAKE.table(built[0])
    assert session.sent[2:] == [each.format(aside=aside) for each in expected]
