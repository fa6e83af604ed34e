"""The rules of the history that all stores share."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from tests import store_rows as rows
from toque.engine.run_ids import TIME_WIDTH, first_run_id
from toque.engine.states import RunState, TaskState
from toque.errors import UserError
from toque.graph import constants
from toque.ports.pages import DayCounts, NodeCounts, worst_state
from toque.runtime.ids import new_run_id
from toque.store.history import bars, searching
from toque.store.history.days import days
from toque.store.history.holding import Held, parse
from toque.store.history.quarters import QUARTER_US, quarter_of
from toque.store.history.words import BRANCHES, LONGEST, MOST_WORDS, chosen, folded, words_of
from toque.store.sql.history import summaries


def test_ids_of_a_millisecond_follow_its_prefix() -> None:
    at_us = 1_763_812_800_123_456
    drawn = new_run_id(at_us)
    assert drawn.startswith(first_run_id(at_us))
    assert first_run_id(at_us) <= drawn < first_run_id(at_us + 1_000)
    assert new_run_id(at_us - 1_000) < first_run_id(at_us)
    assert len(first_run_id(0)) == TIME_WIDTH


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, ["p"]),
        ({"Year": 2013}, ["p", "2013", "year=2013"]),
        ({"dry": False}, ["p", "false", "dry=false"]),
        ({"day": constants.encode(date(2013, 1, 5))}, ["p", "2013-01-05", "day=2013-01-05"]),
        ({"at": constants.encode(time(7, 30))}, ["p", "07:30:00", "at=07:30:00"]),
        ({"price": constants.encode(Decimal("1.10"))}, ["p", "1.10", "price=1.10"]),
        ({"secret": constants.encode(b"abc"), "pair": constants.encode((1, 2))}, ["p"]),
        ({"day": {"$date": "2013-01-05"}}, ["p"]),
        ({"a": "p"}, ["p", "a=p"]),
        ({"many": [1], "deep": {"a": 1, "b": 2}, "none": None, "odd": {"a": 1}}, ["p"]),
        ({"a": "", "b": "x\0y "}, ["p", "a=", "xy", "b=xy"]),
    ],
)
def test_the_words_of_a_run(parameters: dict[str, Any], words: list[str]) -> None:
    assert words_of(rows.run(parameters=parameters)) == words


def test_words_are_few_and_short() -> None:
    many = words_of(rows.run(parameters={f"p{n}": "x" * 1_000 + str(n) for n in range(100)}))
    assert len(many) <= MOST_WORDS
    assert max(map(len, many)) == LONGEST
    assert folded("x" * 1_000) in many, "what is searched for is cut as well"
    assert chosen(map(str, range(100)), "1") == sorted(["1", *map(str, range(10, 20))])[:BRANCHES]


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("r1", Held("r1", "", ())),
        ("r1/load", Held("r1", "load", ())),
        ("r1/g.x[]", Held("r1", "g.x[]", ())),
        ("r1/x[][7]", Held("r1", "x[]", (7,))),
        ("r1/body/step[1.20]", Held("r1", "body/step", (1, 20))),
        ("r1/odd[a]", Held("r1", "odd[a]", ())),
    ],
)
def test_a_holder_is_a_run_or_a_task_run(name: str, held: Held) -> None:
    assert parse(name) == held


@pytest.mark.parametrize(
    ("search", "task", "index", "found"),
    [
        ("", "x", (), True),
        ("LOAD", "upload", (), True),
        ("load", "Lo_ad", (), False),
        ("3", "x", (3,), True),
        ("[3]", "x", (3, 9), True),
        ("3.1", "x", (3,), False),
        ("3", "x3", (), False),
        ("É", "é", (), False),
        ("99999999999", "x", (1,), False),
        ("\0", "x", (), False),
    ],
)
def test_a_search_among_task_runs(search: str, task: str, index: tuple[int, ...], found: bool) -> None:
    assert searching.parse(search).matches(task, index) is found


def test_a_run_counts_at_its_logical_time() -> None:
    assert quarter_of(rows.run(created_us=5 * QUARTER_US + 7)) == 5 * QUARTER_US
    assert quarter_of(rows.run(created_us=5 * QUARTER_US, logical_us=2 * QUARTER_US - 1)) == QUARTER_US


def test_the_long_day_of_autumn_has_twenty_five_hours() -> None:
    midnight_us = 1_761_429_600_000_000  # 2025-10-26 00:00 in Madrid, where clocks go back that night
    quarters = [(midnight_us + n * QUARTER_US, RunState.SUCCEEDED, 1) for n in range(4 * 26)]
    assert days(quarters, "Europe/Madrid") == [
        DayCounts(date="2025-10-26", succeeded=100),
        DayCounts(date="2025-10-27", succeeded=4),
    ]
    assert days([(midnight_us, RunState.FAILED, 0)], "UTC") == []
    with pytest.raises(UserError, match=r"\.\./etc"):
        days([], "../etc")


def node(task: str, count: int, started_us: int) -> NodeCounts:
    counts = {TaskState.SUCCEEDED: count}
    return NodeCounts(task=task, counts=counts, ready_us=0, started_us=started_us, finished_us=started_us + 1)


def test_a_timeline_is_unfolded_as_far_as_its_limit_allows() -> None:
    nodes = [node("a", bars.FOLD_ABOVE, 3), node("b", bars.FOLD_ABOVE + 1, 2), node("c", 1, 1)]
    assert bars.unfolded(nodes, bars.FOLD_ABOVE + 2) == ["a", "c"]
    assert bars.unfolded(nodes, bars.FOLD_ABOVE + 1) == []
    assert [bar.task for bar in bars.arrange(nodes, [], [], 2)] == ["c", "b"]


def test_of_many_states_the_worst_is_shown() -> None:
    assert worst_state({TaskState.SUCCEEDED: 99, TaskState.CANCELLED: 1, TaskState.RUNNING: 5}) is TaskState.CANCELLED
    assert worst_state({TaskState.SKIPPED: 99, TaskState.SUCCEEDED: 1, TaskState.FAILED: 0}) is TaskState.SUCCEEDED


def test_a_summary_comes_back_as_it_was_packed() -> None:
    nodes = [
        NodeCounts(task="a", counts={TaskState.READY: 1}, ready_us=0, started_us=0, finished_us=0),
        NodeCounts(
            task="é", counts={TaskState.FAILED: 2, TaskState.SKIPPED: 1}, ready_us=5, started_us=7, finished_us=9
        ),
    ]
    summary = summaries.unpack(summaries.pack(nodes))
    assert (summary.nodes(), summaries.names_of(summary), summary.cells) == (nodes, ["a", "é"], "rf")
    assert summaries.unpack(summaries.pack([])).nodes() == []
