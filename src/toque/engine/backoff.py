"""Backoff: whether a failed attempt is followed by another one, and when."""

from __future__ import annotations

from hashlib import blake2b

from toque.engine.rows import TaskRow
from toque.engine.values import ErrorInfo
from toque.graph.ir import RetryPolicy

LONGEST_S = 10 * 365 * 86_400.0
"""Powers soon grow past what a float and a column of the store hold: nobody waits longer than ten years."""


def may_retry(policy: RetryPolicy | None, row: TaskRow, error: ErrorInfo) -> bool:
    """Whether the policy grants one more attempt after `error`."""
    if policy is None or row.retries >= policy.times or not error.retryable:
        return False
    return policy.classes is None or error.kind in policy.classes


def delay_us(policy: RetryPolicy, row: TaskRow, error: ErrorInfo) -> int:
    """How long to wait: exponential with a cap, or what the error itself asked for.

    Jitter spreads a herd of failures over half of the delay. It is a hash of the ids, so that a decision made
    again after a crash is the same decision.
    """
    if error.retry_after_s is not None:
        return max(0, round(min(error.retry_after_s, LONGEST_S) * 1_000_000))
    try:
        delay_s = min(policy.delay_s * policy.backoff**row.retries, LONGEST_S)
    except OverflowError:
        delay_s = LONGEST_S if policy.delay_s else 0.0
    if policy.cap_s is not None:
        delay_s = min(delay_s, policy.cap_s)
    if policy.jitter:
        delay_s *= 0.5 + 0.5 * fraction(row)
    return max(0, round(delay_s * 1_000_000))


def fraction(row: TaskRow) -> float:
    """A number from 0 to 1 that the identity of an attempt fixes."""
    name = f"{row.run_id}/{row.task}/{'.'.join(map(str, row.map_index))}/{row.attempt}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64
