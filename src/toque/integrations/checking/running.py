"""Runs the checks of one table: one query for the counts, one more for each check that found something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from toque.data.checks import queries, verdicts
from toque.data.checks.columns import for_columns, typed
from toque.data.checks.masking import masked
from toque.data.checks.matching import match_of
from toque.data.checks.predicates import Rows
from toque.data.checks.reports import Report
from toque.data.checks.verdicts import Verdict
from toque.data.loads.columns import Column
from toque.data.loads.dialects import Dialect
from toque.data.loads.drift import is_own
from toque.errors import UserError
from toque.graph.checks import AnyCheck, CustomSql, Matches, PythonCheck, Recent, RowCount, Schema
from toque.graph.loads import TableName
from toque.integrations.checking.python_checks import verdict_of
from toque.integrations.checking.sessions import Desk


@dataclass(frozen=True)
class Look:
    """What is looked at, and how."""

    table: TableName
    now: datetime
    """With a zone: freshness is measured against it."""
    where: str = ""
    """Narrows the rows, to a partition for example; in SQL."""
    beside: TableName | None = None
    """A table whose keys count as taken: rows of a batch may not repeat what was loaded before."""
    sensitive: tuple[str, ...] = ()
    """Columns whose values nobody sees, beside those that are named like personal data."""
    of: tuple[str, ...] = ()
    """The columns that belong to the data, as the warehouse names them; () all."""

    kept: tuple[str, ...] = ()
    """Columns of Toque's own that go with a row that is set aside: its place among the versions of its key."""

    def columns(self, desk: Desk) -> list[Column]:
        """The columns of the data. Raises `UserError` for a table that is not there."""
        found = desk.columns(self.table)
        if not found:
            raise UserError(f"There is no table {self.table}: it cannot be checked.", fix="load it first")
        return [column for column in found if not self.of or column.name in self.of]

    def rows(self, dialect: Dialect) -> Rows:
        """What is looked at in the SQL of a dialect."""
        return Rows(self.table, dialect, where=self.where, beside=self.beside)


def look_at(
    table: str, *, now: datetime | None = None, where: str = "", beside: str = "", sensitive: Sequence[str] = ()
) -> Look:
    """What is looked at, by the names that people write; `now` is this moment unless it is told."""
    return Look(
        TableName.parse(table),
        now or datetime.now(UTC),
        where=where,
        beside=TableName.parse(beside) if beside else None,
        sensitive=tuple(sensitive),
    )


def run_checks(desk: Desk, look: Look, checks: Sequence[AnyCheck]) -> Report:
    """What the checks find; nothing is changed and nothing is raised for it.

    Raises `UserError` for a table or column that is not there.
    """
    columns = look.columns(desk)
    found = [for_columns(check, look.table, columns, desk.columns) for check in checks]
    counted = queries.counting(found, look.rows(desk.dialect))
    total, *answers = desk.fetch(counted.sql)[0]
    answered = dict(zip(map(id, counted.checks), answers, strict=True))
    run = _Run(desk, look, columns, int(total), answered)
    return Report(table=str(look.table), verdicts=tuple(map(run.verdict, found)), rows=int(total))


@dataclass(frozen=True)
class _Run:
    """What is known after the counts."""

    desk: Desk
    look: Look
    columns: list[Column]
    total: int
    answers: dict[int, Any]

    def verdict(self, check: AnyCheck) -> Verdict:
        rows = self.look.rows(self.desk.dialect)
        names = [column.name for column in self.columns]
        match check:
            case RowCount():
                return verdicts.of_row_count(check, self.total)
            case Recent():
                return verdicts.of_newest(check, self.answers[id(check)], self.total, self.look.now)
            case Schema():
                data = [each for each in self.columns if not is_own(each.name)]
                return verdicts.of_schema(check, typed(data, self.desk.dialect))
            case CustomSql():
                count, sample = queries.custom(check, rows)
                verdict = verdicts.of_found(check, self.desk.number(count))
                return verdict if verdict.passed else self._showing(verdict, self.desk.documents(sample))
            case Matches():
                return self._matched(check)
            case PythonCheck():
                found = self.desk.arrow(queries.everything(names, rows), names)
                return verdict_of(check, found, self.look.sensitive)
            case _:
                verdict = verdicts.of_rows(check, int(self.answers[id(check)]), self.total)
                if verdict.passed:
                    return verdict
                return self._showing(verdict, self.desk.rows(queries.samples(check, names, rows), names))

    def _matched(self, check: Matches) -> Verdict:
        rows, theirs = self.look.rows(self.desk.dialect), self.desk.columns(TableName.parse(check.to))
        match = match_of(check, rows, self.columns, theirs)
        if match.differences:
            return verdicts.of_match(check, 0, self.total, match.differences)
        verdict = verdicts.of_match(check, self.desk.number(match.count()), self.total)
        if verdict.passed:
            return verdict
        shown = masked(list(match.shown(self.desk.fetch(match.sample()))), match.sensitive(self.look.sensitive))
        return msgspec.structs.replace(verdict, samples=tuple(shown))

    def _showing(self, verdict: Verdict, rows: list[dict[str, Any]]) -> Verdict:
        return msgspec.structs.replace(verdict, samples=tuple(masked(rows, self.look.sensitive)))
