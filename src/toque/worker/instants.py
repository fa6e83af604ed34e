"""Microseconds inside, aware datetimes for user code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at_us: int) -> datetime:
    """The instant in UTC, exact to the microsecond (`fromtimestamp` rounds through a float).

    >>> instant(1_700_000_000_000_001).isoformat()
    '2023-11-14T22:13:20.000001+00:00'
    """
    return _EPOCH + timedelta(microseconds=at_us)


def microseconds(at: datetime) -> int:
    """The way back. A time without a zone is UTC.

    >>> microseconds(instant(1_700_000_000_000_001))
    1700000000000001
    """
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
