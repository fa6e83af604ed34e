"""The ledger: every attempt has one last word, and is known until that is committed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.attempts import BUNDLE, Recorder, node, spec
from tests.unit.executors.test_placement import Scene
from toque.engine.inputs import AttemptCancelled, AttemptFailed, AttemptReturned
from toque.engine.values import Token
from toque.executors import reports
from toque.executors.process import ledger as ledgers
from toque.executors.process.fleet import Fleet
from toque.executors.process.ledger import Ledger
from toque.executors.process.looking import seen
from toque.executors.process.worker import Doom, Held, Kind

SYNC = Kind(BUNDLE, "", "sync")


class Books:
    """A ledger over a placement, with a sink that remembers."""

    def __init__(self) -> None:
        self.scene = Scene(workers=2)
        self.placement = self.scene.placement
        self.ledger = Ledger(self.placement)
        self.sink = Recorder()
        self.ledger.sink = self.sink

    def held(self, **fields: Any) -> Held:
        made = Held(spec(node("nothing"), **fields), SYNC)
        assert self.ledger.take_in(made)
        return made

    def placed(self, count: int) -> list[Held]:
        """In the hands of one worker, which has begun none of them."""
        helds = [self.held() for _ in range(count)]
        self.scene.fleet.spawn(SYNC).give(helds, asyncio.get_running_loop().time())
        return helds

    def waiting(self, count: int) -> list[Held]:
        helds = [self.held() for _ in range(count)]
        self.placement.add(helds)
        return helds


@pytest.fixture
def books() -> Iterator[Books]:
    made = Books()
    yield made
    made.scene.fleet.close()


def tokens(helds: list[Held]) -> list[Token]:
    return [held.spec.token for held in helds]


async def test_the_same_attempt_is_taken_in_once_until_its_end_is_committed(books: Books) -> None:
    held = books.held()
    token = held.spec.token
    assert not books.ledger.take_in(Held(held.spec, SYNC))
    books.ledger.end_doomed(held)
    assert books.ledger.get(token) is None
    assert not books.ledger.take_in(held), "the runtime may not have heard of its end yet"
    books.ledger.acknowledge(token)
    assert books.ledger.take_in(held)
    assert books.ledger.get(token) is held


async def test_an_attempt_ends_once(books: Books) -> None:
    held = books.held()
    books.ledger.give_back([held])
    books.ledger.end_doomed(held)
    assert [type(report) for report in books.sink.reports] == [AttemptReturned]
    assert len(books.ledger) == 0


async def test_what_is_in_hand_takes_room_until_it_ends(books: Books) -> None:
    before = books.placement.room("sync", None)
    held = books.held()
    assert books.placement.room("sync", None) == before - 1
    books.ledger.end_doomed(held)
    books.ledger.end_doomed(held)
    assert books.placement.room("sync", None) == before


async def test_room_is_told_once_for_any_number_of_ends(books: Books) -> None:
    books.ledger.tell_capacity()
    assert books.sink.capacity_changes == 0
    books.ledger.give_back([books.held(), books.held()])
    books.ledger.tell_capacity()
    books.ledger.tell_capacity()
    assert books.sink.capacity_changes == 1


async def test_ends_that_nobody_acknowledges_are_forgotten_oldest_first(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MAX_UNACKNOWLEDGED", 2)
    first, second, third = (books.held() for _ in range(3))
    books.ledger.give_back([first, second, third])
    assert [books.ledger.take_in(held) for held in (first, second, third)] == [True, False, False]


@pytest.mark.parametrize(
    ("doom", "kind", "error"),
    [
        ("timeout", AttemptFailed, "TimeoutError"),
        ("memory", AttemptFailed, "MemoryLimit"),
        ("cancel", AttemptCancelled, None),
        ("", AttemptCancelled, None),
    ],
)
async def test_the_last_word_says_what_it_was_ended_for(
    doom: Doom, kind: type[Any], error: str | None, books: Books
) -> None:
    held = books.held(map_index=(2,), attempt=3)
    held.doom, held.started_us = doom, 77
    books.ledger.end_doomed(held)
    [report] = books.sink.about(held.spec.token)
    assert isinstance(report, kind)
    assert (report.map_index, report.attempt, report.started_us) == ((2,), 3, 77)
    assert report.finished_us > 0
    if error is not None:
        assert report.error.type in (error, "Timeout")
        assert report.timed_out == (doom == "timeout")


async def test_what_waits_is_withdrawn_and_waits_no_more(books: Books) -> None:
    helds = books.waiting(3)
    assert books.ledger.take_back(tokens(helds[:2])) == helds[:2]
    assert books.placement.take_all() == helds[2:]


async def test_what_a_worker_has_not_begun_is_withdrawn_and_the_others_wait_again(books: Books) -> None:
    helds = books.placed(4)
    os.read(helds[0].worker.permits[0], 1)  # type: ignore[union-attr]
    helds[0].started_us, helds[0].worker.running = 1, 1  # type: ignore[union-attr]
    assert books.ledger.take_back(tokens([helds[0], helds[2]])) == [helds[2]]
    assert helds[0].worker is not None
    assert books.placement.take_all() == [helds[1], helds[3]]
    assert books.ledger.all() == helds, "withdrawn is not ended: whoever withdrew it says how"


async def test_what_a_worker_has_claimed_meanwhile_is_left_to_it(books: Books) -> None:
    [held] = books.placed(1)
    assert held.worker is not None
    os.read(held.worker.permits[0], 1)  # it is about to say that it began
    assert books.ledger.take_back(tokens([held])) == []
    assert held.worker is not None


async def test_unknown_and_ended_attempts_are_not_withdrawn(books: Books) -> None:
    held = books.held()
    books.ledger.give_back([held])
    assert books.ledger.take_back([held.spec.token, Token(9, 9)]) == []


async def test_a_report_about_a_process_that_never_came_up_names_the_environment() -> None:
    of = spec(node("nothing"))
    alone, named = reports.unstartable(of, 5, "", "exit 1"), reports.unstartable(of, 5, "gpu", "exit 1")
    assert alone.error.message == "no worker could be started: exit 1"
    assert named.error.message == "no worker for the environment 'gpu' could be started: exit 1"
    assert (named.error.kind, named.started_us, named.finished_us) == ("infrastructure", 0, 5)


@pytest.mark.parametrize(
    ("pid", "gives", "leaves", "state"),
    [
        (0, 0, False, "starting"),
        (0, 1, False, "starting"),
        (7, 0, False, "idle"),
        (7, 2, False, "busy"),
        (7, 2, True, "leaving"),
        (0, 0, True, "leaving"),
    ],
)
async def test_workers_are_seen_as_they_are(pid: int, gives: int, leaves: bool, state: str, books: Books) -> None:
    fleet = books.scene.fleet
    worker = fleet.spawn(SYNC)
    worker.pid, worker.is_leaving = pid, leaves
    helds = [books.held(map_index=(number,)) for number in range(gives)]
    if helds:
        worker.give(helds, 0.0)
        helds[0].started_us = 12
    [found] = seen(cast(Fleet, fleet))
    assert (found.state, found.lane, found.bundle, found.environment) == (state, "sync", "jobs", "")
    assert found.name.endswith(f":{pid}" if pid else ":?")
    assert found.attempts == [("r1", "nothing", (number,), 0 if number else 12) for number in range(gives)]
