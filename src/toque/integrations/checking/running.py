"""Runs the checks of one table: one query for the counts, one more for each check that found something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from toque.data.checks import queries, verdicts
from toque.data.checks.dialects import DialectName, Sql
from toque.data.checks.masking import masked
from toque.data.checks.predicates import Rows
from toque.data.checks.reports import Report
from toque.data.checks.verdicts import Verdict
from toque.errors import UserError
from toque.graph.checks import ROW_CHECKS, AnyCheck, CustomSql, PythonCheck, Recent, RowCount, Schema
from toque.graph.loads import TableName
from toque.integrations.checking.python_checks import verdict_of
from toque.integrations.checking.sessions import Session


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

    def rows(self, dialect: DialectName) -> Rows:
        """What is looked at in the SQL of a dialect."""
        return Rows(self.table, dialect, where=self.where, beside=self.beside)


def run_checks(session: Session, look: Look, checks: Sequence[AnyCheck]) -> Report:
    """What the checks find; nothing is changed and nothing is raised for it. Raises `UserError` without the table."""
    columns = session.columns(look.table)
    if not columns:
        raise UserError(f"There is no table {look.table}: it cannot be checked.", fix="load it first")
    rows = look.rows(session.dialect)
    counted = queries.counting(checks, rows)
    row = list(session.rows(counted.sql)[0].values())
    total, answers = int(row[0]), dict(zip(map(id, counted.checks), row[1:], strict=True))
    found = []
    for check in checks:
        if isinstance(check, ROW_CHECKS):
            verdict = verdicts.of_rows(check, int(answers[id(check)]), total)
            found.append(_with_samples(session, look, queries.samples(check, rows), verdict))
        elif isinstance(check, RowCount):
            found.append(verdicts.of_row_count(check, total))
        elif isinstance(check, Recent):
            found.append(verdicts.of_newest(check, answers[id(check)], total, look.now))
        elif isinstance(check, Schema):
            found.append(verdicts.of_schema(check, columns))
        elif isinstance(check, CustomSql):
            count, sample = queries.custom(check, look.table)
            verdict = verdicts.of_found(check, int(next(iter(session.rows(count)[0].values()))))
            found.append(_with_samples(session, look, sample, verdict))
        elif isinstance(check, PythonCheck):
            found.append(verdict_of(check, session.arrow(queries.everything(rows)), look.sensitive))
    return Report(table=str(look.table), verdicts=tuple(found), rows=total)


def _with_samples(session: Session, look: Look, query: Sql, verdict: Verdict) -> Verdict:
    if verdict.passed:
        return verdict
    return msgspec.structs.replace(verdict, samples=tuple(masked(session.rows(query), look.sensitive)))
