"""Schedules in the IR: a pipeline without any is what it always was, and a change of one is told by its name."""

from __future__ import annotations

import msgspec
import pytest

from toque.graph import canonical, diff
from toque.graph.ir import Pipeline
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, CronRule, IntervalRule, RRuleRule, Schedule

RULES: list[AnyRule] = [
    CronRule(text="0 2 * * *"),
    IntervalRule(every_s=900.0, anchor_us=5),
    RRuleRule(text="FREQ=WEEKLY", dtstart="2026-01-05T09:00:00", until="2027-01-01T00:00:00"),
    BusinessDaysRule(at=("09:00",), nth=(1, -1), weekdays=(1, 7)),
]


def pipeline(*schedules: Schedule) -> Pipeline:
    return Pipeline(name="sales", schedules=schedules)


def night(text: str = "0 2 * * *", **fields: object) -> Schedule:
    return msgspec.structs.replace(Schedule(name="night", rule=CronRule(text=text)), **fields)


def test_a_pipeline_without_schedules_has_the_bytes_it_always_had() -> None:
    assert canonical.encode(pipeline()) == b'{"name":"sales"}'


@pytest.mark.parametrize("rule", RULES)
def test_each_kind_of_rule_comes_back(rule: AnyRule) -> None:
    written = pipeline(
        Schedule(
            name="s",
            rule=rule,
            tz="Asia/Kathmandu",
            parameters={"year": 2013},
            catchup="all",
            catchup_limit=7,
            jitter_s=0.5,
            start_us=1,
            end_us=2,
            paused=True,
            calendar=Calendar(holidays=("2026-12-25",), file="holidays.txt"),
        )
    )
    assert canonical.decode(canonical.encode(written)) == written


def test_defaults_are_left_out() -> None:
    assert canonical.encode(pipeline(night())) == (
        b'{"name":"sales","schedules":[{"name":"night","rule":{"kind":"cron","text":"0 2 * * *"}}]}'
    )


def test_an_unknown_kind_of_rule_is_refused_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"schedules\[0\]\.rule"):
        canonical.decode(b'{"name":"sales","schedules":[{"name":"night","rule":{"kind":"moon"}}]}')


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (pipeline(), pipeline(night()), "~ schedules.night: nothing → name=night, "),
        (pipeline(night()), pipeline(), "~ schedules.night: name=night, "),
        (pipeline(night()), pipeline(night("0 3 * * *")), "~ schedules.night.rule.text: 0 2 * * * → 0 3 * * *"),
        (pipeline(night()), pipeline(night(tz="Europe/Madrid")), "~ schedules.night.tz: UTC → Europe/Madrid"),
        (
            pipeline(night(parameters={"year": 2013})),
            pipeline(night(parameters={"year": 2014})),
            "~ schedules.night.parameters.year: 2013 → 2014",
        ),
    ],
)
def test_a_change_is_told_by_the_name_of_the_schedule(old: Pipeline, new: Pipeline, line: str) -> None:
    (told,) = diff.lines(diff.diff(old, new))
    assert told.startswith(line)
    assert canonical.content_hash(old) != canonical.content_hash(new)
