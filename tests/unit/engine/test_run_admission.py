"""Admission of runs: how many of a pipeline may be active, and what becomes of one that comes on top."""

from __future__ import annotations

from typing import Any

from toque.engine.run_admission import (
    CancelOlder,
    RunActive,
    RunAdmission,
    RunForgotten,
    RunOver,
    RunQueued,
    RunsElsewhere,
    SkipRun,
    StartRun,
)
from toque.graph.ir import Concurrency


def queued(run: str, most: int | None = 1, overlap: Any = "queue", priority: int = 0) -> RunQueued:
    concurrency = Concurrency(max_active_runs=most, overlap=overlap)
    return RunQueued(run_id=run, pipeline="p", concurrency=concurrency, priority=priority)


def started(verdicts: list[Any]) -> list[str]:
    return [verdict.run_id for verdict in verdicts if isinstance(verdict, StartRun)]


def test_without_a_limit_every_run_starts() -> None:
    runs = RunAdmission()
    for run in "abc":
        assert started(runs.decide(queued(run, most=None))) == [run]


def test_allow_starts_on_top_of_the_limit() -> None:
    runs = RunAdmission()
    for run in "abc":
        assert started(runs.decide(queued(run, overlap="allow"))) == [run]


def test_a_queued_run_starts_when_another_one_ends() -> None:
    runs = RunAdmission()
    assert started(runs.decide(queued("a", 2))) == ["a"]
    assert started(runs.decide(queued("b", 2))) == ["b"]
    assert runs.decide(queued("c", 2)) == []
    assert started(runs.decide(RunOver(run_id="a"))) == ["c"]


def test_the_queue_goes_by_priority_and_then_by_arrival() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    for run, priority in (("b", 0), ("c", 5), ("d", 0), ("e", 5)):
        runs.decide(queued(run, priority=priority))
    order = []
    active = "a"
    while verdicts := runs.decide(RunOver(run_id=active)):
        (active,) = started(verdicts)
        order.append(active)
    assert order == ["c", "e", "b", "d"]


def test_skip_says_what_was_in_the_way() -> None:
    runs = RunAdmission()
    runs.decide(queued("a", overlap="skip"))
    (verdict,) = runs.decide(queued("b", overlap="skip"))
    assert verdict == SkipRun(run_id="b", reason="1 active of at most 1: a")
    runs.decide(RunOver(run_id="a"))
    assert started(runs.decide(queued("c", overlap="skip"))) == ["c"]


def test_cancel_older_waits_for_the_end_of_the_one_it_replaces() -> None:
    runs = RunAdmission()
    runs.decide(queued("a", overlap="cancel_older"))
    (verdict,) = runs.decide(queued("b", overlap="cancel_older"))
    assert (type(verdict), verdict.run_id) == (CancelOlder, "a")
    assert started(runs.decide(RunOver(run_id="a"))) == ["b"]


def test_cancel_older_replaces_what_still_waits_and_cancels_nothing_twice() -> None:
    runs = RunAdmission()
    runs.decide(queued("a", overlap="cancel_older"))
    runs.decide(queued("b", overlap="cancel_older"))
    (verdict,) = runs.decide(queued("c", overlap="cancel_older"))
    assert (type(verdict), verdict.run_id) == (SkipRun, "b")
    assert started(runs.decide(RunOver(run_id="a"))) == ["c"]


def test_cancel_older_cancels_as_many_as_make_room() -> None:
    runs = RunAdmission()
    for run in "ab":
        runs.decide(queued(run, 2, "cancel_older"))
    verdicts = runs.decide(queued("c", 2, "cancel_older"))
    assert [verdict.run_id for verdict in verdicts] == ["a"]


def test_restored_runs_count() -> None:
    runs = RunAdmission()
    assert runs.decide(RunActive(run_id="a", pipeline="p")) == []
    assert runs.decide(RunActive(run_id="a", pipeline="p")) == []
    assert runs.decide(queued("b")) == []
    assert started(runs.decide(RunOver(run_id="a"))) == ["b"]


def test_a_run_that_leaves_the_queue_is_not_started() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    runs.decide(queued("b"))
    assert runs.decide(RunOver(run_id="b")) == []
    assert runs.decide(RunOver(run_id="a")) == []
    assert runs.decide(RunOver(run_id="nobody")) == []


def test_a_run_is_queued_once() -> None:
    runs = RunAdmission()
    assert started(runs.decide(queued("a"))) == ["a"]
    assert runs.decide(queued("a")) == []


def test_pipelines_do_not_count_each_other() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    other = RunQueued(run_id="b", pipeline="q", concurrency=Concurrency(max_active_runs=1))
    assert started(runs.decide(other)) == ["b"]


def test_a_forgotten_run_leaves_its_place_and_nobody_takes_it() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    runs.decide(queued("b"))
    assert runs.decide(RunForgotten(run_id="a")) == []
    # It is read again, and is active as before: the other one still waits.
    assert runs.decide(RunActive(run_id="a", pipeline="p")) == []
    assert started(runs.decide(RunOver(run_id="a"))) == ["b"]


def test_a_forgotten_run_that_comes_back_as_queued_waits_again() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    runs.decide(queued("b"))
    assert runs.decide(RunForgotten(run_id="b")) == []
    assert runs.decide(queued("b")) == []
    assert started(runs.decide(RunOver(run_id="a"))) == ["b"]


def test_who_nobody_knows_can_be_forgotten() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    assert runs.decide(RunForgotten(run_id="nobody")) == []
    assert runs.decide(queued("b")) == []


def test_a_forgotten_run_that_was_leaving_can_be_asked_to_leave_again() -> None:
    runs = RunAdmission()
    runs.decide(queued("a", overlap="cancel_older"))
    runs.decide(queued("b", overlap="cancel_older"))
    runs.decide(RunForgotten(run_id="a"))
    runs.decide(RunActive(run_id="a", pipeline="p"))
    verdicts = runs.decide(queued("c", overlap="cancel_older"))
    assert [(type(each), each.run_id) for each in verdicts] == [(SkipRun, "b"), (CancelOlder, "a")]


def test_runs_of_other_processes_take_places() -> None:
    runs = RunAdmission()
    assert runs.decide(RunsElsewhere(pipeline="p", count=1)) == []
    assert started(runs.decide(queued("a", 2))) == ["a"]
    assert runs.decide(queued("b", 2)) == []


def test_a_run_starts_when_one_elsewhere_is_over() -> None:
    runs = RunAdmission()
    runs.decide(RunsElsewhere(pipeline="p", count=2))
    for run in "abc":
        assert runs.decide(queued(run, 2)) == []
    assert started(runs.decide(RunsElsewhere(pipeline="p", count=1))) == ["a"]
    assert runs.decide(RunsElsewhere(pipeline="p", count=1)) == []
    assert started(runs.decide(RunsElsewhere(pipeline="p", count=0))) == ["b"]


def test_the_end_of_a_run_here_is_no_place_when_others_took_it_elsewhere() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    runs.decide(queued("b"))
    runs.decide(RunsElsewhere(pipeline="p", count=1))
    assert runs.decide(RunOver(run_id="a")) == []
    assert started(runs.decide(RunsElsewhere(pipeline="p", count=0))) == ["b"]


def test_skip_says_when_all_that_is_in_the_way_runs_elsewhere() -> None:
    runs = RunAdmission()
    runs.decide(RunsElsewhere(pipeline="p", count=1))
    (verdict,) = runs.decide(queued("b", overlap="skip"))
    assert verdict == SkipRun(run_id="b", reason="1 active of at most 1: elsewhere")


def test_runs_elsewhere_of_another_pipeline_do_not_matter() -> None:
    runs = RunAdmission()
    runs.decide(RunsElsewhere(pipeline="q", count=9))
    assert started(runs.decide(queued("a"))) == ["a"]


def test_runs_elsewhere_do_not_hold_up_a_pipeline_without_a_limit() -> None:
    runs = RunAdmission()
    runs.decide(RunsElsewhere(pipeline="p", count=9))
    assert started(runs.decide(queued("a", most=None))) == ["a"]
    assert started(runs.decide(queued("b", overlap="allow"))) == ["b"]


def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    runs = RunAdmission()
    runs.decide(queued("a"))
    runs.decide(queued("b"))
    runs.decide(RunForgotten(run_id="a"))
    # The place of `a` is free for a moment, but `b` was first.
    assert started(runs.decide(queued("c"))) == ["b"]
    assert started(runs.decide(RunOver(run_id="b"))) == ["c"]
