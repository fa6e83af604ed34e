"""Backoff: which failures are followed by another attempt, and after how long."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.engine.backoff import delay_us, fraction, may_retry
from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.engine.values import ErrorInfo
from toque.graph.ir import RetryPolicy

ERROR = ErrorInfo(kind="transient", type="OSError", message="no")
S = 1_000_000
RUNNING = TaskState.RUNNING

names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20)
rows = st.builds(
    TaskRow,
    state=st.just(RUNNING),
    run_id=names,
    task=names,
    map_index=st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple),
    attempt=st.integers(1, 50),
    retries=st.integers(0, 20),
)


def row(retries: int = 0, **fields: Any) -> TaskRow:
    return TaskRow(state=RUNNING, run_id="r", task="t", attempt=retries + 1, retries=retries, **fields)


def error(**fields: Any) -> ErrorInfo:
    return msgspec.structs.replace(ERROR, **fields)


def delays(policy: RetryPolicy) -> list[float]:
    return [delay_us(policy, row(retries), ERROR) / S for retries in range(policy.times)]


def test_without_a_factor_every_delay_is_the_same() -> None:
    assert delays(RetryPolicy(times=4, delay_s=3)) == [3, 3, 3, 3]


def test_delays_grow_by_the_factor() -> None:
    assert delays(RetryPolicy(times=5, delay_s=0.5, backoff=2)) == [0.5, 1, 2, 4, 8]


def test_delays_stay_at_the_cap_once_they_reach_it() -> None:
    assert delays(RetryPolicy(times=5, delay_s=1, backoff=10, cap_s=60)) == [1, 10, 60, 60, 60]


def test_a_cap_below_the_first_delay_holds_from_the_start() -> None:
    assert delays(RetryPolicy(times=2, delay_s=100, cap_s=5)) == [5, 5]


def test_a_factor_below_one_makes_delays_shorter() -> None:
    assert delays(RetryPolicy(times=3, delay_s=8, backoff=0.5)) == [8, 4, 2]


def test_no_delay_is_no_delay_with_jitter_too() -> None:
    assert delays(RetryPolicy(times=2, delay_s=0, jitter=True)) == [0, 0]


@given(rows, st.floats(0, 1e6), st.floats(1, 2))
def test_jitter_stays_within_half_and_all_of_the_delay(task: TaskRow, delay_s: float, backoff: float) -> None:
    plain = RetryPolicy(times=99, delay_s=delay_s, backoff=backoff, cap_s=1e6)
    whole = delay_us(plain, task, ERROR)
    spread = delay_us(msgspec.structs.replace(plain, jitter=True), task, ERROR)
    assert math.floor(whole / 2) - 1 <= spread <= whole


@given(rows, st.floats(0, 1e9), st.floats(0, 1e4))
def test_jitter_never_exceeds_the_cap(task: TaskRow, delay_s: float, cap_s: float) -> None:
    policy = RetryPolicy(times=99, delay_s=delay_s, backoff=3, cap_s=cap_s, jitter=True)
    assert 0 <= delay_us(policy, task, ERROR) <= round(cap_s * S)


@given(rows)
def test_a_decision_made_again_is_the_same_decision(task: TaskRow) -> None:
    policy = RetryPolicy(times=99, delay_s=10, jitter=True)
    again = msgspec.json.decode(msgspec.json.encode(task), type=TaskRow)
    assert delay_us(policy, again, ERROR) == delay_us(policy, task, ERROR)


def test_the_fraction_does_not_depend_on_the_process() -> None:
    # Another number would move the timers of every run that is restored by a newer release.
    assert fraction(TaskRow(state=RUNNING, run_id="r", task="t", map_index=(1, 2), attempt=3)) == pytest.approx(
        0.4738458976247523, abs=1e-12
    )


@given(rows)
def test_a_fraction_lies_between_nothing_and_all(task: TaskRow) -> None:
    assert 0 <= fraction(task) < 1


@pytest.mark.parametrize(
    "other",
    [
        TaskRow(state=RUNNING, run_id="q", task="t", map_index=(1, 2), attempt=3),
        TaskRow(state=RUNNING, run_id="r", task="u", map_index=(1, 2), attempt=3),
        TaskRow(state=RUNNING, run_id="r", task="t", map_index=(12,), attempt=3),
        TaskRow(state=RUNNING, run_id="r", task="t", map_index=(2, 1), attempt=3),
        TaskRow(state=RUNNING, run_id="r", task="t", map_index=(1, 2), attempt=4),
    ],
)
def test_each_part_of_the_identity_spreads(other: TaskRow) -> None:
    assert fraction(other) != fraction(TaskRow(state=RUNNING, run_id="r", task="t", map_index=(1, 2), attempt=3))


def test_what_is_no_part_of_the_identity_spreads_nothing() -> None:
    assert fraction(row(2, reason="x")) == fraction(row(2))


def test_a_herd_of_failures_is_spread_evenly() -> None:
    tenths = [int(fraction(row(map_index=(index,))) * 10) for index in range(2000)]
    counts = [tenths.count(tenth) for tenth in range(10)]
    assert min(counts) > 140
    assert max(counts) < 260


def test_what_the_error_asks_for_goes_before_the_policy() -> None:
    policy = RetryPolicy(times=3, delay_s=1, cap_s=5, jitter=True)
    assert delay_us(policy, row(), error(retry_after_s=120.5)) == 120_500_000
    assert delay_us(policy, row(), error(retry_after_s=0)) == 0


def test_an_error_that_asks_for_the_past_is_retried_at_once() -> None:
    assert delay_us(RetryPolicy(times=3, delay_s=9), row(), error(retry_after_s=-4)) == 0


def test_without_a_policy_nothing_is_retried() -> None:
    assert not may_retry(None, row(), ERROR)


@pytest.mark.parametrize(("retries", "expected"), [(0, True), (1, True), (2, False), (3, False)])
def test_only_as_many_retries_as_the_policy_grants(retries: int, expected: bool) -> None:
    assert may_retry(RetryPolicy(times=2), row(retries), ERROR) is expected


def test_what_cannot_heal_is_not_retried() -> None:
    assert not may_retry(RetryPolicy(times=2), row(), error(retryable=False))
    assert not may_retry(RetryPolicy(times=2, classes=("transient",)), row(), error(retryable=False))


@pytest.mark.parametrize("kind", ["transient", "data", "code", "infrastructure"])
def test_a_policy_for_some_classes_passes_over_the_others(kind: Any) -> None:
    policy = RetryPolicy(times=2, classes=("transient", "infrastructure"))
    assert may_retry(policy, row(), error(kind=kind)) is (kind in ("transient", "infrastructure"))
    assert may_retry(RetryPolicy(times=2), row(), error(kind=kind))
    assert not may_retry(RetryPolicy(times=2, classes=()), row(), error(kind=kind))


@given(rows)
def test_very_many_retries_with_a_cap_do_not_overflow(task: TaskRow) -> None:
    late = msgspec.structs.replace(task, retries=5_000)
    assert delay_us(RetryPolicy(times=10_000, delay_s=1, backoff=2.0, cap_s=3600), late, ERROR) == 3600 * S


def test_without_a_cap_the_longest_delay_is_a_number_of_days() -> None:
    policy = RetryPolicy(times=10_000, delay_s=1, backoff=2.0)
    assert delay_us(policy, row(5_000), ERROR) == delay_us(policy, row(6_000), ERROR)
    assert delay_us(policy, row(5_000), ERROR) < 2**62
