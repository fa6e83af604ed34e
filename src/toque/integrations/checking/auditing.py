"""An audit: bad rows are set aside, the rest is checked, and what blocks is an error; all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from toque.data.checks.columns import for_columns, typed
from toque.data.checks.quarantine import create_rejects, rejects_of, set_aside
from toque.data.checks.queries import row_checks
from toque.data.checks.reports import Report, explanation
from toque.errors import DataError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look, run_checks
from toque.integrations.checking.sessions import Desk


def check_table(desk: Desk, look: Look, checks: Sequence[AnyCheck]) -> Report:
    """Checks a table without changing it. Raises `DataError` when a check blocks.

    Nothing is set aside: a check that would quarantine only says how many rows it found.
    """
    report = run_checks(desk, look, checks)
    halt(report)
    return report


def audit(
    desk: Desk,
    look: Look,
    checks: Sequence[AnyCheck],
    *,
    batch_id: str,
    target: TableName | None = None,
    then: Callable[[Report], None] | None = None,
) -> Report:
    """Checks the rows of a batch where they stand, and sets bad ones aside under its `batch_id`.

    Rows that break a quarantining check move from `look.table` to `<target>__rejects`; all other checks see what is
    left. `then(report)` runs in the same transaction, to publish what is left. When a check blocks, nothing has
    changed at all, and `DataError` says why. Done twice under one `batch_id`, it leaves the rejects once.
    """
    target = target or look.table
    prepare(desk, target, checks)
    with desk.transaction():
        report = audited(desk, look, checks, batch_id=batch_id, target=target)
        if then is not None:
            then(report)
    return report


def prepare(desk: Desk, target: TableName, checks: Sequence[AnyCheck]) -> None:
    """Have the rejects table there, if the checks may set rows aside: before the transaction, since a warehouse may
    commit at each CREATE."""
    if any(check.severity == "quarantine" for check in row_checks(checks)):
        desk.execute(create_rejects(rejects_of(target), desk.dialect))


def audited(desk: Desk, look: Look, checks: Sequence[AnyCheck], *, batch_id: str, target: TableName) -> Report:
    """What `audit` does, in a transaction that is open already; `prepare` comes before it."""
    report = run_checks(desk, look, checks)
    if any(verdict.outcome == "quarantined" for verdict in report.verdicts):
        report = _sorted(desk, look, checks, report, rejects_of(target), batch_id)
    report = msgspec.structs.replace(report, table=str(target), batch_id=batch_id)
    halt(report)
    return report


class ChecksFailed(DataError):
    """A check blocks. `report` has all verdicts."""

    report = Report(table="")


def halt(report: Report) -> None:
    """Raises `ChecksFailed` when a check blocks."""
    if report.blocking:
        error = ChecksFailed(explanation(report), sample=report.samples)
        error.report = report
        raise error


def _sorted(
    desk: Desk, look: Look, checks: Sequence[AnyCheck], first: Report, rejects: TableName, batch_id: str
) -> Report:
    """Sets bad rows aside; the other checks look again at what is left. Too many bad rows change nothing."""
    sorting = [check for check in row_checks(checks) if check.severity == "quarantine"]
    is_sorting = [check.severity == "quarantine" for check in checks]
    if any(verdict.outcome == "blocked" for verdict, is_it in zip(first.verdicts, is_sorting, strict=True) if is_it):
        return first
    columns = look.columns(desk)
    named = [for_columns(check, look.table, columns, desk.columns) for check in sorting]
    rows = look.rows(desk.dialect)
    told = [*columns, *(column for column in desk.columns(look.table) if column.name in look.kept)]
    desk.execute(*set_aside(row_checks(named), rows, rejects, typed(told, desk.dialect), batch_id))
    others = [check for check in checks if check.severity != "quarantine"]
    left = run_checks(desk, look, others)
    again = iter(left.verdicts)
    return Report(
        table=first.table,
        verdicts=tuple(
            verdict if is_it else next(again) for verdict, is_it in zip(first.verdicts, is_sorting, strict=True)
        ),
        rows=first.rows,
        set_aside=first.rows - left.rows,
        rejects=str(rejects),
    )
