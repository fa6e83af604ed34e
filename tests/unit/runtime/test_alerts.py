"""Which ends of runs lead to which message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.engine.values import ErrorInfo
from toque.runtime.alerts import (
    HOUR_US,
    MOST_IN_AN_HOUR,
    Event,
    Route,
    Verdict,
    happened,
    judge,
    receivers,
)

MINUTE_US = 60_000_000
NOW_US = 1000 * HOUR_US
OUTCOMES = {"f": RunState.FAILED, "s": RunState.SUCCEEDED}


def ended(number: int, state: RunState, at_us: int, **fields: object) -> RunRow:
    return RunRow(
        run_id=f"r{number:04}",
        pipeline="p",
        version="v",
        state=state,
        parameters={},
        created_us=at_us - 1,
        finished_us=at_us,
        **fields,  # type: ignore[arg-type]
    )


def history(outcomes: str, every_us: int = MINUTE_US) -> list[RunRow]:
    """`f` and `s`, oldest first; the last one ends now."""
    return [
        ended(number, OUTCOMES[what], NOW_US - every_us * (len(outcomes) - number))
        for number, what in enumerate(outcomes, 1)
    ]


def verdict_of_last(outcomes: str, every_us: int = MINUTE_US) -> Verdict:
    runs = history(outcomes, every_us)
    last = runs[-1]
    what = happened(last)
    assert what is not None
    event = Event(happened=what, run_id=last.run_id, pipeline="p", at_us=last.finished_us, to=("ops",))
    return judge(event, runs[::-1])


def test_each_failed_run_is_told() -> None:
    assert verdict_of_last("f").told == "failure"
    assert verdict_of_last("sf").told == "failure"
    assert verdict_of_last("ff").told == "failure"


def test_only_the_first_success_after_a_failure_is_a_recovery() -> None:
    assert verdict_of_last("fs").told == "recovery"
    assert verdict_of_last("fss").told is None
    assert verdict_of_last("s").told is None


def test_a_run_that_was_cancelled_between_changes_nothing() -> None:
    runs = [
        ended(1, RunState.FAILED, NOW_US - 3),
        ended(2, RunState.CANCELLED, NOW_US - 2),
        ended(3, RunState.SUCCEEDED, NOW_US - 1),
    ]
    event = Event(happened="success", run_id="r0003", pipeline="p", at_us=NOW_US - 1, to=())
    assert judge(event, runs).told == "recovery"


def test_runs_are_ordered_by_their_end_not_by_their_beginning() -> None:
    """A long run that was created first and failed last is what the next success recovers from."""
    runs = [
        ended(1, RunState.FAILED, NOW_US - 2),
        ended(2, RunState.SUCCEEDED, NOW_US - 3),
        ended(3, RunState.SUCCEEDED, NOW_US - 1),
    ]
    event = Event(happened="success", run_id="r0003", pipeline="p", at_us=NOW_US - 1, to=())
    assert judge(event, runs).told == "recovery"


def test_a_run_cancelled_at_its_own_deadline_has_failed() -> None:
    late = ErrorInfo(kind="transient", type="DeadlineExceeded", message="m")
    assert happened(ended(1, RunState.CANCELLED, 1, error=late)) == "failure"
    assert happened(ended(1, RunState.CANCELLED, 1)) is None


def test_a_pipeline_that_keeps_failing_is_told_a_few_times_an_hour_and_says_when_it_stops() -> None:
    told = [verdict_of_last("f" * count) for count in range(1, MOST_IN_AN_HOUR + 3)]
    assert [each.is_held for each in told] == [False] * MOST_IN_AN_HOUR + [True, True]
    assert [each.is_last for each in told].index(True) == MOST_IN_AN_HOUR - 1


def test_a_pipeline_that_flaps_is_held_as_well() -> None:
    assert verdict_of_last("fs" * 3).is_last
    assert verdict_of_last("fs" * 3 + "f").is_held


def test_a_pipeline_that_fails_once_in_a_while_is_never_held() -> None:
    assert not verdict_of_last("f" * 30, every_us=HOUR_US // 5).is_held


@given(st.lists(st.tuples(st.sampled_from("fs"), st.integers(1, 30 * MINUTE_US)), max_size=60))
def test_no_hour_has_more_messages_than_allowed_and_no_event_is_forgotten(steps: list[tuple[str, int]]) -> None:
    """Told or held, each failure and each recovery; and of those told, never more than the limit in one hour."""
    runs: list[RunRow] = []
    told_at: list[int] = []
    at_us, failing = NOW_US, False
    for number, (what, gap_us) in enumerate(steps):
        at_us += gap_us
        runs.append(ended(number, OUTCOMES[what], at_us))
        event = Event(
            happened="failure" if what == "f" else "success", run_id=runs[-1].run_id, pipeline="p", at_us=at_us, to=()
        )
        verdict = judge(event, runs[-50:])
        assert verdict.told == ("failure" if what == "f" else "recovery" if failing else None)
        if verdict.told is not None and not verdict.is_held:
            told_at.append(at_us)
        failing = what == "f"
    for start in told_at:
        assert sum(start - HOUR_US < each <= start for each in told_at) <= MOST_IN_AN_HOUR


def test_lateness_is_told_and_held_by_the_number_of_late_runs() -> None:
    def runs(count: int) -> list[RunRow]:
        return [ended(number, RunState.RUNNING, 0, late_us=NOW_US - number) for number in range(count)]

    event = Event(happened="late", run_id="r0000", pipeline="p", at_us=NOW_US, to=())
    assert judge(event, runs(1)) == Verdict("late")
    assert judge(event, runs(MOST_IN_AN_HOUR)).is_last
    assert judge(event, runs(MOST_IN_AN_HOUR + 1)).is_held


def test_receivers_are_those_of_the_pipeline_and_of_the_lines_that_match_each_once() -> None:
    routes = [
        Route("ops", ("failure", "late")),
        Route("sales", ("failure", "recovery"), ("sales_*",)),
        Route("own", ("failure",)),
    ]
    assert receivers("failure", "sales_eu", ("own",), routes) == ("own", "ops", "sales")
    assert receivers("success", "sales_eu", (), routes) == ("sales",)
    assert receivers("success", "stock", (), routes) == ()
    assert receivers("late", "stock", (), routes) == ("ops",)
    asking = [*routes, Route("data", ("quarantine",))]
    assert receivers("quarantine", "stock", ("own",), asking) == ("data",), "notify= is told of what is to be done"
