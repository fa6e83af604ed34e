"""Cron rules as wall-clock times. cronsim does the arithmetic, on naive times: what a clock change means is ours."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

from toque.errors import UserError
from toque.schedule import zones

ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = (
    ("second", "0-59"),
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31, L for the last, LW for the last weekday"),
    ("month", "1-12 or JAN-DEC"),
    ("day of the week", "0-7 or SUN-SAT, FRI#2 for the second Friday, 5L for the last Friday"),
)
_ANY_MOMENT: Final = zones.wall(0)


class _Naive(CronSim):
    """As cronsim counts on naive times, but it leaps to the next hour and minute that fit instead of walking there."""

    def tick(self, seconds: int = 1) -> None:
        self.dt += timedelta(seconds=seconds)

    def advance_hour(self) -> bool:
        hour = self.dt.hour
        if hour in self.hours:
            return False
        later = min((each for each in self.hours if each > hour), default=24)
        self.dt = self.dt.replace(hour=0, minute=0, second=0) + timedelta(hours=later)
        return True

    def advance_minute(self) -> bool:
        minute = self.dt.minute
        if minute in self.minutes:
            return False
        later = min((each for each in self.minutes if each > minute), default=60)
        self.dt = self.dt.replace(minute=0, second=0) + timedelta(minutes=later)
        return True


def walls(text: str, start: datetime) -> Iterator[datetime]:
    """The naive wall-clock times from `start` on, inclusive."""
    found = copy.copy(parsed(text))
    found.dt = start.replace(microsecond=0)
    if not start.microsecond:
        found.dt -= timedelta(seconds=1)
    return found


def is_steady(text: str) -> bool:
    """It holds in every hour of the day: such a rule is about a pace, others name times of the day."""
    return len(parsed(text).hours) == 24


@lru_cache(maxsize=16_384)
def parsed(text: str) -> CronSim:
    """The rule, at no moment in particular. Raises `UserError` that names the field."""
    try:
        return _Naive(text, _ANY_MOMENT)
    except CronSimError:
        raise _wrong(text) from None


def expanded(text: str) -> str:
    """The rule in fields: single spaces, `@daily` and the like spelled out."""
    return ALIASES.get(text.strip().lower(), " ".join(text.split()))


def _wrong(text: str) -> UserError:
    parts = text.split()
    if len(parts) not in (5, 6):
        return UserError(
            f"Cron({text!r}) has {len(parts)} field{'' if len(parts) == 1 else 's'}, and needs 5 or 6.",
            fix='"minute hour day month weekday", as in "0 2 * * *"; a sixth field, of seconds, comes first',
        )
    for position, part in enumerate(parts, start=6 - len(parts)):
        fields = ["0", *"*****"]
        fields[position] = part
        try:
            CronSim(" ".join(fields), _ANY_MOMENT)
        except CronSimError:
            name, allowed = _FIELDS[position]
            return UserError(
                f"Cron({text!r}): {part!r} is no {name}.",
                fix=f"{allowed}; *, lists (a,b), ranges (a-b) and steps (*/n)",
            )
    return UserError(f"Cron({text!r}) never fires: none of its months has such a day.", fix="another day of the month")
