"""What can be wrong with a schedule, said so that it can be put right."""

from __future__ import annotations

from toque.graph.schedules import Schedule


def validate(schedule: Schedule) -> None:
    """Raises `UserError` (without a line: the author's or the API's caller adds it) for the first fault."""
    raise NotImplementedError
