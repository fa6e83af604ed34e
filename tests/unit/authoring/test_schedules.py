"""Schedules as they are written in a file of pipelines: what they become in the IR, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.authoring.conftest import Refused
from toque import BusinessDays, Cron, Every, RRule, flow, pipeline, task
from toque.authoring.loader import Runnable
from toque.errors import UserError
from toque.graph import canonical, diff
from toque.graph.schedules import BusinessDaysRule, CronRule, IntervalRule, RRuleRule, Schedule

Load = Callable[[str], list[Runnable]]
HEAD = "from toque import *\nfrom toque import BusinessDays, Cron, Every, RRule, pipeline\n\n"


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def of(schedule: Any) -> Schedule:
    """What a pipeline's only schedule becomes."""

    @pipeline(schedule=schedule)
    def nightly(year: int = 2013) -> None: ...

    (found,) = nightly.ir.schedules
    return found


def said(write: Callable[[], object]) -> str:
    with pytest.raises(UserError) as raised:
        write()
    return str(raised.value)


def test_cron() -> None:
    found = of(Cron("0  2 * * *", tz="Europe/Madrid"))
    assert found == Schedule(
        name="cron", rule=CronRule(text="0 2 * * *"), tz="Europe/Madrid", parameters={"year": 2013}
    )
    assert of(Cron("@daily")).rule == CronRule(text="0 0 * * *")


def test_an_interval_counts_from_its_anchor_or_start() -> None:
    assert of(Every("15m")).rule == IntervalRule(every_s=900)
    assert of(Every(90)).rule == IntervalRule(every_s=90)
    assert of(Every("1h", start="2026-01-01T00:05Z")).rule == IntervalRule(
        every_s=3600, anchor_us=us("2026-01-01T00:05Z")
    )
    anchored = of(Every("1h", anchor="2026-01-01T00:10Z", start="2026-01-01T00:05Z"))
    assert anchored.rule == IntervalRule(every_s=3600, anchor_us=us("2026-01-01T00:10Z"))


def test_a_recurrence_takes_what_it_leaves_open_from_its_start() -> None:
    assert of(RRule("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18")).rule == RRuleRule(
        text="FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18", dtstart="1970-01-01T00:00:00"
    )
    assert of(RRule("FREQ=WEEKLY", tz="Asia/Kathmandu", start="2026-01-05T09:30")).rule == RRuleRule(
        text="FREQ=WEEKLY", dtstart="2026-01-05T09:30:00"
    )


def test_a_recurrence_may_bring_its_own_start_and_end() -> None:
    text = "DTSTART:20260105T080000Z\nRRULE:FREQ=WEEKLY;UNTIL=20260301T000000Z"
    assert of(RRule(text, tz="Asia/Kathmandu")).rule == RRuleRule(
        text="FREQ=WEEKLY", dtstart="2026-01-05T13:45:00", until="2026-03-01T05:45:00"
    )
    assert of(RRule("FREQ=DAILY;UNTIL=20260301")).rule == RRuleRule(
        text="FREQ=DAILY", dtstart="1970-01-01T00:00:00", until="2026-03-01T23:59:59"
    )


def test_business_days() -> None:
    assert of(BusinessDays("09:00")).rule == BusinessDaysRule(at=("09:00",))
    assert of(BusinessDays(["18:00", "09:00"], nth=-1)).rule == BusinessDaysRule(at=("09:00", "18:00"), nth=(-1,))
    assert of(BusinessDays("09:00", weekdays="sun-thu")).rule == BusinessDaysRule(
        at=("09:00",), weekdays=(1, 2, 3, 4, 7)
    )
    assert of(BusinessDays("09:00", weekdays="Mon, wed")).rule == BusinessDaysRule(at=("09:00",), weekdays=(1, 3))


def test_options_of_all_schedules() -> None:
    found = of(
        Cron(
            "0 2 * * *",
            name="eu",
            tz="Europe/Madrid",
            parameters={"year": "2020"},
            catchup="all",
            catchup_limit=7,
            jitter="5m",
            start=date(2026, 7, 1),
            end=datetime(2027, 1, 1, tzinfo=UTC),
            paused=True,
        )
    )
    assert found == Schedule(
        name="eu",
        rule=CronRule(text="0 2 * * *"),
        tz="Europe/Madrid",
        parameters={"year": 2020},
        catchup="all",
        catchup_limit=7,
        jitter_s=300,
        start_us=us("2026-06-30T22:00Z"),
        end_us=us("2027-01-01T00:00Z"),
        paused=True,
    )


def test_a_pipeline_has_several_schedules_with_their_own_parameters() -> None:
    @pipeline(
        schedule=[
            Cron("0 2 * * *", name="eu", parameters={"region": "eu"}),
            Cron("0 8 * * *", name="us", parameters={"region": "us", "day": date(2026, 1, 1)}),
        ]
    )
    def sales(region: str, day: date | None = None) -> None: ...

    eu, us_ = sales.ir.schedules
    assert (eu.name, eu.parameters) == ("eu", {"region": "eu", "day": None})
    assert (us_.name, us_.parameters["region"]) == ("us", "us")
    assert canonical.decode(canonical.encode(sales.ir)) == sales.ir


@flow(schedule=Every("1h"))
def crawl(page: int = 1) -> None: ...


@task
def double(x: int) -> int:
    return 2 * x


@pipeline
def plain(x: int = 1) -> None:
    double(x)


def test_a_flow_has_schedules_too() -> None:
    assert [(each.name, each.parameters) for each in crawl.ir.schedules] == [("every", {"page": 1})]


def test_a_pipeline_without_one_is_what_it_was() -> None:
    assert plain.ir.schedules == ()
    assert b'"schedules":' not in canonical.encode(plain.ir)
    assert plain.options(schedule=Every("1h")).ir.schedules != ()
    assert plain.options(schedule=Every("1h")).options(schedule=None).ir == plain.ir


def test_a_change_of_a_schedule_is_a_change_of_the_pipeline() -> None:
    @pipeline(schedule=Cron("0 2 * * *", name="night"))
    def nightly(year: int = 2013) -> None: ...

    later = nightly.options(schedule=[Cron("0 3 * * *", name="night"), Every("1h")])
    assert canonical.content_hash(nightly.ir) != canonical.content_hash(later.ir)
    lines = diff.lines(diff.diff(nightly.ir, later.ir))
    assert lines[0] == "~ schedules.night.rule.text: 0 2 * * * → 0 3 * * *"
    assert lines[1].startswith("~ schedules.every: nothing → name=every")


def test_holidays_are_read_from_a_file_of_the_project(project: Path, load: Load) -> None:
    (project / "holidays.txt").write_text("# Spain\n2026-12-25 Navidad\n\n2026-01-06  # Reyes\n2026-12-25\n")
    (found,) = load(
        HEAD + '@pipeline(schedule=BusinessDays("09:00", calendar="holidays.txt"))\ndef payroll() -> None: ...\n'
    )
    (schedule,) = found.ir.schedules
    assert schedule.calendar is not None
    assert (schedule.calendar.holidays, schedule.calendar.file) == (("2026-01-06", "2026-12-25"), "holidays.txt")


def test_a_wrong_date_names_the_line_of_the_calendar(project: Path, refused: Refused) -> None:
    (project / "holidays.txt").write_text("2026-12-25\n25.12.2026 Navidad\n")
    assert refused(HEAD + 'Cron("0 2 * * *", calendar="holidays.txt")\n') == (
        "holidays.txt:2  25.12.2026 Navidad\n"
        "  '25.12.2026' is not a date.\n"
        "  Fix: a date such as 2026-12-25; # begins a comment"
    )


def test_a_calendar_that_is_missing(refused: Refused) -> None:
    found = refused(HEAD + 'Cron("0 2 * * *", calendar="holiday.txt")\n')
    assert "flows.py:4" in found
    assert "calendar='holiday.txt' cannot be read: No such file or directory." in found
    assert "Fix: the path of a text file within the project" in found


MISTAKES: dict[str, tuple[str, str]] = {
    "a cron field": (
        'Cron("0 25 * * *")',
        "Cron('0 25 * * *'): '25' is no hour.\n  Fix: 0-23; *, lists (a,b), ranges (a-b) and steps (*/n)",
    ),
    "too few fields": ('Cron("0 2 * *")', "Cron('0 2 * *') has 4 fields, and needs 5 or 6."),
    "no text": ("Cron(2)", 'Cron(2) is not a text.\n  Fix: Cron("0 2 * * *")'),
    "a zone": (
        'Cron("0 2 * * *", tz="Europe/Madird")',
        "There is no time zone 'Europe/Madird'.\n  Fix: tz=\"Europe/Madrid\"",
    ),
    "an option": ('Cron("0 2 * * *", catch_up="all")', "A schedule has no option 'catch_up'.\n  Fix: catchup=…"),
    "a policy": ('Cron("0 2 * * *", catchup="some")', "catchup='some' does not exist."),
    "an interval": ('Every("fifteen")', "Every: 'fifteen' is not a duration"),
    "an interval of nothing": ("Every(0)", "Every(0 s) is out of range.\n  Fix: a second or more"),
    "a time": ('Every("1h", start="soon")', "start='soon' is not a time.\n  Fix: start=\"2026-01-01\""),
    "an end before the start": (
        'Every("1h", start="2026-01-02", end="2026-01-01")',
        "end is not after start: there would be no tick.",
    ),
    "a recurrence without a day": (
        'RRule("FREQ=WEEKLY")',
        "RRule('FREQ=WEEKLY') takes its day from its start, and has none.\n  Fix: start=\"2026-01-01T09:00\"",
    ),
    "an interval without a phase": ('RRule("FREQ=DAILY;INTERVAL=3")', "takes what INTERVAL is counted from its start"),
    "a count of nothing": ('RRule("FREQ=DAILY;COUNT=3")', "takes what COUNT counts from its start"),
    "an exception": ('RRule("RRULE:FREQ=DAILY\\nEXDATE:20260101")', "EXDATE is not supported"),
    "two rules": ('RRule("FREQ=DAILY\\nFREQ=WEEKLY")', "has 2 rules.\n  Fix: one schedule for each"),
    "an until": ('RRule("FREQ=DAILY;UNTIL=2026")', "'2026' is not a time.\n  Fix: 20261231T235959Z"),
    "a time of the day": ('BusinessDays("9am")', "BusinessDays(at='9am') is not a time of the day."),
    "weekdays": ('BusinessDays("09:00", weekdays="work")', "weekdays='work' names no weekdays."),
    "parameters": ('Cron("0 2 * * *", parameters=[1])', "parameters is not a mapping."),
    "a name": ('Cron("0 2 * * *", name="a/b")', "'a/b' cannot be the name of a schedule."),
    "a jitter": ('Cron("0 2 * * *", jitter="x")', "jitter: 'x' is not a duration"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_where_it_is_written(name: str, refused: Refused) -> None:
    written, message = MISTAKES[name]
    found = refused(f"{HEAD}x = {written}\n")
    assert found.startswith(f"flows.py:4  x = {written}\n")
    assert message in found


@pytest.mark.parametrize(
    ("parameters", "message", "fix"),
    [
        ("", "sales needs the parameter 'year'.", 'parameters={"year": …}'),
        (", parameters={'yaer': 1}", "sales has no parameter 'yaer'.", "its parameters are: year"),
        (", parameters={'year': 'x'}", "sales: year='x' is not int", 'parameters={"year": …} with a number'),
    ],
)
def test_parameters_are_those_of_the_pipeline(parameters: str, message: str, fix: str, refused: Refused) -> None:
    found = refused(f'{HEAD}@pipeline(schedule=Cron("0 2 * * *"{parameters}))\ndef sales(year: int) -> None: ...\n')
    assert found.startswith("flows.py:4  @pipeline")
    assert message in found
    assert found.endswith(f"Fix: {fix}")


def test_two_schedules_of_one_name(refused: Refused) -> None:
    found = refused(
        f'{HEAD}@pipeline(schedule=[Cron("0 2 * * *"),\n    Cron("0 3 * * *")])\ndef sales() -> None: ...\n'
    )
    assert "flows.py:5" in found
    assert "Two schedules of sales are called 'cron'.\n  Fix: name=\"cron_2\"" in found


def test_what_is_no_schedule() -> None:
    wrong: Any = "0 2 * * *"
    assert (
        "schedule='0 2 * * *' is not a schedule.\n  Fix: schedule=Cron('0 2 * * *'), and from toque import Cron"
        in said(lambda: pipeline(schedule=wrong))
    )
    assert "schedule=3 is not a schedule." in said(lambda: pipeline(schedule=[Cron("0 2 * * *"), 3]))  # type: ignore[list-item]


def test_a_schedule_is_shown_by_its_name() -> None:
    assert repr(Cron("0 2 * * *", name="night")) == "<schedule night>"
