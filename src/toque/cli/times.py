"""Times and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from toque.errors import UserError


def moment(at_us: int) -> str:
    """Local date and time to the second; "" for never."""
    if not at_us:
        return ""
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def clock(at_us: int) -> str:
    """Local time to the millisecond."""
    local = datetime.fromtimestamp(at_us / 1e6, UTC).astimezone()
    return local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03d}"


def span(duration_us: int) -> str:
    """`340 ms`, `1.2 s`, `3 m 05 s`, `2 h 10 m`."""
    if duration_us < 999_500:
        return f"{max(duration_us, 0) / 1000:.0f} ms"
    seconds = duration_us / 1e6
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def between(start_us: int, end_us: int) -> str:
    """The span from start to end; "" while one of them is missing."""
    return span(end_us - start_us) if start_us and end_us else ""


def instant_us(text: str, tz: str, option: str) -> int:
    """The time that a person wrote; one without a zone is in `tz`. Raises `UserError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fix = "2026-03-28, 2026-03-28T12:00 or 2026-03-28T12:00Z"
        raise UserError(f"{option} {text!r} is not a time", fix=fix) from None
    return round((found if found.tzinfo else found.replace(tzinfo=ZoneInfo(tz))).timestamp() * 1e6)
