"""What a run id says: when the run was created, so that ids sort by time and a range of time is a range of ids."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""
TIME_WIDTH = 9
"""Characters of the time: 45 bits of milliseconds, which last until the year 3084."""


def first_run_id(at_us: int) -> str:
    """The prefix of all ids that are drawn in the millisecond of `at_us`; any id of an earlier one is below it."""
    return base32(at_us // 1000, TIME_WIDTH)


def base32(number: int, width: int) -> str:
    """The last `width` digits of a number."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
