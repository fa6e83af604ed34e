"""Admission is fair and exact: turns, priorities and parking, for any sequence of requests and releases."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toque.engine.admission import Admission, Capacity, Forget, Held, Release, Request, UsedElsewhere, Withdraw
from toque.engine.lines import Claim
from toque.errors import ToqueBug

POOLS = {"a": 1, "b": 3, "c": 0}


def claim(pool: str, limit: int, slots: int = 1) -> tuple[Claim, ...]:
    return (Claim(pool=pool, slots=slots, limit=limit),)


def asking(run: str, count: int, task: str = "t", **fields: object) -> Request:
    return Request(run_id=run, task=task, count=count, executor="process", **fields)  # type: ignore[arg-type]


def served(admission: Admission, at_most: int = 1_000_000) -> dict[str, int]:
    return {grant.run_id: grant.count for grant in admission.grant(at_most)}


def order(admission: Admission, limit: int = 1_000) -> list[str]:
    """Who is served when slots are given out one at a time."""
    found = []
    for _ in range(limit):
        grants = admission.grant(1)
        if not grants:
            return found
        found.append(grants[0].run_id)
    raise AssertionError("grants without end")


def test_runs_that_arrived_together_alternate() -> None:
    admission = Admission()
    for run in "abc":
        admission.accept(asking(run, 3))
    assert order(admission) == ["a", "b", "c"] * 3


def test_a_run_that_arrives_late_does_not_wait_for_the_whole_of_an_early_one() -> None:
    admission = Admission()
    admission.accept(asking("early", 100))
    admission.grant(10)
    admission.accept(asking("late", 2))
    assert order(admission)[:4].count("late") == 2


def test_a_late_run_does_not_catch_up_on_turns_that_it_never_waited_for() -> None:
    admission = Admission()
    admission.accept(asking("early", 100))
    admission.grant(50)
    admission.accept(asking("late", 50))
    assert order(admission)[:10].count("early") >= 4


def test_a_run_with_many_tasks_has_no_more_turns_than_one_with_a_single_task() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=10))
    for task in range(20):
        admission.accept(asking("wide", 5, f"t{task}"))
    admission.accept(asking("narrow", 5))
    counts: Counter[str] = Counter()
    for grant in admission.grant():
        counts[grant.run_id] += grant.count
    assert counts == {"wide": 5, "narrow": 5}


def test_every_higher_priority_is_served_first_even_if_it_comes_last() -> None:
    admission = Admission()
    for priority, run in ((0, "low"), (-5, "lowest"), (3, "high"), (1, "middle")):
        admission.accept(asking(run, 2, priority=priority))
    assert order(admission) == ["high", "high", "middle", "middle", "low", "low", "lowest", "lowest"]


def test_runs_take_turns_among_equal_priorities_only() -> None:
    admission = Admission()
    admission.accept(asking("a", 2, priority=1))
    admission.accept(asking("b", 2, priority=1))
    admission.accept(asking("c", 2))
    assert order(admission) == ["a", "b", "a", "b", "c", "c"]


def test_executors_do_not_take_each_others_room() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=0))
    admission.accept(Capacity(executor="other", free=3))
    admission.accept(asking("blocked", 5))
    admission.accept(Request(run_id="free", task="t", count=5, executor="other"))
    assert served(admission) == {"free": 3}
    admission.accept(Capacity(executor="process", free=2))
    assert served(admission) == {"blocked": 2}


def test_capacity_is_what_is_free_now_and_not_a_sum() -> None:
    admission = Admission()
    admission.accept(asking("r", 10))
    for free in (5, 2, 1):
        admission.accept(Capacity(executor="process", free=free))
    assert served(admission) == {"r": 1}


def test_a_pool_larger_than_what_is_asked_for_blocks_nobody() -> None:
    admission = Admission()
    for run in "ab":
        admission.accept(asking(run, 3, claims=claim("db", 1000)))
    assert served(admission) == {"a": 3, "b": 3}
    assert admission.used("db") == 6


@pytest.mark.parametrize(("slots", "limit", "at_once"), [(1, 5, 5), (2, 5, 2), (3, 5, 1), (5, 5, 1), (9, 5, 1)])
def test_as_many_attempts_at_once_as_their_slots_fit_into_the_pool(slots: int, limit: int, at_once: int) -> None:
    admission = Admission()
    admission.accept(asking("r", 10, claims=claim("db", limit, slots)))
    assert served(admission) == {"r": at_once}
    assert admission.used("db") <= limit


def test_a_claim_of_the_whole_pool_is_served_when_small_ones_make_room() -> None:
    admission = Admission()
    admission.accept(asking("small", 3, claims=claim("db", 3)))
    assert served(admission) == {"small": 3}
    admission.accept(asking("large", 1, claims=claim("db", 3, slots=3)))
    for _ in range(2):
        admission.accept(Release(run_id="small", task="t"))
        assert served(admission) == {}
    admission.accept(Release(run_id="small", task="t"))
    assert served(admission) == {"large": 1}


def test_slots_held_elsewhere_may_exceed_the_pool() -> None:
    admission = Admission()
    admission.accept(UsedElsewhere(pool="db", slots=7))
    admission.accept(asking("r", 2, claims=claim("db", 2)))
    assert served(admission) == {}
    admission.accept(UsedElsewhere(pool="db", slots=1))
    assert served(admission) == {"r": 1}


def test_restored_attempts_count_before_anything_is_granted() -> None:
    admission = Admission()
    admission.accept(Held(run_id="old", task="t", count=2, executor="process", claims=claim("db", 2)))
    admission.accept(asking("new", 1, claims=claim("db", 2)))
    assert served(admission) == {}
    assert admission.counts("old", "t") == (2, 0)
    admission.accept(Release(run_id="old", task="t", count=2))
    assert served(admission) == {"new": 1}
    assert admission.counts("old", "t") == (0, 0)


def test_a_withdrawal_of_all_leaves_room_to_those_behind() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=1))
    admission.accept(asking("first", 5))
    admission.accept(asking("second", 5))
    admission.accept(Withdraw(run_id="first", task="t", count=5))
    assert order(admission) == ["second"]
    assert admission.counts("first", "t") == (0, 0)


def test_a_withdrawal_of_what_was_never_asked_for_changes_nothing() -> None:
    admission = Admission()
    admission.accept(asking("r", 1))
    admission.accept(Withdraw(run_id="nobody", task="t", count=5))
    assert served(admission) == {"r": 1}


def test_a_task_that_withdrew_may_ask_again() -> None:
    admission = Admission()
    admission.accept(asking("r", 5))
    admission.accept(Withdraw(run_id="r", task="t", count=5))
    admission.accept(asking("r", 2))
    assert served(admission) == {"r": 2}


def test_slots_that_nobody_holds_cannot_be_given_back() -> None:
    admission = Admission()
    admission.accept(asking("r", 1))
    admission.grant()
    with pytest.raises(ToqueBug, match="gives back 2 slots and holds 1"):
        admission.accept(Release(run_id="r", task="t", count=2))


def test_a_run_that_was_forgotten_may_come_back() -> None:
    admission = Admission()
    admission.accept(asking("r", 3, claims=claim("db", 3)))
    admission.grant()
    admission.accept(Forget(run_id="r"))
    admission.accept(Held(run_id="r", task="t", count=1, executor="process", claims=claim("db", 3)))
    admission.accept(asking("r", 9, claims=claim("db", 3)))
    assert served(admission) == {"r": 2}


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "withdraw", "release", "spare", "forget", "grant"]),
        st.sampled_from(["r", "q", "s"]),
        st.sampled_from(["x", "y"]),
        st.integers(1, 4),
    ),
    max_size=60,
)


@given(steps)
@settings(deadline=None)
def test_whatever_happens_no_pool_is_overdrawn_and_no_slot_is_lost(story: list[tuple[str, str, str, int]]) -> None:
    admission = Admission()
    wanted: Counter[tuple[str, str]] = Counter()
    held: Counter[tuple[str, str]] = Counter()
    claims = {"x": claim("a", POOLS["a"]), "y": (*claim("b", POOLS["b"], 2), *claim("a", POOLS["a"]))}
    for what, run, task, count in story:
        key = (run, task)
        match what:
            case "ask":
                admission.accept(asking(run, count, task, claims=claims[task]))
                wanted[key] += count
            case "withdraw":
                admission.accept(Withdraw(run_id=run, task=task, count=count))
                wanted[key] = max(0, wanted[key] - count)
            case "release" | "spare" if held[key]:
                admission.accept(Release(run_id=run, task=task, spare=what == "spare"))
                held[key] -= 1
            case "forget":
                admission.accept(Forget(run_id=run))
                for other in claims:
                    wanted[run, other] = held[run, other] = 0
            case "grant":
                for grant in admission.grant(count):
                    held[grant.run_id, grant.task] += grant.count
                    wanted[grant.run_id, grant.task] -= grant.count
        assert all(admission.counts(*each) == (held[each], wanted[each]) for each in {*held, *wanted})
        assert admission.used("a") == sum(held.values()) <= POOLS["a"]
        assert admission.used("b") <= POOLS["b"]
    # Nobody is left behind: who gives back at once is served to the end.
    for each, count in held.items():
        if count:
            admission.accept(Release(run_id=each[0], task=each[1], count=count))
    for _ in range(wanted.total()):
        (grant,) = admission.grant(1)
        admission.accept(Release(run_id=grant.run_id, task=grant.task))
    assert admission.grant() == []
    assert admission.used("a") == admission.used("b") == 0
