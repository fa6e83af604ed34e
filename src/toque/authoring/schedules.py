"""Schedules as they are written: `Cron("0 2 * * *", tz="Europe/Madrid")`, `Every("15m")`, `RRule(…)`, and others.

What can be judged of one is judged where it is written, so that an error names that line; its parameters are judged
with the pipeline that it starts.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, TypeAlias, TypedDict, Unpack, cast

import msgspec

from toque.authoring import sites
from toque.durations import Duration, seconds
from toque.errors import UserError
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, CatchUpPolicy, CronRule, IntervalRule, Schedule

Moment: TypeAlias = str | date | datetime
"""`"2026-01-01"`, `"2026-01-01T09:00"` (local to the schedule's zone), `"2026-01-01T09:00Z"`, or such a value."""

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ScheduleOptions(TypedDict, total=False):
    """Options of every schedule."""

    tz: str
    """Whose wall clock the rule reads: an IANA name; UTC unless stated."""
    name: str
    """Unique in its pipeline, and kept when the rule changes; `cron`, `every`, … unless stated."""
    parameters: Mapping[str, Any]
    """Of the runs that it starts."""
    catchup: CatchUpPolicy
    """What becomes of ticks that were missed: `skip`, `latest` (unless stated) or `all`."""
    catchup_limit: int
    """With `all`: so many are started, the newest ones; 100 unless stated."""
    jitter: Duration
    """Start up to so much later, always by the same share of it: spreads what would start together."""
    start: Moment
    """No tick before."""
    end: Moment
    """No tick at or after; a day means its beginning."""
    paused: bool
    """Starts paused; from then on people decide."""
    calendar: str | os.PathLike[str]
    """A file of the project with one date a line: days without ticks."""


class Scheduled:
    """What all schedules share. Raises `UserError` about the line that it is written in."""

    kind = ""

    def __init__(self, rule: Callable[[str, int], AnyRule], options: Mapping[str, Any]) -> None:
        self.site = sites.here()
        self.options = dict(options)
        try:
            self._draft = self._drafted(rule, self.options)
        except UserError as error:
            raise _placed(error, sites.here_exactly()) from None

    def __repr__(self) -> str:
        return f"<schedule {self._draft.name}>"

    def schedule(self, validate: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Schedule:
        """Its value in the IR; `validate` is that of the pipeline, and completes the parameters."""
        given = self.options.get("parameters", {})
        try:
            parameters = validate(given)
        except UserError as error:
            fix = re.sub(r"-p (\w+)=…", r'parameters={"\1": …}', error.fix)
            raise self.site.error(error.message, fix=fix) from None
        return msgspec.structs.replace(self._draft, parameters=parameters)

    def _drafted(self, rule: Callable[[str, int], AnyRule], options: Mapping[str, Any]) -> Schedule:
        from toque.schedule import checks

        known = ScheduleOptions.__annotations__
        for name in options:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise UserError(
                    f"A schedule has no option {name!r}.", fix=f"{near[0]}=…" if near else f"one of {', '.join(known)}"
                )
        tz = options.get("tz", "UTC")
        checks.check_zone(tz)
        start_us = _instant_us("start", options.get("start"), tz)
        draft = Schedule(
            name=options.get("name", self.kind),
            rule=rule(tz, start_us),
            tz=tz,
            catchup=options.get("catchup", "latest"),
            catchup_limit=options.get("catchup_limit", 100),
            jitter_s=_seconds("jitter", options.get("jitter", 0)),
            start_us=start_us,
            end_us=_instant_us("end", options.get("end"), tz),
            paused=options.get("paused", False),
            calendar=_calendar(options.get("calendar"), self.site),
        )
        checks.validate(draft)
        if not isinstance(options.get("parameters", {}), Mapping):
            raise UserError("parameters is not a mapping.", fix='parameters={"year": 2013}')
        return draft


class Cron(Scheduled):
    """Wall-clock times: `Cron("0 2 * * *", tz="Europe/Madrid")`, or six fields with seconds first, or `@daily`."""

    kind = "cron"

    def __init__(self, text: str, **options: Unpack[ScheduleOptions]) -> None:
        def rule(tz: str, start_us: int) -> AnyRule:
            from toque.schedule import cron

            if not isinstance(text, str):
                raise UserError(f"Cron({text!r}) is not a text.", fix='Cron("0 2 * * *")')
            return CronRule(text=cron.expanded(text))

        super().__init__(rule, cast("dict[str, Any]", options))


class Every(Scheduled):
    """Elapsed time, counted from `anchor` (or `start`, or 1970 in UTC): `Every("15m")`. No clock change touches it."""

    kind = "every"

    def __init__(self, every: Duration, *, anchor: Moment | None = None, **options: Unpack[ScheduleOptions]) -> None:
        def rule(tz: str, start_us: int) -> AnyRule:
            return IntervalRule(
                every_s=_seconds("Every", every), anchor_us=_instant_us("anchor", anchor, tz) if anchor else start_us
            )

        super().__init__(rule, cast("dict[str, Any]", options))


class RRule(Scheduled):
    """A recurrence of RFC 5545 on the wall clock: `RRule("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18")`."""

    kind = "rrule"

    def __init__(self, text: str, **options: Unpack[ScheduleOptions]) -> None:
        def rule(tz: str, start_us: int) -> AnyRule:
            from toque.schedule import reading

            return reading.recurrence(text, tz, start_us)

        super().__init__(rule, cast("dict[str, Any]", options))


class BusinessDays(Scheduled):
    """Weekdays that are no holiday: `BusinessDays("09:00", calendar="holidays.txt")`.

    `nth` keeps only these of each month (1 is the first, -1 the last); `weekdays` is `"mon-fri"` unless stated.
    """

    kind = "business_days"

    def __init__(
        self,
        at: str | Sequence[str],
        *,
        nth: int | Sequence[int] = (),
        weekdays: str = "mon-fri",
        **options: Unpack[ScheduleOptions],
    ) -> None:
        def rule(tz: str, start_us: int) -> AnyRule:
            return BusinessDaysRule(
                at=tuple(sorted({at} if isinstance(at, str) else set(at))),
                nth=(nth,) if isinstance(nth, int) else tuple(nth),
                weekdays=_weekdays(weekdays),
            )

        super().__init__(rule, cast("dict[str, Any]", options))


def check_option(value: object) -> None:
    """Raises `UserError` for a `schedule=` that is neither a schedule nor a list of them."""
    for each in value if isinstance(value, list | tuple) else (value,):
        if each is not None and not isinstance(each, Scheduled):
            meant = f"Cron({each!r})" if isinstance(each, str) else 'Cron("0 2 * * *")'
            fix = f"schedule={meant}, and from toque import Cron"
            raise sites.refuse(f"schedule={each!r} is not a schedule.", fix=fix)


def schedules_of(runnable: Any) -> tuple[Schedule, ...]:
    """The schedules of a pipeline or flow, in the order of the source."""
    option = runnable.settings.get("schedule")
    found: dict[str, Schedule] = {}
    for each in option if isinstance(option, list | tuple) else (option,):
        if each is None:
            continue
        schedule = each.schedule(runnable.validate)
        if schedule.name in found:
            raise each.site.error(
                f"Two schedules of {runnable.name} are called {schedule.name!r}.",
                fix=f'name="{schedule.name}_2": their names tell them apart when a rule changes',
            )
        found[schedule.name] = schedule
    return tuple(found.values())


def _placed(error: UserError, site: sites.Site) -> UserError:
    return error if error.file else site.error(error.message, fix=error.fix)


def _seconds(name: str, value: Duration) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise UserError(f"{name}: {error}.", fix=f'{name}("15m")' if name == "Every" else f'{name}="5m"') from None


def _instant_us(name: str, moment: Moment | None, tz: str) -> int:
    """0 for None."""
    from toque.schedule import zones

    if moment is None:
        return 0
    try:
        found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise UserError(f"{name}={moment!r} is not a time.", fix=f'{name}="2026-01-01" or "2026-01-01T09:00"') from None
    if not isinstance(found, datetime):
        found = datetime.combine(found, time())
    return zones.instant_us(found if found.tzinfo else found.replace(tzinfo=zones.zone(tz)))


def _weekdays(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.strip().partition("-")
        try:
            begin, end = _DAYS.index(first[:3]), _DAYS.index((last or first)[:3])
        except ValueError:
            raise UserError(
                f"weekdays={text!r} names no weekdays.", fix='weekdays="mon-fri", or "sun-thu", or "mon,wed"'
            ) from None
        found |= {(begin + n) % 7 + 1 for n in range((end - begin) % 7 + 1)}
    return tuple(sorted(found))


def _calendar(file: str | os.PathLike[str] | None, site: sites.Site) -> Calendar | None:
    """The dates of a file of the project: one a line, `#` begins a comment, words may follow the date."""
    if file is None:
        return None
    root = Path(sites.project_root(site.file) if site.file and not site.file.startswith("<") else os.getcwd())
    name = Path(file).as_posix()
    try:
        lines = (root / file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(
            f"calendar={name!r} cannot be read: {reason}.",
            fix="the path of a text file within the project; [bundle] include names files of unusual kinds",
        ) from None
    days: set[str] = set()
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            days.add(date.fromisoformat(text.split()[0]).isoformat())
        except ValueError:
            raise UserError(
                f"{text.split()[0]!r} is not a date.",
                file=name,
                line=number,
                source=line.strip(),
                fix="a date such as 2026-12-25; # begins a comment",
            ) from None
    return Calendar(holidays=tuple(sorted(days)), file=name)
