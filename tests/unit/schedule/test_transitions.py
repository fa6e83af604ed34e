"""The ticks at clock changes are those of the committed table, `transitions.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.unit.schedule.making import schedule, shown, us
from toque.graph.schedules import AnyRule, BusinessDaysRule, CronRule, IntervalRule, RRuleRule
from toque.schedule.ticks import next_tick, ticks

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "transitions.toml").read_text())["case"]


def rule_of(case: dict[str, Any]) -> AnyRule:
    if "cron" in case:
        return CronRule(text=case["cron"])
    if "rrule" in case:
        return RRuleRule(text=case["rrule"], dtstart="2020-01-01T00:00:00")
    if "business_days" in case:
        return BusinessDaysRule(at=tuple(case["business_days"]))
    return IntervalRule(every_s=case["every_s"])


@pytest.mark.parametrize("case", CASES, ids=[f"{case['tz']}: {case['why']}" for case in CASES])
def test_a_tick_is_where_the_table_says(case: dict[str, Any]) -> None:
    rule = schedule(rule_of(case), case["tz"])
    found = list(ticks(rule, "p", us(case["after"]), us(case["until"])))
    assert [shown(tick.at_us) for tick in found] == case["ticks"]
    if "starts" in case:
        assert [shown(tick.start_us) for tick in found] == case["starts"]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['tz']}: {case['why']}" for case in CASES])
def test_going_from_tick_to_tick_finds_the_same(case: dict[str, Any]) -> None:
    rule = schedule(rule_of(case), case["tz"])
    found, at_us = [], us(case["after"])
    while (tick := next_tick(rule, "p", at_us)) is not None and tick.at_us <= us(case["until"]):
        found.append(shown(tick.at_us))
        at_us = tick.at_us
    assert found == case["ticks"]


def test_the_table_has_every_zone_and_both_directions() -> None:
    zones = {case["tz"] for case in CASES}
    assert zones >= {
        "Europe/Madrid",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    }
