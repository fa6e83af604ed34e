"""Days of a zone, made of quarters of an hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from toque.engine.states import RUN_TERMINAL, RunState
from toque.errors import UserError
from toque.ports.pages import DayCounts


def days(counts: Iterable[tuple[int, RunState, int]], tz: str) -> list[DayCounts]:
    """Runs by day. `counts`: (quarter, state, runs)."""
    zone = _zone(tz)
    by_day: dict[str, dict[str, int]] = {}
    for at_us, state, count in counts:
        date = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(zone).date().isoformat()
        day = by_day.setdefault(date, {})
        name = state.value if state in RUN_TERMINAL else "active"
        day[name] = day.get(name, 0) + count
    return [DayCounts(date=date, **day) for date, day in sorted(by_day.items()) if any(day.values())]


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, OSError, ValueError):
        raise UserError(
            f"there is no time zone {tz!r}", fix="use a name of the IANA database: Europe/Madrid, UTC"
        ) from None
