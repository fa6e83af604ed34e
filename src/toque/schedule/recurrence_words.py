"""A recurrence rule of RFC 5545 in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Final

from toque.graph.schedules import RRuleRule
from toque.schedule import rrules

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SHORT: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_UNITS: Final = {
    "YEARLY": "year",
    "MONTHLY": "month",
    "WEEKLY": "week",
    "DAILY": "day",
    "HOURLY": "hour",
    "MINUTELY": "minute",
    "SECONDLY": "second",
}
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")
_TIMES_SHOWN: Final = 6


def recurrence(rule: RRuleRule) -> str:
    """The rule in words; what has none (weeks and days of the year) stands as it is written."""
    parts = rrules.split(rule.text)
    first = datetime.fromisoformat(rule.dtstart)
    step = int(parts.get("INTERVAL", "1"))
    unit = _UNITS[parts["FREQ"]]
    said = [f"every {unit}" if step == 1 else f"every {step} {unit}s", *_days(parts, first), *_times(parts, first)]
    said += [f"({name}={parts[name]})" for name in ("BYWEEKNO", "BYYEARDAY", "BYSETPOS") if name in parts]
    text = " ".join(said)
    if step > 1 and parts["FREQ"] not in ("HOURLY", "MINUTELY", "SECONDLY"):
        text += f", counted from {first:%Y-%m-%d}"
    if "COUNT" in parts:
        text += f", {parts['COUNT']} times in all from {first:%Y-%m-%d}"
    return text + (f", until {rule.until.replace('T', ' ')}" if rule.until else "")


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def ordinal(n: int) -> str:
    """`first`, `last`, `second last`, `12th`."""
    if n == -1:
        return "last"
    if n < 0:
        return f"{ordinal(-n)} last"
    if n <= len(_ORDINALS):
        return _ORDINALS[n - 1]
    suffix = "th" if 10 < n % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def _days(parts: dict[str, str], first: datetime) -> list[str]:
    found: list[str] = []
    if "BYDAY" in parts:
        found.append(f"on {joined([_day(each) for each in parts['BYDAY'].split(',')])}")
    if "BYMONTHDAY" in parts:
        numbers = [ordinal(int(each)) for each in parts["BYMONTHDAY"].split(",")]
        found.append(
            f"on the {joined(numbers)} day of the month"
            if "BYDAY" not in parts
            else f"that is the {joined(numbers)} day"
        )
    if "BYMONTH" in parts:
        found.append(f"in {joined([_MONTHS[int(each) - 1] for each in parts['BYMONTH'].split(',')])}")
    if found or {"BYWEEKNO", "BYYEARDAY"} & parts.keys():
        return found
    match parts["FREQ"]:
        case "YEARLY":
            return [f"on {first.day} {_MONTHS[first.month - 1]}"]
        case "MONTHLY":
            return [f"on the {ordinal(first.day)} day"]
        case "WEEKLY":
            return [f"on {DAYS[first.weekday()]}"]
        case _:
            return []


def _day(text: str) -> str:
    found = re.fullmatch(r"([+-]?\d+)?(\w\w)", text)
    assert found is not None  # the rule was checked
    name = DAYS[_SHORT.index(found[2])]
    return f"the {ordinal(int(found[1]))} {name}" if found[1] else name


def _times(parts: dict[str, str], first: datetime) -> list[str]:
    named = {
        name: [int(n) for n in parts[name].split(",")] for name in ("BYHOUR", "BYMINUTE", "BYSECOND") if name in parts
    }
    match parts["FREQ"]:
        case "SECONDLY" | "MINUTELY" | "HOURLY":
            what = {"BYHOUR": "hour", "BYMINUTE": "minute", "BYSECOND": "second"}
            said = [f"in {what[name]} {joined([str(n) for n in numbers])}" for name, numbers in named.items()]
            if parts["FREQ"] == "HOURLY" and "BYMINUTE" not in parts:
                said.append(f"at minute {first.minute}")
            return said
        case _:
            clock = product(
                named.get("BYHOUR", [first.hour]),
                named.get("BYMINUTE", [first.minute]),
                named.get("BYSECOND", [first.second]),
            )
            times = [f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "") for hour, minute, second in clock]
            return [f"at {joined(times)}" if len(times) <= _TIMES_SHOWN else f"at {len(times)} times of the day"]
