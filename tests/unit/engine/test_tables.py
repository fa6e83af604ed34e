"""The tables: one enum for each life cycle, and everything that is derived from it."""

from __future__ import annotations

from typing import get_args

from toque.engine import codes
from toque.engine.inputs import AnyInput
from toque.engine.states import (
    ACTIVE,
    RUN_TERMINAL,
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    TERMINAL,
    RunState,
    TaskState,
)
from toque.engine.transitions import ACCEPTED, RULES
from toque.graph.ir import TriggerRule


def test_terminal_states_are_the_codes_from_first_terminal_on() -> None:
    assert {state for state in TaskState if codes.CODE[state] >= codes.FIRST_TERMINAL} == TERMINAL


def test_every_code_has_the_name_of_its_state() -> None:
    for state in TaskState:
        assert getattr(codes, state.name) == codes.CODE[state]
        assert codes.STATES[codes.CODE[state]] is state


def test_a_terminal_state_is_never_left() -> None:
    assert all(not TASK_TRANSITIONS[state] for state in TERMINAL)
    assert all(not RUN_TRANSITIONS[state] for state in RUN_TERMINAL)


def test_every_state_can_be_reached_and_every_state_leads_to_an_end() -> None:
    for states, moves, start in ((TaskState, TASK_TRANSITIONS, "waiting"), (RunState, RUN_TRANSITIONS, "queued")):
        reached = {start}
        while more := {after for state in reached for after in moves[states(state)]} - reached:
            reached |= more
        assert reached == set(states)
        for state in states:
            assert not moves[state] or any(after.is_terminal for after in moves[state]), state


def test_each_trigger_rule_of_the_ir_has_a_row() -> None:
    assert set(RULES) == set(get_args(TriggerRule))


def test_each_input_has_a_row_that_says_when_it_is_accepted() -> None:
    assert set(ACCEPTED) == set(get_args(AnyInput))
    assert not any(states & RUN_TERMINAL for states in ACCEPTED.values())


def test_what_an_end_counts_as_is_one_of_three() -> None:
    assert codes.UNIT[codes.SUCCEEDED] == codes.OK_UNIT
    assert codes.UNIT[codes.SKIPPED] == codes.SKIPPED_UNIT
    for code in (codes.FAILED, codes.UPSTREAM_FAILED, codes.CANCELLED):
        assert codes.UNIT[code] == codes.FAILED_UNIT
    assert not any(codes.UNIT[codes.CODE[state]] for state in TaskState if state not in TERMINAL)
    assert ACTIVE.isdisjoint(TERMINAL)
