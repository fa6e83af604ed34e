"""The virtual clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.testing import pipelines as p
from toque.errors import UserError
from toque.testing import clock

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_the_clock_jumps_over_the_delays_of_retries() -> None:
    with clock("2026-03-29T00:30Z") as virtual:
        run = p.retrying.run()
    assert run.result == 3
    assert virtual.now == START + timedelta(hours=3)


def test_the_clock_jumps_over_what_a_deferred_task_waits_for() -> None:
    with clock(START) as virtual:
        assert p.waiting.run().result == 3
    assert virtual.now == START + timedelta(hours=30)


def test_a_run_that_waits_for_nothing_takes_no_time() -> None:
    with clock(START) as virtual:
        assert p.many.run().result == [0, 2, 4, 6, 8]
    assert virtual.now == START


def test_a_test_may_move_the_clock() -> None:
    with clock(START) as virtual:
        virtual.advance("1h30m")
        assert virtual.now == START + timedelta(minutes=90)


async def test_who_waits_goes_on_in_the_order_of_time() -> None:
    order: list[int] = []

    async def wait(hours: int) -> None:
        await virtual.wait_until(virtual.now_us() + hours * 3_600_000_000)
        order.append(hours)

    with clock(START) as virtual:
        await asyncio.gather(*(wait(hours) for hours in (3, 1, 2)))
    assert order == [1, 2, 3]
    assert virtual.now == START + timedelta(hours=3)


async def test_the_clock_stands_still_while_something_real_is_under_way() -> None:
    with clock(START) as virtual:
        busy = [True] * 3
        virtual.is_busy = lambda: bool(busy) and (busy.pop() or True)
        await virtual.wait_until(virtual.now_us() + 1)
    assert busy == []


async def test_a_wait_that_is_given_up_does_not_hold_the_clock() -> None:
    with clock(START) as virtual:
        given_up = asyncio.ensure_future(virtual.wait_until(virtual.now_us() + 1_000_000))
        await asyncio.sleep(0)
        given_up.cancel()
        await virtual.wait_until(virtual.now_us() + 2_000_000)
    assert virtual.now == START + timedelta(seconds=2)


@pytest.mark.parametrize("start", ["tomorrow", "2026-03-29T00:30", datetime(2026, 3, 29)])  # noqa: DTZ001
def test_a_clock_needs_an_instant(start: str | datetime) -> None:
    with pytest.raises(UserError), clock(start):
        pass
