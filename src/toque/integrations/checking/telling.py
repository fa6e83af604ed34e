"""What checks found, as events of the asset that they are about."""

from __future__ import annotations

import msgspec

from toque.data.checks.reports import Report
from toque.engine.assets import Checked


def events(report: Report, asset: str, partition: str = "") -> list[Checked]:
    """One for each check."""
    return [
        Checked(
            asset=asset,
            partition=partition,
            check=verdict.check,
            passed=verdict.passed,
            severity=verdict.severity,
            failed_rows=verdict.bad,
            total_rows=verdict.total or None,
            column=verdict.column,
            rejects=report.rejects if verdict.outcome == "quarantined" else "",
            batch_id=report.batch_id if verdict.outcome == "quarantined" else "",
            message=verdict.message,
            sample=[msgspec.to_builtins(row, enc_hook=str) for row in verdict.samples],
        )
        for verdict in report.verdicts
    ]
