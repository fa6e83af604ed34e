"""`evolve`: the fold of facts into the state of a run. It decides nothing, and it breaks on an illegal move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toque.engine import facts as f
from toque.engine import run_facts as r
from toque.engine import task_facts as t
from toque.engine.state import Run


def evolve(run: Run, fact: f.AnyFact) -> None:
    """Make `fact` true."""
    _EVOLVE[type(fact)](run, fact)


_EVOLVE: dict[type, Callable[[Run, Any], None]] = {
    f.RunStarted: r.run_started,
    f.CancelRequested: r.cancel_requested,
    f.RunSuspended: r.run_suspended,
    f.RunResumed: r.run_resumed,
    f.OutcomeDecided: r.outcome_decided,
    f.RunFinished: r.run_finished,
    f.RunLate: r.run_late,
    f.Readied: t.readied,
    f.ScopeOpened: t.scope_opened,
    f.Dispatched: t.dispatched,
    f.Started: t.started,
    f.AttemptEnded: t.attempt_ended,
    f.RetryScheduled: t.retry_scheduled,
    f.Deferred: t.deferred,
    f.Succeeded: t.succeeded,
    f.Failed: t.failed,
    f.Skipped: t.skipped,
    f.UpstreamFailed: t.upstream_failed,
    f.Cancelled: t.cancelled,
    f.TaskCancelRequested: t.task_cancel_requested,
    f.Marked: t.marked,
    f.StepDeclared: r.step_declared,
    f.StepAdded: r.step_added,
    f.AssetsTold: r.assets_told,
    f.Rejected: r.rejected,
    f.Reused: t.reused,
}
