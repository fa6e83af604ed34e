"""The end of a body: one report, whatever the body did."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec

import toque
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
    except BaseException as error:
        error.__traceback__ = _of_user_code(error.__traceback__)
        return _failure(attempt, error)


def is_ours(file: str) -> bool:
    """The file is one of Toque or asyncio."""
    return file.startswith(_NOT_USER_CODE)


def _failure(attempt: Attempt, error: BaseException) -> EndReport:
    match error:
        case asyncio.CancelledError() if not attempt.context.cancelled:
            return attempt.fail(_cancelled_itself(error))
        case StepFailed():
            return _of_step(attempt.fail(error), error)
        case _:
            return attempt.fail(error)


def _of_user_code(trace: TracebackType | None) -> TracebackType | None:
    """From the first to the last frame of user code; all of it if there is none."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    theirs = [n for n, frame in enumerate(frames) if not is_ours(frame.tb_frame.f_code.co_filename)]
    kept = frames[theirs[0] : theirs[-1] + 1] if theirs else frames
    trimmed: TracebackType | None = None
    for frame in reversed(kept):
        trimmed = TracebackType(trimmed, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trimmed


_NOT_USER_CODE = tuple(os.path.dirname(str(module.__file__)) + os.sep for module in (toque, asyncio))


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
