"""A crash at any statement leaves everything as it was, and doing it again gives what an undisturbed try gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.integration.checking.conftest import LOOK, insert, table
from toque.authoring.data_checks import in_range, not_null, relationships, row_count, unique
from toque.data.checks.dialects import Sql
from toque.graph.loads import TableName
from toque.integrations.checking import Desk, audit, publish, replay
from toque.ports.warehouse import Session

CHECKS = [not_null("id").quarantine(), relationships("account_id", "raw.account").quarantine(), row_count(min=1)]
BAD = ("(NULL, 'd@x.y', 9, 'lead', 1, NULL)", "(5, 'e@x.y', 9, 'lead', 2, NULL)")


class Crash(Exception):
    """The process is gone."""


class Failing:
    """A session that ends with the n-th statement that changes something, before it or after it."""

    def __init__(self, session: Session, at: int, *, after: bool) -> None:
        self._session, self._left, self._after = session, at, after

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Crash
        touched = self._session.execute(statement, parameters)
        if self._left < 0:
            raise Crash
        return touched

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._session.fetch(query, parameters)

    def columns(self, name: TableName) -> Any:
        return self._session.columns(name)

    def transaction(self) -> AbstractContextManager[None]:
        return self._session.transaction()

    def stream(self, query: str, parameters: Sequence[Any] = (), *, rows: int = 50_000) -> Any:
        return self._session.stream(query, parameters, rows=rows)

    def copy_in(self, name: TableName, rows: Any) -> None:
        self._session.copy_in(name, rows)


def setting_aside(desk: Desk) -> None:
    audit(desk, LOOK, CHECKS, batch_id="b1")


def publishing(desk: Desk) -> None:
    def build(aside: TableName) -> None:
        desk.execute(Sql(f"CREATE TABLE {desk.dialect.table(aside)} AS SELECT * FROM raw.fresh"))

    checks = [in_range("score", max=50).quarantine(), unique("id").warn()]
    publish(desk, LOOK, build, checks, batch_id="b1")


def replaying(desk: Desk) -> None:
    replay(desk, LOOK, CHECKS)


def prepare(desk: Desk, work: Callable[[Desk], None]) -> None:
    insert(desk, *BAD)
    desk.execute(Sql("CREATE TABLE raw.fresh AS SELECT * FROM raw.contact"))
    if work is replaying:
        setting_aside(desk)
        desk.execute(Sql("INSERT INTO raw.account VALUES (9, 'Initech')"))


def state(desk: Desk) -> tuple[Any, Any]:
    is_there = desk.columns(TableName.parse("raw.contact__rejects"))
    return table(desk, order="1, 2"), table(desk, "raw.contact__rejects", "2, 5") if is_there else []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("work", [setting_aside, publishing, replaying], ids=lambda work: work.__name__)
def test_a_crash_at_any_statement_leaves_all_or_nothing(desk: Desk, work: Callable[[Desk], None], after: bool) -> None:
    prepare(desk, work)
    start = state(desk)
    crashes = 0
    while True:
        try:
            work(Desk(Failing(desk.session, crashes, after=after), desk.dialect))
        except Crash:
            crashes += 1
            # Replaying removes its stage at the end: a crash there comes after the commit.
            assert state(desk) == start or work is replaying
            if state(desk) != start:
                break
        else:
            break
    assert crashes >= 3
    rows, rejects = state(desk)
    if work is replaying:
        assert ([row[0] for row in rows if row[0] == 5], [line[1] for line in rejects]) == ([5], ["not_null(id)"])
    else:
        assert (len(rows), len(rejects)) == ((3, 3) if work is setting_aside else (3, 2))
        work(desk)
        assert state(desk) == (rows, rejects)
