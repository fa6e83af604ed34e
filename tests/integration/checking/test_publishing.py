"""Write, audit, publish: readers see the old rows until the new ones passed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest

from tests.integration.checking.conftest import CONTACT, LOOK, table
from toque.authoring.data_checks import accepted_values, not_null, row_count
from toque.data.checks.dialects import Sql, table_sql
from toque.errors import DataError, UserError
from toque.graph.loads import TableName
from toque.integrations.checking.publishing import publish
from toque.integrations.checking.sessions import DuckDBSession, PostgresSession, Session

NEW = "SELECT id + 10 AS id, stage FROM raw.contact"


def building(session: Session, query: str) -> Callable[[TableName], None]:
    return lambda aside: session.execute(Sql(f"CREATE TABLE {table_sql(aside)} AS {query}"))


def test_what_passes_becomes_the_live_table(session: Session) -> None:
    report = publish(session, LOOK, building(session, NEW), [not_null("id"), row_count(min=3)], batch_id="b1")
    assert report.passed
    assert table(session) == [(11, "lead"), (12, "customer"), (13, "lead")]
    assert not session.columns(TableName.parse("raw.contact__staging"))


def test_a_failed_audit_leaves_the_old_data_live_and_says_so(session: Session) -> None:
    before = table(session)
    with pytest.raises(DataError) as caught:
        publish(session, LOOK, building(session, NEW), [accepted_values("stage", ["lead"])], batch_id="b1")
    assert table(session) == before
    assert str(caught.value).endswith("The old data stays live; what was built stands in raw.contact__staging.")
    assert caught.value.sample == [{"check": "accepted_values(stage)", "id": 12, "stage": "customer"}]
    assert len(table(session, "raw.contact__staging")) == 3
    publish(session, LOOK, building(session, NEW), [], batch_id="b2")
    assert len(table(session)[0]) == 2


def test_bad_rows_are_set_aside_and_the_others_published(session: Session) -> None:
    checks = [accepted_values("stage", ["lead"]).quarantine()]
    report = publish(session, LOOK, building(session, NEW), checks, batch_id="b1")
    assert report.set_aside == 1
    assert table(session) == [(11, "lead"), (13, "lead")]
    assert [row[1:4] for row in table(session, "raw.contact__rejects")] == [
        ("accepted_values(stage)", "stage", "customer")
    ]


def test_the_first_time_there_is_nothing_to_replace(session: Session) -> None:
    session.execute(Sql("DROP TABLE raw.contact"))
    build = building(session, "SELECT 1 AS id")
    with pytest.raises(DataError, match="Nothing was published"):
        publish(session, LOOK, build, [row_count(min=5)], batch_id="b1")
    publish(session, LOOK, build, [row_count(min=1)], batch_id="b1")
    assert table(session) == [(1,)]


def test_an_error_of_the_build_leaves_the_old_data_live(session: Session) -> None:
    before = table(session)

    def build(aside: TableName) -> None:
        building(session, NEW)(aside)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        publish(session, LOOK, build, [], batch_id="b1")
    assert table(session) == before


def test_a_build_that_makes_no_table_is_told(session: Session) -> None:
    with pytest.raises(UserError, match=r"Nothing was built: there is no table raw\.contact__staging"):
        publish(session, LOOK, lambda aside: None, [], batch_id="b1")


@pytest.fixture
def postgres_session(session: Session) -> PostgresSession:
    assert isinstance(session, PostgresSession)
    return session


only_postgres = pytest.mark.parametrize("session", ["postgresql"], indirect=True)


@only_postgres
def test_views_and_grants_of_the_live_table_outlive_a_publication(postgres_session: PostgresSession) -> None:
    session = postgres_session
    session.execute(Sql("CREATE VIEW raw.leads AS SELECT id FROM raw.contact WHERE stage = 'lead'"))
    same = 'SELECT id + 10 AS id, "Email", account_id, stage, score, updated_at FROM raw.contact'
    publish(session, LOOK, building(session, same), [row_count(min=1)], batch_id="b1")
    assert table(session, "raw.leads") == [(11,), (13,)]
    with pytest.raises(UserError, match="cannot be published with other columns"):
        publish(session, LOOK, building(session, NEW), [], batch_id="b2")
    assert table(session, "raw.leads") == [(11,), (13,)]


@only_postgres
def test_a_reader_beside_never_sees_a_mixture(
    postgres_session: PostgresSession, request: pytest.FixtureRequest
) -> None:
    """A reader reads as fast as it can while another connection publishes ten times."""
    session = postgres_session
    seen: set[tuple[int, int]] = set()
    ended = threading.Event()

    def read() -> None:
        with psycopg.connect(session._connection.info.dsn, autocommit=True) as reader:
            while not ended.is_set():
                row = reader.execute("SELECT count(*), sum(id) FROM raw.contact").fetchone()
                assert row is not None
                seen.add((row[0], row[1]))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for n in range(10):
            publish(
                session, LOOK, building(session, f"SELECT {n} AS id FROM generate_series(1, 100)"), [], batch_id="b"
            )
    finally:
        ended.set()
        thread.join()
    assert seen <= {(3, 6), *((100, 100 * n) for n in range(10))}


def test_snowflake_is_refused_by_name(duck: DuckDBSession) -> None:
    duck.dialect = "snowflake"
    with pytest.raises(UserError, match="Snowflake commits at each rename"):
        publish(duck, LOOK, lambda aside: None, [], batch_id="b1")
    assert LOOK.table == CONTACT
