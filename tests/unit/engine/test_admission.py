"""Admission: priority, then turns between runs, then first come; blocked lines wait and cost nothing."""

from __future__ import annotations

from toque.engine.admission import (
    Admission,
    Capacity,
    Forget,
    Granted,
    Held,
    Release,
    Request,
    UsedElsewhere,
    Withdraw,
)
from toque.engine.lines import Claim


def one(pool: str, limit: int, slots: int = 1) -> tuple[Claim, ...]:
    return (Claim(pool=pool, slots=slots, limit=limit),)


def asking(run: str, count: int, task: str = "t", **fields: object) -> Request:
    return Request(run_id=run, task=task, count=count, executor="process", **fields)  # type: ignore[arg-type]


def granted(admission: Admission, at_most: int = 1_000_000) -> dict[str, int]:
    return {f"{g.run_id}.{g.task}": g.count for g in admission.grant(at_most)}


def test_a_mapped_task_of_100_000_is_one_grant() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=64))
    admission.accept(asking("r", 100_000))
    assert admission.grant() == [Granted(run_id="r", task="t", count=64)]
    assert admission.grant() == []
    assert admission.counts("r", "t") == (64, 99_936)


def test_what_an_executor_takes_again_is_granted_again() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=1))
    admission.accept(asking("r", 3))
    assert granted(admission) == {"r.t": 1}
    admission.accept(Release(run_id="r", task="t"))
    assert granted(admission) == {}, "the end of an attempt is not room at its executor"
    admission.accept(Capacity(executor="process", free=2))
    assert granted(admission) == {"r.t": 2}


def test_priority_goes_before_arrival() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=2))
    admission.accept(asking("r", 2, "low"))
    admission.accept(asking("r", 1, "high", priority=5))
    assert granted(admission) == {"r.high": 1, "r.low": 1}


def test_runs_take_turns() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=6))
    admission.accept(asking("big", 1000))
    admission.accept(asking("small", 2))
    assert granted(admission) == {"big.t": 4, "small.t": 2}


def test_runs_take_turns_over_different_pools_too() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=4))
    admission.accept(asking("a", 10, claims=one("x", 10)))
    admission.accept(asking("b", 10, claims=one("y", 10)))
    assert granted(admission) == {"a.t": 2, "b.t": 2}


def test_within_a_run_first_come_first_served() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=3))
    admission.accept(asking("r", 2, "first"))
    admission.accept(asking("r", 2, "second"))
    assert granted(admission) == {"r.first": 2, "r.second": 1}


def test_a_pool_is_never_overdrawn_and_is_given_on_when_freed() -> None:
    admission = Admission()
    admission.accept(asking("r", 5, claims=one("db", 2)))
    assert granted(admission) == {"r.t": 2}
    assert admission.used("db") == 2
    admission.accept(Release(run_id="r", task="t"))
    assert granted(admission) == {"r.t": 1}


def test_slots_of_other_processes_count() -> None:
    admission = Admission()
    admission.accept(UsedElsewhere(pool="db", slots=1))
    admission.accept(asking("r", 5, claims=one("db", 2)))
    assert granted(admission) == {"r.t": 1}
    admission.accept(UsedElsewhere(pool="db", slots=0))
    assert granted(admission) == {"r.t": 1}


def test_a_claim_larger_than_its_pool_takes_the_whole_pool() -> None:
    admission = Admission()
    admission.accept(asking("r", 2, claims=one("db", 2, slots=5)))
    assert granted(admission) == {"r.t": 1}
    assert admission.used("db") == 2


def test_a_pool_of_no_slots_is_a_closed_one() -> None:
    admission = Admission()
    admission.accept(asking("r", 1, claims=one("db", 0)))
    assert granted(admission) == {}


def test_a_blocked_task_holds_up_no_other() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=10))
    admission.accept(asking("r", 5, "blocked", priority=9, claims=one("db", 1)))
    admission.accept(asking("r", 5, "free"))
    assert granted(admission) == {"r.blocked": 1, "r.free": 5}


def test_a_task_that_needs_two_pools_waits_for_both() -> None:
    admission = Admission()
    claims = (*one("a", 1), *one("b", 1))
    admission.accept(asking("r", 1, "both", claims=claims))
    admission.accept(Held(run_id="q", task="t", count=1, executor="process", claims=one("a", 1)))
    admission.accept(Held(run_id="q", task="u", count=1, executor="process", claims=one("b", 1)))
    assert granted(admission) == {}
    admission.accept(Release(run_id="q", task="t"))
    assert granted(admission) == {}
    admission.accept(Release(run_id="q", task="u"))
    assert granted(admission) == {"r.both": 1}


def test_everybody_parked_at_a_pool_is_served_in_the_end() -> None:
    admission = Admission()
    for run in range(50):
        claims = (*one("db", 3), *one(f"own{run}", 1))
        admission.accept(asking(f"r{run}", 2, claims=claims))
    served: dict[str, int] = {}
    for _ in range(100):
        for name, count in granted(admission).items():
            served[name] = served.get(name, 0) + count
            for _ in range(count):
                admission.accept(Release(run_id=name.split(".")[0], task="t"))
    assert served == {f"r{run}.t": 2 for run in range(50)}
    assert admission.used("db") == 0


def test_a_newcomer_of_higher_priority_overtakes_those_parked_before_it() -> None:
    admission = Admission()
    admission.accept(Held(run_id="q", task="t", count=1, claims=one("db", 1)))
    admission.accept(asking("r", 1, "low", claims=one("db", 1)))
    assert granted(admission) == {}
    admission.accept(asking("r", 1, "high", priority=1, claims=one("db", 1)))
    admission.accept(Release(run_id="q", task="t"))
    assert granted(admission) == {"r.high": 1}


def test_a_withdrawn_request_is_not_granted() -> None:
    admission = Admission()
    admission.accept(asking("r", 5))
    admission.accept(Withdraw(run_id="r", task="t", count=4))
    assert granted(admission) == {"r.t": 1}


def test_more_can_be_withdrawn_than_is_left_when_a_grant_is_under_way() -> None:
    admission = Admission()
    admission.accept(asking("r", 5))
    assert granted(admission) == {"r.t": 5}
    admission.accept(Withdraw(run_id="r", task="t", count=5))
    assert admission.counts("r", "t") == (5, 0)


def test_an_unused_grant_is_room_at_the_executor_again() -> None:
    admission = Admission()
    admission.accept(Capacity(executor="process", free=1))
    admission.accept(asking("r", 1))
    admission.accept(asking("q", 1))
    assert granted(admission) == {"r.t": 1}
    admission.accept(Release(run_id="r", task="t", spare=True))
    assert granted(admission) == {"q.t": 1}


def test_a_forgotten_run_holds_nothing() -> None:
    admission = Admission()
    admission.accept(asking("r", 3, claims=one("db", 2)))
    admission.accept(asking("q", 1, claims=one("db", 2)))
    assert granted(admission, at_most=1) == {"r.t": 1}
    admission.accept(Forget(run_id="r"))
    assert admission.used("db") == 0
    assert granted(admission) == {"q.t": 1}
    admission.accept(Release(run_id="r", task="t"))


def test_no_more_is_granted_at_once_than_was_asked_for() -> None:
    admission = Admission()
    admission.accept(asking("r", 10))
    assert granted(admission, at_most=3) == {"r.t": 3}
    assert granted(admission) == {"r.t": 7}
