"""The end of a `.map()` in a flow: results in order, or the first failure, or typed holes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.worker.flow_errors import StepFailed, StepSkipped
from toque.worker.outcomes import Failure, Ok, Skipped


def settle(name: str, ended: Sequence[tuple[BaseException | None, Any]], tolerate: float) -> list[Any]:
    """The list for `ended`: the exception or the result of each call. Raises the first failure that is not tolerated.

    `tolerate` as in `MapNode`: below 1 a share of all, from 1 on a count; 0 gives bare results.
    """
    failures = [error for error, _ in ended if isinstance(error, StepFailed)]
    allowed = tolerate if tolerate >= 1 else tolerate * len(ended)
    for error, _ in ended:
        if error is not None and not (tolerate and isinstance(error, StepFailed | StepSkipped)):
            raise error
    if len(failures) > allowed:
        failures[0].add_note(f"{len(failures)} of {len(ended)} calls of {name} failed, {tolerate:g} are tolerated")
        raise failures[0]
    if not tolerate:
        return [result for _, result in ended]
    return [_outcome(index, error, result) for index, (error, result) in enumerate(ended)]


def _outcome(index: int, error: BaseException | None, result: Any) -> Ok[Any] | Failure | Skipped:
    match error:
        case StepFailed(error=info):
            return Failure(info.type, info.message, info.kind, index, tuple(info.sample))
        case StepSkipped(reason=reason):
            return Skipped(reason, index)
        case _:
            return Ok(result)
