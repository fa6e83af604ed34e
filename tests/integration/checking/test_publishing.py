"""Write, audit, publish: readers see the old rows until the new ones passed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from tests.integration.checking.conftest import LOOK, table
from toque.authoring.data_checks import accepted_values, not_null, row_count
from toque.data.checks.dialects import Sql
from toque.data.loads.dialects import SNOWFLAKE
from toque.errors import DataError, UserError
from toque.graph.loads import TableName
from toque.integrations.checking.publishing import publish
from toque.integrations.checking.sessions import Desk
from toque.integrations.warehouses.postgresql import PostgreSQLSession

NEW = "SELECT id + 10 AS id, stage FROM raw.contact"


def building(desk: Desk, query: str) -> Callable[[TableName], None]:
    return lambda aside: desk.execute(Sql(f"CREATE TABLE {desk.dialect.table(aside)} AS {query}"))


def test_what_passes_becomes_the_live_table(desk: Desk) -> None:
    report = publish(desk, LOOK, building(desk, NEW), [not_null("id"), row_count(min=3)], batch_id="b1")
    assert report.passed
    assert table(desk) == [(11, "lead"), (12, "customer"), (13, "lead")]
    assert not desk.columns(TableName.parse("raw.contact__staging"))


def test_a_failed_audit_leaves_the_old_data_live_and_says_so(desk: Desk) -> None:
    before = table(desk)
    with pytest.raises(DataError) as caught:
        publish(desk, LOOK, building(desk, NEW), [accepted_values("stage", ["lead"])], batch_id="b1")
    assert table(desk) == before
    assert str(caught.value).endswith("The old data stays live; what was built stands in raw.contact__staging.")
    assert caught.value.sample == [{"check": "accepted_values(stage)", "id": 12, "stage": "customer"}]
    assert len(table(desk, "raw.contact__staging")) == 3
    publish(desk, LOOK, building(desk, NEW), [], batch_id="b2")
    assert len(table(desk)[0]) == 2


def test_bad_rows_are_set_aside_and_the_others_published(desk: Desk) -> None:
    checks = [accepted_values("stage", ["lead"]).quarantine()]
    report = publish(desk, LOOK, building(desk, NEW), checks, batch_id="b1")
    assert report.set_aside == 1
    assert table(desk) == [(11, "lead"), (13, "lead")]
    assert [row[1:4] for row in table(desk, "raw.contact__rejects")] == [
        ("accepted_values(stage)", "stage", "customer")
    ]


def test_the_first_time_there_is_nothing_to_replace(desk: Desk) -> None:
    desk.execute(Sql("DROP TABLE raw.contact"))
    build = building(desk, "SELECT 1 AS id")
    with pytest.raises(DataError, match="Nothing was published"):
        publish(desk, LOOK, build, [row_count(min=5)], batch_id="b1")
    publish(desk, LOOK, build, [row_count(min=1)], batch_id="b1")
    assert table(desk) == [(1,)]


def test_an_error_of_the_build_leaves_the_old_data_live(desk: Desk) -> None:
    before = table(desk)

    def build(aside: TableName) -> None:
        building(desk, NEW)(aside)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        publish(desk, LOOK, build, [], batch_id="b1")
    assert table(desk) == before


def test_a_build_that_makes_no_table_is_told(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"Nothing was built: there is no table raw\.contact__staging"):
        publish(desk, LOOK, lambda aside: None, [], batch_id="b1")


only_postgres = pytest.mark.parametrize("desk", ["postgresql"], indirect=True)


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


def test_snowflake_is_refused_by_name(duck: Desk) -> None:
    with pytest.raises(UserError, match="Snowflake commits at each rename"):
        publish(replace(duck, dialect=SNOWFLAKE), LOOK, lambda aside: None, [], batch_id="b1")
