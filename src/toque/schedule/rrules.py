"""Recurrence rules of RFC 5545 as wall-clock times. python-dateutil does the arithmetic, on naive times.

dateutil walks a series from its first time on. A rule without `COUNT` is therefore moved forward first, by whole
intervals, to just before the time that is asked for: what a tick costs must not grow with the age of a series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from itertools import dropwhile, islice, product, takewhile
from typing import Final

from dateutil.rrule import rrule, rrulestr

from toque.errors import UserError
from toque.graph.schedules import RRuleRule

_UNITS: Final = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
FREQUENCIES: Final = ("YEARLY", "MONTHLY", *reversed(_UNITS))
PARTS: Final = (
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY"),
    *("BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST"),
)
_NAMES_A_DAY: Final = frozenset({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"})
_NAMES_DAYS: Final = _NAMES_A_DAY | {"BYMONTH"}
_OF_A_DAY: Final = frozenset({"DAILY", "HOURLY", "MINUTELY", "SECONDLY"})
_LENGTHS: Final = {month: 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in range(1, 13)}
MAX_COUNT: Final = 10_000


def walls(rule: RRuleRule, start: datetime) -> Iterator[datetime]:
    """The naive wall-clock times from `start` on, inclusive."""
    if "COUNT" in split(rule.text):
        found: Iterator[datetime] = dropwhile(lambda each: each < start, iter(_counted(rule)))
    else:
        found = _series(rule, start)
    if rule.until:
        until = datetime.fromisoformat(rule.until)
        return takewhile(lambda each: each <= until, found)
    return found


def is_steady(rule: RRuleRule) -> bool:
    """It recurs at least hourly and names no hours: such a rule is about a pace, others name times of the day."""
    parts = split(rule.text)
    unit = _UNITS.get(parts["FREQ"], timedelta(days=365))
    return "BYHOUR" not in parts and unit * int(parts.get("INTERVAL", "1")) <= timedelta(hours=1)


@lru_cache(maxsize=4096)
def split(text: str) -> dict[str, str]:
    """The parts of a rule by name. Raises `UserError` for what is none; do not change the answer."""
    found: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").strip().rstrip(";").split(";"):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or name not in PARTS or not value:
            raise UserError(
                f"RRule({text!r}): {part!r} is no part of a recurrence rule.", fix=f"one of {', '.join(PARTS)}"
            )
        if name in found:
            raise UserError(
                f"RRule({text!r}): {name} is given twice.", fix=f"one {name}, with commas between its values"
            )
        found[name] = value
    if found.get("FREQ") not in FREQUENCIES:
        raise UserError(f"RRule({text!r}) does not say how often.", fix=f"FREQ= one of {', '.join(FREQUENCIES)}")
    return found


def check(rule: RRuleRule) -> None:
    """Raises `UserError` for a part with a value that it cannot have."""
    parts = split(rule.text)
    if "UNTIL" in parts:
        raise UserError(f"RRule({rule.text!r}): the end of the series stands apart from its rule.", fix="until")
    for name in ("INTERVAL", "COUNT"):
        if not parts.get(name, "1").isdigit() or int(parts.get(name, "1")) < 1:
            raise UserError(f"RRule({rule.text!r}): {name}={parts[name]} is not a number.", fix=f"{name}=1 or more")
    if int(parts.get("COUNT", "1")) > MAX_COUNT:
        raise UserError(f"RRule({rule.text!r}): COUNT is over {MAX_COUNT}.", fix="UNTIL=, or end=")
    _check_dates(rule.text, parts)
    try:
        _anchored(rule.text, rule.dtstart, datetime.fromisoformat(rule.dtstart))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        for name, value in parts.items():
            try:
                rrulestr(f"FREQ={parts['FREQ']}" + (f";{name}={value}" if name != "FREQ" else ""))
            except (ValueError, TypeError, KeyError, IndexError):
                raise UserError(
                    f"RRule({rule.text!r}): {name} cannot be {value!r}.", fix=f"{name} as RFC 5545 has it"
                ) from None
        raise UserError(f"RRule({rule.text!r}): {error}.", fix="a rule as RFC 5545 has it") from None


def _check_dates(text: str, parts: dict[str, str]) -> None:
    """Refuses the 30th of February, which dateutil would look for up to the year 9999."""
    months, days = (parts.get(name, "").split(",") for name in ("BYMONTH", "BYMONTHDAY"))
    if not all(each.lstrip("+-").isdigit() for each in (*months, *days)):
        return
    if not any(1 <= abs(int(day)) <= _LENGTHS.get(int(month), 0) for month, day in product(months, days)):
        raise UserError(f"RRule({text!r}) never fires: none of its months has such a day.", fix="another BYMONTHDAY")


@lru_cache(maxsize=256)
def _counted(rule: RRuleRule) -> tuple[datetime, ...]:
    count = int(split(rule.text)["COUNT"])
    return tuple(islice(_series(rule, datetime.fromisoformat(rule.dtstart)), count))


def _series(rule: RRuleRule, start: datetime) -> Iterator[datetime]:
    """Its times as if there were no `COUNT`."""
    parts = {name: value for name, value in split(rule.text).items() if name != "COUNT"}
    if parts["FREQ"] in _OF_A_DAY and _NAMES_DAYS & parts.keys():
        return _day_by_day(rule, parts, max(start, datetime.fromisoformat(rule.dtstart)))
    return _from(_text(parts), rule, start)


def _from(text: str, rule: RRuleRule, start: datetime) -> Iterator[datetime]:
    found = _anchored(text, rule.dtstart, _shift(split(text), rule, start))
    return dropwhile(lambda each: each < start, iter(found))


def _day_by_day(rule: RRuleRule, parts: dict[str, str], start: datetime) -> Iterator[datetime]:
    """The days that are named first, then the times of each: dateutil would walk every second to the next February."""
    times = _text({name: value for name, value in parts.items() if name not in _NAMES_DAYS})
    step = int(parts.get("INTERVAL", "1")) if parts["FREQ"] == "DAILY" else 1
    first = datetime.fromisoformat(rule.dtstart).date()
    for day in _days(parts, start):
        if (day.date() - first).days % step == 0:
            same_day = partial(_is_on, day.date())
            yield from takewhile(same_day, _from(times, rule, max(start, day)))


def _days(parts: dict[str, str], start: datetime) -> Iterator[datetime]:
    """Midnights of the days that the parts name, from that of `start` on: a year at a time."""
    named = {name: value for name, value in parts.items() if name in _NAMES_DAYS}
    if "BYDAY" in named:  # the n-th Friday is one of a month or a year only
        named["BYDAY"] = re.sub(r"[+-]?\d+", "", named["BYDAY"])
    if named.keys() == {"BYMONTH"}:
        named["BYMONTHDAY"] = ",".join(map(str, range(1, 32)))
    text = _text({"FREQ": "YEARLY", **named, "BYHOUR": "0", "BYMINUTE": "0", "BYSECOND": "0"})
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    january = midnight.replace(month=1, day=1)
    return dropwhile(lambda each: each < midnight, iter(_anchored(text, january.isoformat(), january)))


def _is_on(day: date, wall: datetime) -> bool:
    return wall.date() == day


def _text(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _shift(parts: dict[str, str], rule: RRuleRule, start: datetime) -> datetime:
    """A time of the same phase as the first one of the series, at least one interval before `start` if there is one."""
    first, step = datetime.fromisoformat(rule.dtstart), int(parts.get("INTERVAL", "1"))
    if unit := _UNITS.get(parts["FREQ"]):
        steps = (start - first) // (unit * step) - 1
        return first + unit * step * steps if steps > 0 else first
    months = step if parts["FREQ"] == "MONTHLY" else step * 12
    base = first if parts["FREQ"] == "MONTHLY" else first.replace(month=1, day=1)
    steps = ((start.year - base.year) * 12 + start.month - base.month) // months - 1
    if steps <= 0:
        return first
    years, month = divmod(base.year * 12 + base.month - 1 + steps * months, 12)
    return first.replace(year=years, month=month + 1, day=1)


@lru_cache(maxsize=2048)
def _anchored(text: str, dtstart: str, anchor: datetime) -> rrule:
    """The rule from `anchor` on, with what it takes from its true first time spelled out."""
    parts, first = dict(split(text)), datetime.fromisoformat(dtstart)
    if not _NAMES_A_DAY & parts.keys():
        if parts["FREQ"] == "YEARLY":
            parts.setdefault("BYMONTH", str(first.month))
        if parts["FREQ"] in ("YEARLY", "MONTHLY"):
            parts["BYMONTHDAY"] = str(first.day)
        if parts["FREQ"] == "WEEKLY":
            parts["BYDAY"] = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()]
    return rrulestr(_text(parts), dtstart=anchor)
