"""The end of a body: one report, whatever the body did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.errors import UserError
from toque.worker.attempt import Attempt, Call, EndReport
from toque.worker.flow_errors import StepFailed


def report_of(attempt: Attempt, outcome: Callable[[], AttemptSucceeded | tuple[Call, Any]]) -> EndReport:
    """The report for what `outcome` returns (the call and its result, or the cache's answer) or raises."""
    try:
        ended = outcome()
        if isinstance(ended, AttemptSucceeded):
            return ended
        call, result = ended
        return attempt.succeed(result, call)
    except asyncio.CancelledError as error:
        if not attempt.context.cancelled:
            return attempt.fail(_cancelled_itself(error))
        return attempt.fail(error)
    except StepFailed as error:
        return _of_step(attempt.fail(error), error)
    except BaseException as error:
        return attempt.fail(error)


def _of_step(report: EndReport, error: StepFailed) -> EndReport:
    """Not to be retried: a body that runs again gets the same answer from its record. Retries stand on steps."""
    if not isinstance(report, AttemptFailed):
        return report
    info = msgspec.structs.replace(report.error, kind=error.error.kind, retryable=False, sample=error.error.sample)
    return msgspec.structs.replace(report, error=info)


def _cancelled_itself(error: asyncio.CancelledError) -> UserError:
    failure = UserError(
        "the flow ended by asyncio.CancelledError, and nobody had cancelled it",
        fix="catch it where a part of the flow is cancelled on purpose",
    )
    failure.__cause__ = error
    return failure
