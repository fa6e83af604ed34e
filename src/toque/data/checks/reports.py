"""All that the checks of one table found, as a value, and what people are told of it."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.data.checks.queries import SAMPLES
from toque.data.checks.verdicts import Verdict, added, share_text


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one table or value. It holds no unmasked data."""

    table: str
    verdicts: tuple[Verdict, ...] = ()
    rows: int = 0
    """Rows that were looked at, bad ones included."""
    set_aside: int = 0
    """Rows that went to the rejects."""
    rejects: str = ""
    """The table that holds them."""
    batch_id: str = ""

    @property
    def passed(self) -> bool:
        """Nothing blocks."""
        return not self.blocking

    @property
    def blocking(self) -> tuple[Verdict, ...]:
        """What halts the branch."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == "blocked")

    @property
    def problems(self) -> tuple[Verdict, ...]:
        """Whatever was wrong, the worst first."""
        order = ("blocked", "quarantined", "warned")
        found = [verdict for verdict in self.verdicts if not verdict.passed]
        return tuple(sorted(found, key=lambda verdict: order.index(verdict.outcome)))

    @property
    def samples(self) -> list[dict[str, Any]]:
        """Rows that show what is wrong, each with the check that it broke."""
        blamed = self.blocking or self.problems
        return [{"check": verdict.check, **row} for verdict in blamed for row in verdict.samples]


def together(first: Report, then: Report, *, of_other_rows: bool) -> Report:
    """What was found in two looks as one: of other rows the counts are added, of the same table the later one holds.

    Rejects of several batches have no `batch_id`: all of them are meant.
    """
    verdicts = {verdict.check: verdict for verdict in first.verdicts}
    for verdict in then.verdicts:
        before = verdicts.get(verdict.check) if of_other_rows else None
        verdicts[verdict.check] = verdict if before is None else added(before, verdict, SAMPLES)
    batches = {each.batch_id for each in (first, then) if each.rejects} or {then.batch_id}
    return Report(
        table=then.table,
        verdicts=tuple(verdicts.values()),
        rows=first.rows + then.rows if of_other_rows else first.rows,
        set_aside=first.set_aside + then.set_aside,
        rejects=then.rejects or first.rejects,
        batch_id=batches.pop() if len(batches) == 1 else "",
    )


def summary(report: Report) -> str:
    """One line: `raw.contact: 1 of 4 checks does not hold; 2 rows (0.2 %) set aside`."""
    said = _held(len(report.verdicts), len(report.problems))
    if report.set_aside and report.passed:
        said += f"; {_rows(report.set_aside)} ({share_text(report.set_aside, report.rows)}) set aside"
    return f"{report.table}: {said}"


def explanation(report: Report) -> str:
    """What is wrong, line by line, and what to do next; for errors and alerts."""
    words = {
        "blocked": "blocks",
        "quarantined": "set aside" if report.passed else "to be set aside",
        "warned": "warning",
    }
    lines = [summary(report)]
    lines += [f"  {words[verdict.outcome]}: {verdict.check}: {verdict.message}" for verdict in report.problems]
    if report.set_aside and report.passed:
        lines.append(f"  The rows stand in {report.rejects} under batch_id {report.batch_id!r}. {way_back(report)}")
    return "\n".join(lines)


def way_back(report: Report) -> str:
    """How rejects are replayed, once their cause is gone."""
    return (
        f"Mend their row_json there, or what they refer to, then replay({report.table!r}, batch_id={report.batch_id!r})"
    )


def _held(total: int, failed: int) -> str:
    if total == 1:
        return "its check does not hold" if failed else "its check holds"
    if not failed:
        return f"all {total} checks hold"
    if failed == total:
        return f"none of its {total} checks holds"
    return f"{failed} of {total} checks {'does' if failed == 1 else 'do'} not hold"


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"
