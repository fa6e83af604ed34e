"""The small rooms of the runtime: inbox, timers, ids, options."""

from __future__ import annotations

import asyncio

from toque.engine.effects import SetTimer
from toque.engine.inputs import TimerFired
from toque.engine.values import TaskKey
from toque.runtime.ids import new_instance, new_run_id
from toque.runtime.inbox import Inbox
from toque.runtime.options import RuntimeOptions
from toque.runtime.specs import log_path
from toque.runtime.timers import Timers


class ManualClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.us = 1_000_000
        self._moved = asyncio.Event()

    def now_us(self) -> int:
        return self.us

    async def wait_until(self, due_us: int) -> None:
        while self.us < due_us:
            self._moved.clear()
            await self._moved.wait()

    def move_to(self, us: int) -> None:
        self.us = us
        self._moved.set()


async def test_a_drain_takes_what_arrived_in_order_and_leaves_the_rest() -> None:
    inbox: Inbox[int] = Inbox()
    for item in range(5):
        inbox.put(item)
    assert await inbox.drain(3) == [0, 1, 2]
    assert await inbox.drain(3) == [3, 4]


async def test_what_is_put_back_is_first_again() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put(3)
    inbox.put_back([1, 2])
    assert await inbox.drain(10) == [1, 2, 3]


async def test_a_wake_lets_the_drain_return_with_nothing() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.wake()
    assert await inbox.drain(10) == []


async def test_a_quiet_item_waits_for_the_next_that_matters() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put_quietly(1, within_s=3600)
    draining = asyncio.ensure_future(inbox.drain(10))
    await asyncio.sleep(0)
    assert not draining.done()
    inbox.put(2)
    assert await draining == [1, 2]


async def test_a_quiet_item_is_drained_alone_when_nothing_else_comes() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put_quietly(1, within_s=0)
    assert await asyncio.wait_for(inbox.drain(10), 10) == [1]


async def test_timers_fire_in_the_order_of_their_time_and_not_before() -> None:
    clock = ManualClock()
    fired: list[str] = []
    enough = asyncio.Event()

    def fire(timer: TimerFired) -> None:
        fired.append(timer.task)
        enough.set()

    timers = Timers(clock, fire)
    timers.start()
    timers.set("r", SetTimer(kind="retry", due_us=3_000_000, task="late"))
    timers.set("r", SetTimer(kind="retry", due_us=2_000_000, task="soon"))
    await asyncio.sleep(0)
    assert fired == []
    clock.move_to(2_000_000)
    await asyncio.wait_for(enough.wait(), 10)
    assert fired == ["soon"]
    enough.clear()
    clock.move_to(9_000_000)
    await asyncio.wait_for(enough.wait(), 10)
    assert fired == ["soon", "late"]
    await timers.stop()


def test_run_ids_sort_by_their_time_and_differ_within_it() -> None:
    earlier = {new_run_id(1_700_000_000_000_000) for _ in range(100)}
    later = {new_run_id(1_700_000_000_001_000) for _ in range(100)}
    assert len(earlier) == 100
    assert max(earlier) < min(later)
    assert all(len(run_id) == 18 and run_id.isalnum() for run_id in earlier)


def test_instances_say_their_role_and_never_share_a_name() -> None:
    names = {new_instance("server") for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("server-") for name in names)


def test_a_pool_with_a_colon_has_one_slot_unless_it_is_named() -> None:
    options = RuntimeOptions(pools={"db": 3, "duckdb:/named": 2})
    assert options.pool_limit("db") == 3
    assert options.pool_limit("duckdb:/any") == 1
    assert options.pool_limit("duckdb:/named") == 2
    assert options.pool_limit("unknown") is None


def test_logs_of_steps_lie_flat_in_the_directory_of_their_run() -> None:
    assert log_path("/logs", "r", TaskKey("crawl/0.1/fetch", (2, 7)), 3) == "/logs/r/crawl~0.1~fetch/2.7-3.jsonl"
    assert log_path("/logs", "r", TaskKey("plain"), 1) == "/logs/r/plain/_-1.jsonl"
