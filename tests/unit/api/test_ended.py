"""Answers about ended runs: written once for each row of the run, and no more of them than there is room for."""

from __future__ import annotations

import msgspec
import pytest

from toque.api.ended import EndedRuns
from toque.engine.rows import RunRow
from toque.engine.states import RunState

RUN = RunRow(run_id="r", pipeline="p", version="v", state=RunState.SUCCEEDED, parameters={}, created_us=1, fact_seq=7)


class Asked:
    """Whoever writes answers, and how often."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> bytes:
        self.times += 1
        return b"%06d" % self.times


@pytest.fixture
def asked() -> Asked:
    return Asked()


async def test_an_answer_is_written_once_for_each_question(asked: Asked) -> None:
    ended = EndedRuns()
    first = await ended.answer(RUN, "detail", asked)
    assert await ended.answer(RUN, "detail", asked) == first
    assert await ended.answer(RUN, "timeline", asked) != first
    assert asked.times == 2


async def test_a_run_that_goes_on_is_asked_again(asked: Asked) -> None:
    ended = EndedRuns()
    going = msgspec.structs.replace(RUN, state=RunState.RUNNING)
    assert await ended.answer(going, "detail", asked) != await ended.answer(going, "detail", asked)


async def test_a_run_that_was_changed_after_its_end_is_asked_again(asked: Asked) -> None:
    ended = EndedRuns()
    await ended.answer(RUN, "detail", asked)
    changed = msgspec.structs.replace(RUN, fact_seq=8)
    assert await ended.answer(changed, "detail", asked) == b"000002"
    assert await ended.answer(changed, "detail", asked) == b"000002"


async def test_those_asked_for_longest_ago_make_room(asked: Asked) -> None:
    ended = EndedRuns(most_bytes=12)
    for question in ("a", "b", "a", "c"):
        await ended.answer(RUN, question, asked)
    assert asked.times == 3
    assert await ended.answer(RUN, "a", asked) == b"000001"
    assert await ended.answer(RUN, "b", asked) == b"000004"
