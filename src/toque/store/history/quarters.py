"""Quarters of an hour: every zone's offset is a multiple of them, so days of any zone can be made of them."""

from __future__ import annotations

from toque.engine.rows import RunRow

QUARTER_US = 15 * 60 * 1_000_000


def quarter_of(run: RunRow) -> int:
    """The beginning of the quarter of an hour in which the run counts: that of its logical time."""
    return quarter(run.logical_us or run.created_us)


def quarter(at_us: int) -> int:
    """The beginning of the quarter of an hour that an instant lies in."""
    return at_us - at_us % QUARTER_US
