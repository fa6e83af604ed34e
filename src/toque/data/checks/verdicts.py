"""What a check found, as a value, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from toque.data.checks.schemas import schema_differences
from toque.durations import text as duration_text
from toque.graph import constants
from toque.graph.checks import (
    AcceptedValues,
    AnyCheck,
    AnyRowCheck,
    CustomSql,
    Expression,
    InRange,
    Matches,
    NotNull,
    PythonCheck,
    Recent,
    Relationships,
    RowCount,
    Schema,
    Severity,
    Unique,
    is_count,
    kind_of,
    name_of,
)

Outcome: TypeAlias = Literal["passed", "warned", "quarantined", "blocked"]
_WORSE = get_args(Outcome)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. `samples` are masked: they may be stored and shown."""

    check: str
    """Its name."""
    kind: str
    severity: Severity
    outcome: Outcome
    message: str
    column: str = ""
    wrong: str = ""
    """What is said of a bad row, of row checks: their counts of different rows can be added."""
    bad: int = 0
    """Bad rows; for a table check, differences."""
    total: int = 0
    samples: tuple[dict[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Nothing was wrong."""
        return self.outcome == "passed"

    @property
    def share(self) -> float:
        """Bad rows as a share of all."""
        return self.bad / self.total if self.total else 0.0


def of_rows(check: AnyRowCheck, bad: int, total: int) -> Verdict:
    """The verdict of a row check by its counts."""
    wrong = _wrong(check)
    what = _counted(bad, total, wrong)
    if bad == 0:
        return _verdict(check, "passed", what, total=total, wrong=wrong)
    outcome = _outcome(check)
    if outcome == "quarantined" and check.at_most is not None and _is_above(check.at_most, bad, total):
        limit = f"{check.at_most:.0f}" if is_count(check.at_most) else share_text(check.at_most, 1)
        return _verdict(check, "blocked", f"{what}: more than {limit}, so none is set aside", bad=bad, total=total)
    return _verdict(check, outcome, what, bad=bad, total=total, wrong=wrong)


def added(before: Verdict, then: Verdict, samples: int) -> Verdict:
    """What a row check found of other rows, with what it found before. What blocks is said by itself, as its error."""
    if then.outcome == "blocked" or not then.wrong:
        return then
    bad, total = before.bad + then.bad, before.total + then.total
    worst = max(before, then, key=lambda each: _WORSE.index(each.outcome))
    shown = (*before.samples, *then.samples)[:samples]
    message = _counted(bad, total, then.wrong)
    return msgspec.structs.replace(worst, message=message, bad=bad, total=total, samples=shown)


def of_row_count(check: RowCount, total: int) -> Verdict:
    """The verdict on the number of rows."""
    bounds = (("at least", check.min), ("at most", check.max))
    wanted = " and ".join(f"{word} {bound:,}" for word, bound in bounds if bound is not None)
    if (check.min is None or total >= check.min) and (check.max is None or total <= check.max):
        return _verdict(check, "passed", f"{_rows(total)}, {wanted}", total=total)
    return _verdict(check, _outcome(check), f"{_rows(total)} instead of {wanted}", bad=1, total=total)


def of_newest(check: Recent, newest: Any, total: int, now: datetime) -> Verdict:
    """The verdict on the newest time of a column. Times without a zone are UTC, a date is its midnight."""
    within = duration_text(check.within_s)
    if newest is None:
        return _verdict(check, _outcome(check), f"no row has a {check.column}: nothing is recent", bad=1, total=total)
    if isinstance(newest, str):
        newest = datetime.fromisoformat(newest)
    if isinstance(newest, date) and not isinstance(newest, datetime):
        newest = datetime(newest.year, newest.month, newest.day, tzinfo=UTC)
    if not isinstance(newest, datetime):
        message = f"{check.column} holds a {type(newest).__name__}, which is no time"
        return _verdict(check, _outcome(check), message, bad=1, total=total)
    stamp = newest if newest.tzinfo is not None else newest.replace(tzinfo=UTC)
    age_s = (now - stamp).total_seconds()
    age = duration_text(max(round(age_s), 0))
    said = f"the newest {check.column} is {age} old ({stamp.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"
    if age_s <= check.within_s:
        return _verdict(check, "passed", f"{said}, at most {within}", total=total)
    return _verdict(check, _outcome(check), f"{said}, more than {within}", bad=1, total=total)


def of_schema(check: Schema, columns: Sequence[tuple[str, str]]) -> Verdict:
    """The verdict on the columns of a table."""
    found = schema_differences(check, columns)
    if not found:
        return _verdict(check, "passed", f"all {len(check.columns)} columns are as declared")
    return _verdict(check, _outcome(check), "; ".join(found), bad=len(found))


def of_match(check: Matches, bad: int, total: int, differences: Sequence[str] = ()) -> Verdict:
    """The verdict on a table and a known-good one: rows that differ, or columns that do."""
    if differences:
        return _verdict(check, _outcome(check), "; ".join(differences), bad=len(differences), total=total)
    if bad == 0:
        return _verdict(check, "passed", f"all {total:,} rows are those of {check.to}", total=total)
    message = f"{bad:,} {'difference' if bad == 1 else 'differences'} from {check.to}"
    return _verdict(check, _outcome(check), message, bad=bad, total=total)


def of_found(check: CustomSql | PythonCheck, bad: int, message: str = "") -> Verdict:
    """The verdict of a query or function that says what is wrong."""
    if bad == 0:
        return _verdict(check, "passed", message or "nothing is wrong")
    return _verdict(check, _outcome(check), message or f"{_rows(bad)} found wrong", bad=bad)


def share_text(bad: float, total: float) -> str:
    """`0.3 %`; what is not zero never reads as zero, and what is not all never as all."""
    percent = 100 * bad / total if total else 0.0
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f}".removesuffix(".0") + " %"


def _counted(bad: int, total: int, wrong: str) -> str:
    return f"{_rows(bad)} of {total:,} ({share_text(bad, total)}): {wrong}" if bad else f"all {total:,} rows hold"


def _verdict(
    check: AnyCheck, outcome: Outcome, message: str, *, bad: int = 0, total: int = 0, wrong: str = ""
) -> Verdict:
    columns = getattr(check, "columns", ()) if isinstance(check, Unique) else (getattr(check, "column", ""),)
    return Verdict(
        check=name_of(check),
        kind=kind_of(check),
        severity=check.severity,
        outcome=outcome,
        message=message,
        column=", ".join(columns),
        wrong=wrong,
        bad=bad,
        total=total,
    )


def _outcome(check: AnyCheck) -> Outcome:
    outcomes: dict[Severity, Outcome] = {"block": "blocked", "quarantine": "quarantined", "warn": "warned"}
    return outcomes[check.severity]


def _is_above(at_most: float, bad: int, total: int) -> bool:
    return bad > (at_most if is_count(at_most) else at_most * total)


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def _wrong(check: AnyRowCheck) -> str:
    match check:
        case NotNull(column=column):
            return f"{column} is null"
        case Unique(columns=columns):
            return f"{', '.join(columns)} {'is' if len(columns) == 1 else 'are'} not unique"
        case AcceptedValues(column=column, values=values):
            shown = ", ".join(repr(constants.decode(item)) for item in values[:5]) + (", …" if len(values) > 5 else "")
            return f"{column} is none of {shown}"
        case Relationships():
            return f"{check.column} is not in {check.to}.{check.field}"
        case InRange(column=column, min=low, max=high):
            bounds = [f"below {constants.decode(low)}"] * (low is not None)
            bounds += [f"above {constants.decode(high)}"] * (high is not None)
            return f"{column} is {' or '.join(bounds)}"
        case Expression(sql=sql):
            return f"not {' '.join(sql.split())}"
