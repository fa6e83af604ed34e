"""Reports that an executor makes itself, because no worker can: about attempts that never began, or whose process is
gone."""

from __future__ import annotations

from typing import Any

from toque.engine.inputs import AttemptCancelled, AttemptFailed, AttemptLost, AttemptReturned
from toque.engine.values import ErrorInfo
from toque.ports.executor import AttemptSpec
from toque.worker import failures


def returned(spec: AttemptSpec) -> AttemptReturned:
    """It was not started and is given back."""
    return AttemptReturned(**_identity(spec))


def cancelled(spec: AttemptSpec, now_us: int, started_us: int = 0) -> AttemptCancelled:
    """It was told to end, and nothing of it is left."""
    return AttemptCancelled(**_identity(spec), finished_us=now_us, started_us=started_us)


def timed_out(spec: AttemptSpec, now_us: int, started_us: int) -> AttemptFailed:
    """It was stopped at its timeout, and nothing of it is left."""
    info = failures.timed_out(spec.node)
    return AttemptFailed(**_identity(spec), finished_us=now_us, started_us=started_us, error=info, timed_out=True)


def out_of_memory(spec: AttemptSpec, now_us: int, started_us: int) -> AttemptFailed:
    """It held more memory than its limit; its process was killed."""
    limit = (spec.node.policy.memory_limit_bytes or 0) / 1e6
    message = f"it held more memory than its limit of {limit:,.0f} MB"
    return failed(spec, now_us, started_us, ErrorInfo(kind="code", type="MemoryLimit", message=message))


def failed(spec: AttemptSpec, now_us: int, started_us: int, error: ErrorInfo) -> AttemptFailed:
    """It could not be started, or was stopped for what it did."""
    return AttemptFailed(**_identity(spec), finished_us=now_us, started_us=started_us, error=error)


def unstartable(spec: AttemptSpec, now_us: int, environment: str, how: str) -> AttemptFailed:
    """No process for it comes up."""
    of = f" for the environment {environment!r}" if environment else ""
    message = f"no worker{of} could be started: {how}"
    return failed(spec, now_us, 0, ErrorInfo(kind="infrastructure", type="WorkerLost", message=message))


def lost(spec: AttemptSpec, now_us: int, reason: str, *, blameless: bool = False) -> AttemptLost:
    """Its process died under it."""
    return AttemptLost(**_identity(spec), finished_us=now_us, reason=reason, blameless=blameless)


def _identity(spec: AttemptSpec) -> dict[str, Any]:
    return {
        "run_id": spec.run_id,
        "task": spec.task,
        "map_index": spec.map_index,
        "attempt": spec.attempt,
        "token": spec.token,
    }
