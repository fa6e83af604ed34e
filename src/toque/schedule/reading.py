"""Rules as people write them: the text of a recurrence rule, and any rule in one line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Final

from toque.durations import seconds
from toque.errors import UserError
from toque.graph.schedules import AnyRule, CronRule, IntervalRule, RRuleRule
from toque.schedule import cron, rrules, zones

_STAMP: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_EPOCH: Final = "1970-01-01T00:00:00"
_COARSE: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")


def rule(text: str, tz: str, start_us: int = 0) -> AnyRule:
    """`0 7 * * 1-5`, `@daily`, `every 15m` or `FREQ=…`. Raises `UserError`; the rule is still to be validated."""
    text = text.strip()
    if "FREQ=" in text.upper():
        return recurrence(text, tz, start_us)
    if text.lower().startswith("every "):
        try:
            return IntervalRule(every_s=seconds(text[len("every ") :]), anchor_us=start_us)
        except ValueError as error:
            raise UserError(f"{error}.", fix="every 15m") from None
    return CronRule(text=cron.expanded(text))


def recurrence(text: str, tz: str, start_us: int = 0) -> RRuleRule:
    """The text of an RRULE, with its `DTSTART` (or the start of the schedule) and `UNTIL` as local times."""
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines() if line.strip()]
    dtstart = ""
    rules: list[str] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if name.upper() == "DTSTART" and colon:
            dtstart = _local(value, tz, text)
        elif (name.upper() == "RRULE" and colon) or not colon:
            rules.append(value if colon else line)
        else:
            raise UserError(
                f"RRule({text!r}): {name} is not supported.",
                fix="DTSTART and one RRULE; tz= for the zone, calendar= for days to leave out",
            )
    if len(rules) != 1:
        raise UserError(
            f"RRule({text!r}) has {len(rules)} rules.", fix="one schedule for each: schedule=[RRule(…), RRule(…)]"
        )
    parts = dict(rrules.split(rules[0]))
    until = _local(found, tz, text, end_of_day=True) if (found := parts.pop("UNTIL", "")) else ""
    if not dtstart and start_us:
        dtstart = zones.local(tz, start_us).replace(tzinfo=None, microsecond=0).isoformat()
    if not dtstart and (needs := _taken_from_start(parts)):
        raise UserError(f"RRule({text!r}) takes {needs} from its start, and has none.", fix='start="2026-01-01T09:00"')
    return RRuleRule(
        text=";".join(f"{name}={value}" for name, value in parts.items()), dtstart=dtstart or _EPOCH, until=until
    )


def _taken_from_start(parts: dict[str, str]) -> str:
    """What of a rule depends on the first time of its series, beyond midnight and full hours."""
    days_named = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"} & parts.keys()
    if "COUNT" in parts:
        return "what COUNT counts"
    if parts["FREQ"] in _COARSE and parts.get("INTERVAL", "1") != "1":
        return "what INTERVAL is counted"
    if parts["FREQ"] in ("YEARLY", "MONTHLY", "WEEKLY") and not days_named:
        return "its day"
    return ""


def _local(stamp: str, tz: str, text: str, *, end_of_day: bool = False) -> str:
    """`20261231`, `20261231T235959` or `20261231T235959Z` as a naive local time."""
    found = _STAMP.fullmatch(stamp.strip().upper())
    try:
        assert found is not None
        numbers = [int(each) for each in found.groups()[:6] if each]
        moment = datetime(*numbers[:3], *numbers[3:], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (AssertionError, ValueError):
        raise UserError(
            f"RRule({text!r}): {stamp!r} is not a time.", fix="20261231T235959Z or 20261231T235959"
        ) from None
    if found[4] is None and end_of_day:
        moment = datetime.combine(moment, time.max.replace(microsecond=0))
    elif found[7]:
        moment = zones.local(tz, zones.instant_us(moment))
    return moment.replace(tzinfo=None).isoformat()
