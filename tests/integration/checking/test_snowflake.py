"""Snowflake's own connector against an emulator: counts, quarantine and replay in its SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.integration.checking.conftest import LOOK, table
from toque.authoring.data_checks import (
    accepted_values,
    custom_sql,
    in_range,
    not_null,
    relationships,
    row_count,
    schema,
    unique,
)
from toque.data.checks.dialects import Sql
from toque.data.loads.dialects import SNOWFLAKE
from toque.integrations.checking.auditing import audit
from toque.integrations.checking.replaying import Replayed, replay
from toque.integrations.checking.running import run_checks
from toque.integrations.checking.sessions import Desk

_SCHEMA = """
CREATE SCHEMA raw;
CREATE TABLE raw.account (id integer);
INSERT INTO raw.account VALUES (1), (2);
CREATE TABLE raw.contact (id integer, email varchar, account_id integer, stage varchar, score number(18, 3));
INSERT INTO raw.contact VALUES
  (1, 'ann@example.com', 1, 'lead', 12345678.567), (2, 'bob@example.com', 2, 'customer', 50.5),
  (3, 'cid@example.com', NULL, 'lead', NULL), (3, 'd@x.y', 9, 'gone', -1);
"""


@pytest.fixture
def snow(snowflake_emulator: dict[str, object]) -> Iterator[Desk]:
    from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

    with SnowflakeWarehouse(snowflake_emulator).session() as session:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            session.execute(statement)
        yield Desk(session, SNOWFLAKE)
        session.execute("DROP SCHEMA raw CASCADE")


def test_checks_speak_its_sql(snow: Desk) -> None:
    checks = [
        not_null("id"),
        unique("Id"),
        unique("id", "email"),
        accepted_values("stage", ["lead", "customer"]),
        relationships("account_id", "raw.account", "id"),
        in_range("score", min=0, max=12345679),
        row_count(min=4),
        schema({"id": "number", "email": "text"}),
        custom_sql("SELECT stage, count(*) AS n FROM {table} GROUP BY stage HAVING count(*) > 1", name="no crowd"),
    ]
    report = run_checks(snow, LOOK, checks)
    assert [verdict.bad for verdict in report.verdicts] == [0, 2, 0, 1, 1, 1, 0, 0, 1]
    assert report.verdicts[3].samples[0]["EMAIL"] == "***"
    assert report.verdicts[8].samples == ({"STAGE": "lead", "N": 2},)


def test_bad_rows_are_set_aside_and_come_back(snow: Desk) -> None:
    before = table(snow, order="1, 2")
    checks = [relationships("account_id", "raw.account", "id").quarantine(), in_range("score", min=0).quarantine()]
    assert audit(snow, LOOK, checks, batch_id="b1").set_aside == 1
    assert [row[:4] for row in table(snow, "raw.contact__rejects", "2")] == [
        ("b1", "in_range(score)", "SCORE", "-1.000"),
        ("b1", "relationships(account_id in raw.account.id)", "ACCOUNT_ID", "9"),
    ]
    snow.execute(Sql("INSERT INTO raw.account VALUES (9)"))
    assert replay(snow, replace(LOOK), [checks[0]]) == [Replayed("b1", loaded=1, superseded=0, still_bad=0)]
    assert table(snow, order="1, 2") == before
