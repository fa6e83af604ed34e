"""What the rules of an asset say, case by case."""

from __future__ import annotations

import pytest

from tests.unit.schedule.automation.house import DAYS, SECOND, House, asset, eager
from toque.graph.automation import AllFresh, Eager, OnTicks, WhenMissing
from toque.graph.partitions import AllKeys, LastKey, StaticKeys, TrailingWindows
from toque.graph.schedules import IntervalRule, Schedule
from toque.schedule.automation.deciding import AT_ONCE

ONE = ("",)
HOURLY = OnTicks(schedule=Schedule(name="s", rule=IntervalRule(every_s=3600)))


def day(n: int) -> str:
    return f"2027-01-{n}"


def test_eager_asks_once_for_what_was_made_upstream() -> None:
    house = House.of(asset("raw"), eager("clean", "raw"))
    assert house.asks() == []
    house.make("raw")
    assert house.asks() == [(("clean",), ONE)]
    assert house.asks() == []
    house.carry_out(house.asked[-1])
    assert house.asks() == []
    assert house.memories["clean"].dealt == {}
    house.make("raw")
    assert house.asks() == [(("clean",), ONE)]


def test_what_was_made_before_it_began_is_no_cause() -> None:
    house = House.of(asset("raw"), eager("clean", "raw"))
    house.make("raw")
    house.memories["clean"] = house.memories["clean"]._replace(since_us=house.now_us)
    assert house.asks() == []


def test_it_waits_for_the_end_of_the_run_and_several_ends_are_one_request() -> None:
    house = House.of(asset("a"), asset("b"), eager("c", "a", "b"))
    job = house.begin("a", "b")
    house.tell(job, "a")
    verdict = house.look()["c"]
    assert (verdict.outcome, verdict.is_open) == ("", True)
    house.tell(job, "b")
    house.end(job)
    assert house.asks() == [(("c",), ONE)]
    assert house.asked[-1].verdicts[0].reason == "a was made, and 1 more"


def test_a_long_wait_for_a_run_is_said() -> None:
    house = House.of(asset("a"), eager("b", "a"))
    job = house.begin("a")
    house.tell(job, "a")
    house.wait(90)
    verdict = house.look()["b"]
    assert (verdict.outcome, verdict.reason) == ("waits", "waits for the run r1, which made a")


def test_a_run_that_was_to_make_it_too_is_no_cause_even_if_it_failed() -> None:
    house = House.of(asset("a"), eager("b", "a"))
    job = house.begin("a", "b")
    house.tell(job, "a")
    house.end(job)
    assert house.asks() == []


def test_what_fails_is_not_asked_for_again_before_there_is_another_cause() -> None:
    house = House.of(asset("a"), eager("b", "a"))
    house.make("a")
    house.look()
    house.carry_out(house.asked[-1], failing=["b"])
    assert house.asks() == []
    house.make("a")
    assert house.asks() == [(("b",), ONE)]


def test_what_was_made_upstream_during_its_own_run_is_a_cause_of_its_own() -> None:
    house = House.of(asset("a"), eager("b", "a"))
    house.make("a")
    house.look()
    job = house.begin("b", is_ours=True)
    house.make("a")
    assert house.asks() == []
    house.tell(job, "b")
    house.end(job)
    assert house.asks() == [(("b",), ONE)]


def test_what_somebody_made_by_hand_since_is_not_made_again() -> None:
    house = House.of(asset("a"), eager("b", "a"))
    house.make("a")
    house.make("b")
    assert house.asks() == []


def test_a_chain_is_one_request_and_what_failed_in_it_is_left() -> None:
    house = House.of(asset("a"), eager("b", "a"), eager("c", "b"), eager("d", "b", "c"))
    house.make("a")
    assert house.asks() == [(("b", "c", "d"), ONE)]
    house.carry_out(house.asked[-1], failing=["c"])
    assert house.asks() == []


def test_an_asset_cut_otherwise_is_asked_for_when_what_it_reads_was_made() -> None:
    house = House.of(asset("a"), eager("b", "a"), asset("c", Eager(), of=["b"], cut=StaticKeys(keys=("x", "y"))))
    house.make("a")
    assert house.asks() == [(("b",), ONE)]
    house.carry_out(house.asked[-1])
    assert house.asks() == [(("c",), ("x", "y"))]


def test_only_slices_that_read_what_was_made_are_asked_for() -> None:
    house = House.of(
        asset("a", cut=DAYS), asset("b", Eager(), of=[("a", TrailingWindows(count=2))], cut=DAYS), eager("c", "a")
    )
    for n in (10, 11, 12, 13, 14):
        house.make("a", key=day(n))
    first = house.asks()
    assert first[0] == (("b",), tuple(day(n) for n in (10, 11, 12, 13, 14)))
    for request in list(house.asked):
        house.carry_out(request)
    house.make("a", key=day(12))
    assert house.asks() == [(("b",), (day(12), day(13))), (("c",), ONE)]


def test_slices_at_once_are_bounded_and_the_rest_follows() -> None:
    many = StaticKeys(keys=tuple(f"k{n:03}" for n in range(AT_ONCE + 20)))
    house = House.of(asset("a"), asset("b", Eager(), of=["a"], cut=many))
    house.make("a")
    [(_, first)] = house.asks()
    assert first == many.keys[:AT_ONCE]
    request = house.asked[-1]
    job = house.begin(keys_of={"b": frozenset(first)}, is_ours=True)
    assert house.asks() == []
    house.end(job)
    house.carry_out(request)
    assert house.asks() == [(("b",), many.keys[AT_ONCE:])]


def test_eager_waits_for_what_was_never_made_and_for_failing_checks() -> None:
    house = House.of(asset("a"), asset("b"), eager("c", "a", "b"))
    house.make("a")
    verdict = house.look()["c"]
    assert (verdict.outcome, verdict.reason) == ("waits", "waits for b: never made")
    house.make("b", failing=("not_null(id)",))
    assert house.look()["c"].reason == "waits for b: not_null(id) fails"
    house.make("b")
    assert house.asks() == [(("c",), ONE)]


def test_what_something_else_makes_is_not_waited_for() -> None:
    house = House.of(asset("a"), asset("crm.x"), eager("c", "a", "crm.x"), external=["crm.x"])
    house.make("a")
    assert house.asks() == [(("c",), ONE)]


def test_what_is_only_observed_is_no_cause() -> None:
    house = House.of(asset("a"), asset("b", Eager(), of=["a"], observes=["crm.x"]), asset("crm.x"))
    house.make("crm.x")
    assert house.asks() == []


def test_all_fresh_waits_until_everything_was_made_since() -> None:
    house = House.of(asset("a"), asset("b"), asset("c", AllFresh(), of=["a", "b"]))
    house.make("a")
    verdict = house.look()["c"]
    assert (verdict.outcome, verdict.reason) == ("waits", "waits for b: not made since")
    house.make("a")
    house.make("b")
    assert house.asks() == [(("c",), ONE)]
    house.carry_out(house.asked[-1])
    house.make("b")
    assert house.look()["c"].reason == "waits for a: not made since"


def test_all_fresh_waits_for_what_is_stale() -> None:
    house = House.of(asset("src"), asset("a", of=["src"]), asset("b"), asset("c", AllFresh(), of=["a", "b"]))
    house.make("src")
    house.make("a")
    house.make("src")
    house.make("b")
    assert house.look()["c"].reason == "waits for a: stale, src changed since"
    house.make("a")
    assert house.asks() == [(("c",), ONE)]


def test_what_was_never_made_is_asked_for_once_what_it_reads_is_there() -> None:
    house = House.of(asset("a", cut=DAYS), asset("b", WhenMissing(), of=["a"], cut=DAYS), asset("c", WhenMissing()))
    house.wait(3 * 86400)
    house.make("a", key=day(11))
    assert house.asks() == [(("b",), (day(11),)), (("c",), ONE)]
    for request in list(house.asked):
        house.carry_out(request, failing=["b"])
    assert house.asks() == []
    house.make("a", key=day(11))
    assert house.asks() == [(("b",), (day(11),))]


def test_what_a_run_under_way_makes_is_not_asked_for() -> None:
    house = House.of(asset("c", WhenMissing()))
    job = house.begin("c")
    assert house.asks() == []
    house.tell(job, "c")
    house.end(job)
    assert house.asks() == []


def test_the_last_of_several_ticks_is_acted_on_once() -> None:
    house = House.of(asset("c", HOURLY))
    assert house.asks() == []
    house.wait(3 * 3600)
    assert house.asks() == [(("c",), ONE)]
    assert house.asked[-1].verdicts[0].reason == "the tick of 2027-01-15 11:00 UTC"
    assert house.asks() == []
    house.wait(3600)
    assert house.asks() == [(("c",), ONE)]


def test_a_tick_makes_the_last_window_and_all_of_other_partitions() -> None:
    house = House.of(asset("d", HOURLY, cut=DAYS), asset("e", HOURLY, cut=StaticKeys(keys=("x", "y"))))
    house.wait(3600)
    assert house.asks() == [(("d",), (day(14),)), (("e",), ("x", "y"))]


def test_a_year_of_ticks_is_not_walked_through() -> None:
    each_second = OnTicks(schedule=Schedule(name="s", rule=IntervalRule(every_s=1)))
    house = House.of(asset("c", each_second))
    house.wait(365 * 86400)
    assert house.asks() == [(("c",), ONE)]
    assert house.now_us - house.memories["c"].cursor_us < SECOND


def test_a_pause_holds_causes_and_skips_ticks() -> None:
    house = House.of(asset("a"), eager("b", "a"), asset("c", HOURLY))
    house.held = {"b": "paused by ana", "c": "the pipeline nightly is paused"}
    house.make("a")
    house.wait(3600)
    found = house.look()
    assert (found["b"].outcome, found["b"].reason) == ("paused", "paused by ana")
    assert found["c"].outcome == "skipped"
    assert found["c"].reason.endswith("the pipeline nightly is paused")
    house.held = {}
    assert house.asks() == [(("b",), ONE)]


def test_what_is_made_from_itself_is_never_made_by_itself() -> None:
    house = House.of(eager("a", "b"), eager("b", "a"), eager("c", "a"))
    house.make("a")
    found = house.look()
    assert found["a"].reason == "is made from itself: a → b → a"
    assert house.asks() == []
    assert [each.asset for each in house.asked[0].verdicts] == ["c"]


@pytest.mark.parametrize("mapping", [AllKeys(), LastKey()])
def test_an_asset_that_reads_many_slices_is_asked_for_once(mapping: AllKeys | LastKey) -> None:
    house = House.of(asset("a", cut=DAYS), asset("b", Eager(), of=[("a", mapping)]))
    house.wait(86400)
    for key in house.keys("a"):
        house.make("a", key=key)
    assert house.asks() == [(("b",), ONE)]


def test_the_first_rule_that_lacks_nothing_decides() -> None:
    house = House.of(asset("a"), asset("b"), asset("c", AllFresh(), WhenMissing(), of=["a", "b"]))
    house.make("b")
    house.memories["c"] = house.memories["c"]._replace(since_us=house.now_us)
    house.make("a")
    house.look()
    assert house.asked[-1].verdicts[0].rule == "WhenMissing"
