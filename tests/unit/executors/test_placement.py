"""Placement: who gets what waits, with workers that are sockets without a process behind them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.attempts import BUNDLE, node, spec
from toque.errors import ToqueError
from toque.executors.process.durations import HELD_US, MAX_HELD, Durations
from toque.executors.process.fleet import Fleet
from toque.executors.process.options import ProcessOptions
from toque.executors.process.placement import STUCK_AFTER_S, Placement
from toque.executors.process.worker import Held, Kind, Worker
from toque.graph.ir import TaskNode
from toque.ports.executor import BundleRef
from toque.worker.wire import Lane

OTHER = BundleRef(hash="other", path="/other", project="/other")
SHORT_US = 100


class SocketFleet:
    """What placement needs of a fleet."""

    def __init__(self) -> None:
        self.workers: dict[int, Worker] = {}
        self.broken: ToqueError | None = None
        self.ends: list[socket.socket] = []

    def spawn(self, kind: Kind) -> Worker:
        mine, its = socket.socketpair()
        mine.setblocking(False)
        permits = os.pipe()
        os.set_blocking(permits[0], False)
        no = len(self.ends) + 1
        self.ends.append(its)
        self.workers[no] = Worker(no, kind, f"w{no}", mine, permits, moved_s=asyncio.get_running_loop().time())
        return self.workers[no]

    def stop_worker(self, worker: Worker) -> None:
        worker.is_leaving = True

    def bury(self, worker: Worker) -> None:
        del self.workers[worker.no]

    def close(self) -> None:
        for worker in self.workers.values():
            worker.connection.close()
            for end in worker.permits:
                os.close(end)
        for its in self.ends:
            its.close()


class Scene:
    """A placement with its fleet and what it knows of durations."""

    def __init__(self, **options: Any) -> None:
        self.fleet = SocketFleet()
        self.durations = Durations()
        self.options = ProcessOptions(
            **{"project": "p", "state_dir": "s", "blobs_url": "memory:", "workers": 2, **options}
        )
        self.placement = Placement(self.options, cast(Fleet, self.fleet), self.durations)

    def add(self, of: TaskNode, count: int, *, bundle: BundleRef = BUNDLE, lane: Lane = "sync") -> list[Held]:
        helds = [Held(spec(of), Kind(bundle, "", lane)) for _ in range(count)]
        for held in helds:
            self.placement.count(held, 1)
        self.placement.add(helds)
        return helds

    def knows(self, of: TaskNode, duration_us: int = SHORT_US) -> None:
        self.durations.add(of, duration_us)

    def loads(self) -> list[int]:
        return [len(worker.held) for worker in self.fleet.workers.values()]

    def heard(self) -> None:
        """All workers are up, and have said so."""
        for worker in self.fleet.workers.values():
            worker.has_spoken = True

    def place_patiently(self) -> None:
        """Place until nothing changes; a while passes in between, in which no worker moves."""
        before: list[int] = [-1]
        while before != self.loads():
            before = self.loads()
            for worker in self.fleet.workers.values():
                worker.moved_s -= 2 * STUCK_AFTER_S
            self.placement.place()

    def begin(self, held: Held) -> None:
        worker = held.worker
        assert worker is not None
        os.read(worker.permits[0], 1)
        held.started_us = 1
        worker.running += 1
        worker.moved_s = asyncio.get_running_loop().time()


@pytest.fixture
def scene() -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**options: Any) -> Scene:
        made.append(Scene(**options))
        return made[-1]

    yield make
    for each in made:
        each.fleet.close()


Make = Callable[..., Scene]


async def test_code_that_nobody_has_seen_is_given_one_at_a_time(scene: Make) -> None:
    a = scene(workers=3)
    a.add(node("nothing"), 5)
    a.placement.place()
    assert a.loads() == [1], "it may be over in a moment: no process is started for the next yet"
    a.place_patiently()
    assert a.loads() == [1, 1, 1]
    assert a.placement.has_waiting()
    a.heard()
    a.placement.place()
    assert a.loads() == [1, 1, 1]


async def test_short_work_is_held_in_number_and_shared_fairly(scene: Make) -> None:
    a, of = scene(workers=2), node("nothing")
    a.knows(of)
    for _ in range(2):
        a.fleet.spawn(Kind(BUNDLE, "", "sync")).has_spoken = True
    a.add(of, 21)
    a.placement.place()
    assert a.loads() == [11, 10]
    assert not a.placement.has_waiting()


@pytest.mark.parametrize(
    ("duration_us", "held"), [(1, MAX_HELD), (500, HELD_US // 500), (2_000, 2), (5_001, 1), (1_000_000, 1)]
)
async def test_a_worker_holds_no_more_than_its_measure(duration_us: int, held: int, scene: Make) -> None:
    a, of = scene(workers=1), node("nothing")
    a.knows(of, duration_us)
    a.fleet.spawn(Kind(BUNDLE, "", "sync")).has_spoken = True
    a.add(of, 200)
    a.placement.place()
    assert a.loads() == [held]


async def test_a_worker_that_is_not_up_yet_gets_its_first_and_no_more_after_it(scene: Make) -> None:
    a, of = scene(workers=1), node("nothing")
    a.knows(of)
    a.add(of, 1)
    a.placement.place()
    a.add(of, 9)
    a.placement.place()
    assert a.loads() == [1]
    a.heard()
    a.placement.place()
    assert a.loads() == [10]


async def test_no_more_workers_are_started_than_there_is_work_or_room_for(scene: Make) -> None:
    a = scene(workers=4)
    a.add(node("nothing"), 2)
    a.place_patiently()
    assert len(a.fleet.workers) == 2
    a.add(node("nothing"), 10)
    a.place_patiently()
    assert len(a.fleet.workers) == 4


async def test_a_stuck_worker_gets_nothing_more(scene: Make) -> None:
    a, of = scene(workers=1), node("nothing")
    a.knows(of)
    first = a.add(of, 1)
    a.placement.place()
    a.heard()
    a.begin(first[0])
    worker = first[0].worker
    assert worker is not None
    worker.moved_s -= 2 * STUCK_AFTER_S
    a.add(of, 5)
    a.placement.place()
    assert a.loads() == [1]


async def test_who_answers_a_question_is_asked_for_nothing_else(scene: Make) -> None:
    a = scene(workers=1)
    worker = a.fleet.spawn(Kind(BUNDLE, "", "sync"))
    worker.asked[1] = asyncio.get_running_loop().create_future()
    a.add(node("nothing"), 1)
    a.placement.place()
    assert a.loads() == [0]
    del worker.asked[1]
    a.placement.place()
    assert a.loads() == [1]


async def test_an_idle_worker_of_another_bundle_makes_room(scene: Make) -> None:
    a = scene(workers=2)
    idle = [a.fleet.spawn(Kind(OTHER, "", "sync")) for _ in range(2)]
    idle[0].moved_s, idle[1].moved_s = 5.0, 3.0
    a.add(node("nothing"), 1)
    a.place_patiently()
    assert [worker.is_leaving for worker in idle] == [False, True]
    assert [worker.kind.bundle for worker in a.fleet.workers.values() if worker.held] == [BUNDLE]


async def test_when_all_are_busy_with_another_bundle_the_one_with_the_least_to_do_is_let_go(scene: Make) -> None:
    a, of, other = scene(workers=2), node("nothing"), node("nothing", id="other")
    a.knows(of)
    for _ in range(2):
        a.fleet.spawn(Kind(OTHER, "", "sync")).has_spoken = True
    busy = a.add(other, 7, bundle=OTHER)
    a.placement.place()
    assert a.loads() == [4, 3]
    for held in (busy[0], busy[4]):
        a.begin(held)
    a.add(of, 1)
    a.placement.place()
    leaving = [worker for worker in a.fleet.workers.values() if worker.is_leaving]
    assert len(leaving) == 1
    assert len(leaving[0].held) == 1, "what it has begun it carries to its end, the rest goes back"
    assert a.placement.has_waiting()
    a.placement.place()
    assert sum(worker.is_leaving for worker in a.fleet.workers.values()) == 1, "one after the other"
    leaving[0].forget(next(iter(leaving[0].held.values())))
    a.fleet.bury(leaving[0])
    a.placement.place()
    assert {worker.kind.bundle.hash for worker in a.fleet.workers.values()} == {"jobs", "other"}


async def test_a_broken_fleet_is_given_nothing(scene: Make) -> None:
    a = scene()
    a.fleet.broken = ToqueError("no zygote")
    waiting = [*a.add(node("nothing"), 2), *a.add(node("wait_forever"), 1, lane="async")]
    a.placement.place()
    assert a.fleet.workers == {}
    assert a.placement.take_all() == waiting
    assert not a.placement.has_waiting()


@pytest.mark.parametrize(("lane", "option"), [("async", "async_limit"), ("thread", "thread_limit")])
async def test_shared_lanes_fill_one_process_up_to_their_limit(lane: Lane, option: str, scene: Make) -> None:
    a = scene(**{option: 3})
    helds = a.add(node("nothing"), 5, lane=lane)
    a.placement.place()
    assert a.loads() == [3]
    worker = helds[0].worker
    assert worker is not None
    worker.forget(helds[0])
    a.placement.place()
    assert [held.worker is worker for held in helds] == [True, True, True, True, False]
    assert a.loads() == [3]


async def test_a_shared_process_that_leaves_is_followed_by_another(scene: Make) -> None:
    a = scene(async_limit=10)
    old = a.add(node("wait_forever"), 1, lane="async")[0]
    a.placement.place()
    assert old.worker is not None
    a.fleet.stop_worker(old.worker)
    new = a.add(node("wait_forever"), 1, lane="async")[0]
    a.placement.place()
    assert new.worker is not None
    assert new.worker is not old.worker


async def test_what_was_taken_back_goes_first_in_its_order(scene: Make) -> None:
    a, of = scene(workers=1), node("nothing")
    a.fleet.broken = ToqueError("for now")
    late = a.add(of, 1)
    early = [Held(spec(of), late[0].kind) for _ in range(2)]
    a.placement.put_back(early)
    assert a.placement.take_all() == [*early, *late]


async def test_what_was_withdrawn_is_placed_no_more(scene: Make) -> None:
    a = scene(workers=3)
    first, second, third = a.add(node("nothing"), 3)
    a.placement.remove(second)
    a.placement.remove(second)
    a.placement.remove(Held(spec(node("nothing")), Kind(OTHER, "", "sync")))
    a.place_patiently()
    assert (first.worker is not None, second.worker, third.worker is not None) == (True, None, True)


@pytest.mark.parametrize(
    ("lane", "duration_us", "counted", "expected"),
    [
        ("sync", None, 0, 4),
        ("sync", None, 3, 1),
        ("sync", None, 9, 0),
        ("sync", 1.0, 0, 2 * 4 * MAX_HELD),
        ("sync", 1e6, 0, 4),
        ("async", None, 0, 7),
        ("async", 1.0, 2, 5),
        ("thread", None, 1, 4),
        ("thread", None, 6, 0),
    ],
)
async def test_the_room_of_a_lane(
    lane: Lane, duration_us: float | None, counted: int, expected: int, scene: Make
) -> None:
    a = scene(workers=4, async_limit=7, thread_limit=5)
    a.add(node("nothing"), counted, lane=lane)
    assert a.placement.room(lane, duration_us) == expected


async def test_room_counts_lanes_once_there_is_use_for_them(scene: Make) -> None:
    a = scene(workers=4, async_limit=7, thread_limit=5)
    assert a.placement.free() == 4
    asynchronous = a.add(node("wait_forever"), 1, lane="async")
    assert a.placement.free() == 4 + 6
    a.add(node("nothing"), 2, lane="thread")
    assert a.placement.free() == 4 + 6 + 3
    a.placement.count(asynchronous[0], -1)
    assert a.placement.free() == 4 + 7 + 3


async def test_only_idle_workers_of_what_nobody_asks_for_are_retired(scene: Make) -> None:
    a = scene(workers=4, idle_s=60.0)
    now_s = asyncio.get_running_loop().time()
    a.add(node("nothing"), 1)
    a.placement.place()
    mine = next(iter(a.fleet.workers.values()))
    old, young, busy = (a.fleet.spawn(Kind(OTHER, "", "sync")) for _ in range(3))
    busy.give([Held(spec(node("nothing")), busy.kind)], now_s)
    for worker in (mine, old, busy):
        worker.moved_s = now_s - 61.0
    young.moved_s = now_s - 59.0
    a.placement.retire_idle(now_s)
    assert [worker.is_leaving for worker in (mine, old, young, busy)] == [False, True, False, False]
