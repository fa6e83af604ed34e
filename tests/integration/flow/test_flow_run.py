"""`flow.run()`: flows in this process, with the real engine."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from toque import each, flow, now, ok, pipeline, sleep_blocking, task
from toque.local import RunFailed
from toque.testing import clock, stub


@task
def double(x: int) -> int:
    return 2 * x


@task
async def halve(x: float) -> float:
    return x / 2


@task
def broken(x: int) -> int:
    raise LookupError(f"no {x}")


@task(retries=2, retry_delay=0)
def flaky(x: int) -> str:
    from toque import context

    if context().attempt < 3:
        raise ConnectionError("not yet")
    return f"{x} at attempt {context().attempt}"


@flow
async def mixed(n: int) -> list[Any]:
    one = await double.submit(n)
    both = await asyncio.gather(halve.submit(one), double.submit(one))
    try:
        await broken.submit(n)
    except LookupError as error:
        both.append(str(error).partition(": ")[2])
    both.append(await flaky.submit(n))
    return [*both, *await double.submit.map(each([1, 2]))]


def test_a_flow_runs_here_with_retries_gathers_and_exceptions() -> None:
    assert mixed.run(n=3).result == [3.0, 12, "LookupError: no 3", "3 at attempt 3", 2, 4]


async def test_it_runs_under_a_running_loop_too() -> None:
    assert mixed.run(n=3).result[0] == 3.0


@flow
def mixed_sync(n: int) -> list[Any]:
    found: list[Any] = [double(n), *double.map(each([1, 2]))]
    try:
        broken(n)
    except LookupError:
        found.append("caught")
    return found


def test_a_sync_flow_runs_here() -> None:
    assert mixed_sync.run(n=3).result == [6, 2, 4, "caught"]


@flow
async def failing() -> None:
    await broken.submit(7)


def test_a_failed_flow_raises_with_the_error_of_its_step() -> None:
    with pytest.raises(RunFailed, match="no 7"):
        failing.run()


@flow
async def day_long() -> float:
    begun = now()
    await asyncio.gather(asyncio.sleep(86_400), asyncio.sleep(3_600))
    async with asyncio.timeout(7_200):
        await double.submit(1)
    return (now() - begun).total_seconds()


@flow
def day_long_sync() -> float:
    begun = now()
    sleep_blocking(86_400)
    double(1)
    return (now() - begun).total_seconds()


@pytest.mark.parametrize("sleeper", [day_long, day_long_sync])
def test_sleeps_of_a_day_take_no_time_under_a_test_clock(sleeper: Any) -> None:
    with clock("2026-03-29T00:30Z"):
        assert 86_400 <= sleeper.run().result < 86_500


def test_steps_can_be_stubbed() -> None:
    with stub(broken, returns=5), stub(double, returns=1):
        assert mixed_sync.run(n=3).result == [1, 1, 1]


@flow
async def leg(x: int) -> int:
    return await double.submit(await double.submit(x))


@flow
async def whole(xs: list[int]) -> list[int]:
    return list(await asyncio.gather(*(leg.submit(x) for x in xs)))


def test_flows_call_flows() -> None:
    assert whole.run(xs=[1, 2, 3]).result == [4, 8, 12]


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@pipeline
def around(xs: list[int]) -> Any:
    return total(leg.map(each(xs)))


def test_a_flow_is_a_node_of_a_pipeline_and_can_be_mapped() -> None:
    assert around.run(xs=[1, 2, 3]).result == 24


@flow
async def tolerant(xs: list[int]) -> list[int]:
    return ok(await broken.options(tolerate=2).submit.map(each(xs)))


def test_a_tolerant_map_in_a_flow_gives_typed_holes() -> None:
    with pytest.raises(RunFailed):
        mapped.run(xs=[1])
    assert tolerant.run(xs=[1, 2]).result == []


@flow
async def mapped(xs: list[int]) -> list[int]:
    return await broken.submit.map(each(xs))


@flow(timeout=0.1)
async def too_long() -> None:
    await asyncio.sleep(3600)


def test_a_timeout_ends_a_flow() -> None:
    with pytest.raises(RunFailed, match="Timeout"):
        too_long.run()


@flow
def in_its_thread() -> str:
    return threading.current_thread().name


def test_a_sync_body_has_a_thread_of_its_own() -> None:
    assert in_its_thread.run().result == "flow in_its_thread"


async def test_a_body_is_a_plain_function_for_its_unit_tests() -> None:
    assert await leg.__toque_function__(3) == 12
    assert mixed_sync.__toque_function__.__name__ == "mixed_sync"


ran: list[int] = []


@task(cache=True)
def costly(x: int) -> int:
    ran.append(x)
    return x * x


@flow
async def frugal() -> list[int]:
    return [await costly.submit(3), await costly.submit(3), await costly.submit(4)]


def test_the_cache_answers_steps_too() -> None:
    ran.clear()
    assert frugal.run().result == [9, 9, 16]
    assert ran == [3, 4]
