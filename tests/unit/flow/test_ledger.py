"""The ledger: answers reach the body in recorded order, and a record that the body leaves is noticed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from toque.engine.effects import AnswerStep
from toque.engine.values import TaskKey, Token
from toque.executors.flow.ledger import Ledger


def key(name: str) -> TaskKey:
    return TaskKey(f"etl/{name}", (0,))


def answer(name: str, order: int, diverged: str = "", probe: int = 0) -> AnswerStep:
    return AnswerStep(
        body=TaskKey("etl"), step=key(name), order=order, token=Token(1, 1), diverged=diverged, probe=probe
    )


def taken(ledger: Ledger) -> list[str]:
    names = []
    while (found := ledger.take()) is not None:
        names.append(found.step.task.removeprefix("etl/"))
    return names


@settings(deadline=None)
@given(st.permutations(range(1, 9)))
def test_whatever_order_they_arrive_in_answers_are_taken_in_the_recorded_one(arrival: list[int]) -> None:
    ledger = Ledger()
    for number in range(1, 9):
        ledger.ask(key(str(number)))
    told: list[str] = []
    for order in arrival:
        ledger.hold(answer(str(order), order))
        told += taken(ledger)
    assert told == [str(number) for number in range(1, 9)]
    assert ledger.open == []
    assert ledger.missing() == ""


def test_an_answer_waits_until_the_body_asks() -> None:
    ledger = Ledger()
    ledger.hold(answer("a", 1))
    assert taken(ledger) == []
    ledger.ask(key("a"))
    assert taken(ledger) == ["a"]


def test_an_answer_that_arrives_twice_counts_once() -> None:
    ledger = Ledger()
    ledger.ask(key("a"))
    ledger.ask(key("b"))
    ledger.hold(answer("a", 1))
    ledger.hold(answer("a", 1))
    assert taken(ledger) == ["a"]
    ledger.hold(answer("a", 1))
    ledger.hold(answer("b", 2))
    assert taken(ledger) == ["b"]


def test_a_body_that_does_not_ask_for_what_ended_next_has_left_its_record() -> None:
    ledger = Ledger()
    ledger.ask(key("other"))
    ledger.hold(answer("a", 1))
    assert ledger.take() is None
    assert "did not ask for etl/a[0]" in ledger.missing()


def test_a_gap_is_probed_once_and_is_a_contradiction_only_when_the_probe_is_answered() -> None:
    ledger = Ledger()
    ledger.ask(key("b"))
    ledger.hold(answer("b", 2))
    assert ledger.missing() == ""
    assert ledger.probe() == (key("b"), 1)
    assert ledger.probe() is None
    assert ledger.missing() == ""
    ledger.hold(answer("b", 2, probe=1))
    assert "number 1 in the record" in ledger.missing()


def test_a_gap_that_closes_is_none() -> None:
    ledger = Ledger()
    ledger.ask(key("a"))
    ledger.ask(key("b"))
    ledger.hold(answer("b", 2))
    assert ledger.probe() == (key("b"), 1)
    ledger.hold(answer("a", 1))
    ledger.hold(answer("b", 2, probe=1))
    assert taken(ledger) == ["a", "b"]
    assert ledger.missing() == ""


def test_the_answer_to_an_earlier_request_for_the_same_step_settles_no_probe() -> None:
    """Step 3 ended before the body asked for it again, so its answer comes unasked, once more for the request, and
    once for each probe. What was asked for in the meantime is still on its way."""
    ledger = Ledger()
    ledger.hold(answer("c", 3))
    ledger.ask(key("a"))
    ledger.ask(key("c"))
    assert ledger.probe() == (key("c"), 1)
    ledger.hold(answer("a", 1))
    ledger.hold(answer("c", 3))
    assert taken(ledger) == ["a"]
    ledger.ask(key("b"))
    assert ledger.missing() == ""
    assert ledger.probe() == (key("c"), 2)
    ledger.hold(answer("c", 3, probe=1))
    assert ledger.missing() == ""
    ledger.hold(answer("b", 2))
    ledger.hold(answer("c", 3, probe=2))
    assert taken(ledger) == ["b", "c"]
    assert ledger.missing() == ""


def test_a_contradiction_of_inputs_comes_before_everything_else() -> None:
    ledger = Ledger()
    ledger.ask(key("a"))
    ledger.ask(key("b"))
    ledger.hold(answer("a", 1))
    ledger.hold(answer("b", 0, diverged="other inputs"))
    assert taken(ledger) == ["b", "a"]
    assert ledger.told == 1
