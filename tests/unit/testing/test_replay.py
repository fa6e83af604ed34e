"""Flows that are replayed after each step."""

from __future__ import annotations

import pytest

from tests.unit.testing import pipelines as p
from toque.errors import UserError
from toque.testing import FlowDiverged, FlowFailed, stub, verify_replay


def test_a_flow_that_repeats_itself_passes_and_returns() -> None:
    assert verify_replay(p.summing)(3) == 6
    assert verify_replay(p.mapping)(3) == [0, 2, 4]


async def test_it_works_in_an_async_test() -> None:
    assert verify_replay(p.mapping)(n=2) == [0, 2]


def test_a_clock_among_the_inputs_of_a_step_is_named() -> None:
    with pytest.raises(FlowDiverged, match="clocked/extract"):
        verify_replay(p.clocked)(3)


def test_a_way_that_depends_on_something_else_is_found() -> None:
    with pytest.raises(FlowDiverged):
        verify_replay(p.moody)(3)


def test_stubs_stand_in_for_steps() -> None:
    with stub(p.double, returns=10):
        assert verify_replay(p.summing)(3) == 30


def test_a_flow_that_fails_each_time_says_so() -> None:
    with pytest.raises(FlowFailed, match="failing failed: ZeroDivisionError"):
        verify_replay(p.failing)(3)


def test_parameters_are_those_of_a_run() -> None:
    with pytest.raises(UserError, match="needs the parameter 'n'"):
        verify_replay(p.summing)()  # type: ignore[call-arg]
    with pytest.raises(UserError, match="needs a flow"):
        verify_replay(p.etl)  # type: ignore[arg-type]
