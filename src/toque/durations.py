"""Durations as people write them: `"5m"`, `"1h30m"`, `90`, `timedelta(hours=2)`; always seconds inside."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

Duration: TypeAlias = str | int | float | timedelta

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d|w)", re.ASCII)


def seconds(duration: Duration) -> float:
    """`duration` in seconds. Raises `ValueError` for what is none, is negative or is not finite.

    >>> seconds("1h30m")
    5400.0
    >>> seconds(2)
    2.0
    """
    if isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, str):
        value = _parsed(duration)
    else:
        value = float(duration) if isinstance(duration, int | float) and not isinstance(duration, bool) else math.nan
    if not math.isfinite(value) or value < 0:
        raise ValueError(f'{duration!r} is not a duration: a text such as "5m", or seconds, finite and not negative')
    return value


def _parsed(text: str) -> float:
    total, position = 0.0, 0
    while match := _PART.match(text, position):
        total += float(match[1]) * _UNITS_S[match[2]]
        position = match.end()
    if position == 0 or text[position:].strip():
        raise ValueError(f'{text!r} is not a duration: write a number and a unit, as in "30s", "5m", "1h30m", "2d"')
    return total


def text(duration_s: float) -> str:
    """The shortest way to write it: `5400.0` is `1h30m`, `0.25` is `250ms`.

    >>> text(5400), text(0.25), text(0)
    ('1h30m', '250ms', '0s')
    """
    rest_us = round(duration_s * 1e6)
    if rest_us == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s", "ms", "us"):
        size_us = round(_UNITS_S[unit] * 1e6)
        count, rest_us = divmod(rest_us, size_us)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
