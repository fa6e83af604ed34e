"""Async bodies: replays go the same way, whatever asyncio feature the body uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.flow.fake_runtime import BLOBS, FakeRuntime, failure
from toque.authoring.flows import flow
from toque.authoring.holes import each
from toque.authoring.tasks import task
from toque.engine.inputs import AttemptStarted, AttemptSucceeded, Cancel, StepRequested
from toque.worker import stored
from toque.worker.flow_context import now, random
from toque.worker.flow_context import uuid as flow_uuid
from toque.worker.flow_errors import StepFailed, StepSkipped
from toque.worker.outcomes import Failure, Ok, Skipped

trace: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_trace() -> None:
    trace.clear()


@task
def fetch(page: int) -> int:
    raise AssertionError("steps run in workers")


@task
async def store(rows: Any) -> str:
    raise AssertionError("steps run in workers")


@flow
async def chain(start: int) -> list[int]:
    rows = [await fetch.submit(start)]
    while rows[-1] < 30:
        rows.append(await fetch.submit(page=rows[-1]))
    await store.submit(rows)
    return rows


def test_a_step_is_asked_for_with_its_arguments_and_its_result_comes_back() -> None:
    run = FakeRuntime(chain, start=7).begin()
    assert isinstance(run.messages[0], AttemptStarted)
    assert run.open == ["chain/fetch[0]"]
    assert run.arguments("chain/fetch[0]") == ((), {"page": 7})
    run.end("chain/fetch[0]", 20)
    assert run.arguments("chain/fetch[1]") == ((), {"page": 20})
    run.end("chain/fetch[1]", 30)
    run.end("chain/store[0]", "done")
    assert run.result == [20, 30]


def test_a_killed_body_goes_on_with_finished_steps_answered_from_their_record() -> None:
    run = FakeRuntime(chain, start=7).begin()
    run.end("chain/fetch[0]", 20)
    run.restart()
    assert run.asked == ["chain/fetch[0]", "chain/fetch[1]"]
    assert run.open == ["chain/fetch[1]"]
    run.end("chain/fetch[1]", 30)
    run.restart().restart()
    run.end("chain/store[0]", "done")
    assert run.result == [20, 30]


@flow
async def two_branches() -> list[list[int]]:
    async def branch(first: int) -> list[int]:
        one = await fetch.submit(first)
        return [one, await fetch.submit(one)]

    return list(await asyncio.gather(branch(1), branch(2)))


def test_branches_that_call_the_same_tasks_are_told_apart_and_match_again_after_a_kill() -> None:
    run = FakeRuntime(two_branches).begin()
    assert run.open == ["two_branches/0/fetch[0]", "two_branches/1/fetch[0]"]
    # The second branch overtakes the first, and has asked for its second step when the host is killed.
    run.end("two_branches/1/fetch[0]", 20)
    assert run.open == ["two_branches/0/fetch[0]", "two_branches/1/fetch[1]"]
    run.restart()
    assert run.open == ["two_branches/0/fetch[0]", "two_branches/1/fetch[1]"]
    run.end("two_branches/1/fetch[1]", 21)
    run.end("two_branches/0/fetch[0]", 10)
    run.restart()
    run.end("two_branches/0/fetch[1]", 11)
    assert run.result == [[10, 11], [20, 21]]


@flow
async def racing() -> list[Any]:
    steps = [asyncio.create_task(fetch.submit(page)) for page in range(4)]
    order = []
    for first in asyncio.as_completed(steps):
        order.append(await first)
        if len(order) == 2:
            break
    done, pending = await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
    trace.append([sorted(step.result() for step in done), len(pending)])
    rest = await asyncio.gather(*pending)
    await store.submit(order)
    return [order, sorted(rest)]


def test_completion_order_is_the_recorded_one_in_a_replay() -> None:
    run = FakeRuntime(racing).begin()
    for page in (2, 0, 3, 1):
        run.end(f"racing/fetch[{page}]", page)
    assert run.arguments("racing/store[0]") == ((), {"rows": [2, 0]})
    # In the replay all four are answered in the order in which they are asked for: 0, 1, 2, 3.
    run.restart()
    run.end("racing/store[0]", "")
    assert run.result == [[2, 0], [1, 3]]
    assert trace[0] == trace[1]


def test_steps_that_end_together_are_told_one_after_the_other() -> None:
    run = FakeRuntime(racing).begin()
    for page in (3, 1, 0, 2):
        run.end_silently(f"racing/fetch[{page}]", page)
    run.deliver()
    assert run.arguments("racing/store[0]") == ((), {"rows": [3, 1]})


@flow
async def grouped() -> int:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(fetch.submit(1))
        second = group.create_task(fetch.submit(2))
    return first.result() + second.result()


def test_a_task_group_takes_submitted_steps() -> None:
    run = FakeRuntime(grouped).begin()
    run.end("grouped/fetch[1]", 2)
    run.end("grouped/fetch[0]", 1)
    assert run.result == 3


def test_a_failed_step_cancels_its_siblings_in_a_task_group() -> None:
    run = FakeRuntime(grouped).begin()
    run.end("grouped/fetch[1]", error=failure())
    assert [(cancel.task, cancel.map_index) for cancel in run.of(Cancel)] == [("grouped/fetch", (0,))]
    assert "unhandled errors in a TaskGroup" in run.error.message


@flow
async def careful(page: int) -> str:
    try:
        await fetch.submit(page)
    except ValueError as error:
        failed = error if isinstance(error, StepFailed) else None
        trace.append((failed and failed.step, failed and failed.error.message))
        return "caught"
    except StepSkipped:
        return "skipped"
    return "fine"


def test_a_failed_step_raises_an_exception_of_the_recorded_type() -> None:
    run = FakeRuntime(careful, page=1).begin()
    run.end("careful/fetch[0]", error=failure("ValueError", "no such page"))
    assert run.result == "caught"
    assert trace == [("careful/fetch[0]", "no such page")]


def test_a_failed_step_that_nobody_catches_fails_the_flow_for_good() -> None:
    run = FakeRuntime(careful, page=1).begin()
    run.end("careful/fetch[0]", error=failure("KeyError", "x"))
    assert run.error.type == "KeyError"
    assert run.error.message.startswith("step careful/fetch[0] failed: KeyError: x")
    assert not run.error.retryable
    assert run.error.file.endswith("test_async_bodies.py")


def test_a_skipped_step_has_no_result_and_says_so() -> None:
    run = FakeRuntime(careful, page=1).begin()
    run.skip("careful/fetch[0]")
    assert run.result == "skipped"


@flow
async def forgetful() -> str:
    store.submit("kept")
    return "done"


def test_what_was_submitted_is_seen_to_its_end_though_nobody_awaits_it() -> None:
    run = FakeRuntime(forgetful).begin()
    assert run.is_waiting
    run.end("forgetful/store[0]", "")
    assert run.result == "done"


def test_a_failure_that_nobody_looked_at_fails_the_flow() -> None:
    run = FakeRuntime(forgetful).begin()
    run.end("forgetful/store[0]", error=failure())
    assert run.error.message == "step forgetful/store[0] failed: ValueError: boom"


@flow
async def with_watchdog() -> int:
    async def watch() -> None:
        while True:
            await asyncio.sleep(60)

    watchdog = asyncio.create_task(watch())
    result = await fetch.submit(1)
    trace.append(watchdog.done())
    return result


def test_branches_that_are_left_at_the_end_are_cancelled_as_asyncio_run_does() -> None:
    run = FakeRuntime(with_watchdog).begin()
    assert run.open == ["with_watchdog/fetch[0]", "with_watchdog/0/toque.sleep[0]"]
    run.end("with_watchdog/fetch[0]", 1)
    assert run.result == 1
    assert trace == [False]


@flow
async def napping(seconds: float) -> str:
    before = now()
    await asyncio.sleep(0)
    await asyncio.sleep(seconds)
    trace.append((now() - before).total_seconds())
    return "awake"


def test_a_sleep_is_a_step_that_keeps_its_end_in_a_replay() -> None:
    run = FakeRuntime(napping, seconds=86_400).begin()
    (request,) = run.of(StepRequested)
    assert request.sleep_until_us == run.now_us + 86_400_000_000
    run.now_us += 3_600_000_000
    run.restart()
    assert run.open == ["napping/toque.sleep[0]"]
    run.now_us = request.sleep_until_us
    run.end("napping/toque.sleep[0]", sleep=True)
    assert run.result == "awake"
    assert trace == [86_401.0]


@flow
async def impatient() -> str:
    try:
        async with asyncio.timeout(30):
            return str(await fetch.submit(1))
    except TimeoutError:
        return "too late"


def test_a_timeout_is_durable_and_cancels_the_step() -> None:
    run = FakeRuntime(impatient).begin()
    assert run.open == ["impatient/toque.sleep[0]", "impatient/fetch[0]"]
    run.restart()
    run.end("impatient/toque.sleep[0]", sleep=True)
    assert run.result == "too late"
    assert run.of(Cancel)[-1].task == "impatient/fetch"


def test_a_timeout_that_is_not_reached_is_cancelled_and_a_replay_agrees() -> None:
    run = FakeRuntime(impatient).begin()
    run.end("impatient/fetch[0]", 5)
    assert run.result == "5"
    assert run.of(Cancel)[-1].task == "impatient/toque.sleep"
    run.restart()
    assert run.result == "5"


@flow
async def cancelled_in_time() -> str:
    step = asyncio.create_task(fetch.submit(1))
    await asyncio.sleep(0)
    step.cancel()
    await asyncio.wait([step])
    return "cancelled"


def test_a_step_that_is_cancelled_before_it_was_sent_is_never_asked_for() -> None:
    run = FakeRuntime(cancelled_in_time).begin()
    assert run.result == "cancelled"
    assert run.asked == []


@flow
async def mapping(pages: list[int]) -> list[int]:
    return await fetch.submit.map(each(pages))


@flow
async def tolerant(pages: list[int]) -> list[str]:
    parts: list[Any] = await fetch.options(tolerate="50%").submit.map(each(pages))
    kinds = {Ok: "ok", Failure: "failure", Skipped: "skipped"}
    return [kinds[type(part)] for part in parts]


def test_a_map_is_one_step_for_each_item_and_its_result_is_in_order() -> None:
    run = FakeRuntime(mapping, pages=[5, 6, 7]).begin()
    assert run.arguments("mapping/fetch[1]") == ((), {"page": 6})
    for index in (2, 0, 1):
        run.end(f"mapping/fetch[{index}]", index * 10)
    assert run.result == [0, 10, 20]


def test_a_map_of_nothing_is_an_empty_list() -> None:
    assert FakeRuntime(mapping, pages=[]).begin().result == []


def test_a_map_raises_its_first_failure_in_order_once_all_have_ended() -> None:
    run = FakeRuntime(mapping, pages=[5, 6, 7]).begin()
    run.end("mapping/fetch[2]", error=failure("KeyError"))
    run.end("mapping/fetch[1]", error=failure("ValueError"))
    assert run.is_waiting
    run.end("mapping/fetch[0]", 0)
    assert run.error.type == "ValueError"


def test_a_tolerant_map_has_typed_holes_and_fails_above_its_tolerance() -> None:
    run = FakeRuntime(tolerant, pages=[1, 2, 3, 4]).begin()
    run.end("tolerant/fetch[0]", 0)
    run.end("tolerant/fetch[1]", error=failure())
    run.skip("tolerant/fetch[2]")
    run.end("tolerant/fetch[3]", error=failure())
    assert run.result == ["ok", "failure", "skipped", "failure"]
    run = FakeRuntime(tolerant, pages=[1, 2]).begin()
    run.end("tolerant/fetch[0]", error=failure())
    run.end("tolerant/fetch[1]", error=failure())
    assert "2 of 2 calls of fetch failed" in run.error.message


@flow
async def inner(page: int) -> int:
    return await fetch.submit(page)


@flow
async def outer() -> list[int]:
    before = await inner.submit(1)
    both = await asyncio.gather(inner.submit(before), inner.submit(before))
    return [before, *both]


def test_a_flow_within_a_flow_has_a_scope_of_its_own_in_the_same_body() -> None:
    run = FakeRuntime(outer).begin()
    run.end("outer/inner.0/fetch[0]", 5)
    assert run.open == ["outer/0/inner.0/fetch[0]", "outer/1/inner.0/fetch[0]"]
    run.end("outer/1/inner.0/fetch[0]", 7)
    run.restart()
    run.end("outer/0/inner.0/fetch[0]", 6)
    assert run.result == [5, 6, 7]


@flow
async def deriving() -> list[str]:
    first = [now().isoformat(), str(random().random()), str(flow_uuid()), str(flow_uuid())]
    await fetch.submit(1)
    return [*first, now().isoformat(), str(random().random()), str(flow_uuid())]


def test_clock_randomness_and_ids_are_the_same_in_every_replay() -> None:
    run = FakeRuntime(deriving).begin()
    run.end("deriving/fetch[0]", 1)
    first = run.result
    run.now_us += 10**12
    assert run.restart().result == first
    assert first[0] == "2023-11-14T22:13:20+00:00"
    assert first[4] == "2023-11-14T22:13:21+00:00"
    assert len(set(first)) == len(first)


@flow
async def streaming() -> list[int]:
    async def pages() -> AsyncIterator[int]:
        try:
            for page in range(3):
                yield await fetch.submit(page)
        finally:
            trace.append("closed")

    found = []
    async for page in pages():
        found.append(page)
        if page == 11:
            break
    await store.submit(found)
    return found


def test_async_generators_work_and_are_closed() -> None:
    run = FakeRuntime(streaming).begin()
    run.end("streaming/fetch[0]", 10)
    run.end("streaming/fetch[1]", 11)
    run.end("streaming/store[0]", "")
    assert run.result == [10, 11]
    assert trace == ["closed"]


@flow
async def returning_nothing() -> None:
    await fetch.submit(1)


def test_none_is_a_result_and_no_skip() -> None:
    run = FakeRuntime(returning_nothing).begin()
    run.end("returning_nothing/fetch[0]", None)
    assert isinstance(run.last, AttemptSucceeded)
    assert run.result is None


@flow
async def with_tools() -> list[Any]:
    """Locks, queues, events, shields and wait_for: none of them needs more than callbacks."""
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
    lock, ready = asyncio.Semaphore(1), asyncio.Event()
    found: list[Any] = []

    async def produce() -> None:
        for page in range(3):
            async with lock:
                await queue.put(await fetch.submit(page))
        ready.set()

    async def consume() -> None:
        await ready.wait()
        found.append("ready")

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        group.create_task(consume())
        found += [await queue.get() for _ in range(3)]
    found.append(await asyncio.wait_for(fetch.submit(3), timeout=60))
    try:
        await asyncio.wait_for(asyncio.shield(fetch.submit(4)), timeout=60)
    except TimeoutError:
        found.append("late")
    return found


def test_the_tools_of_asyncio_work_in_a_body_and_in_its_replay() -> None:
    run = FakeRuntime(with_tools).begin()
    for page in range(3):
        run.end(f"with_tools/0/fetch[{page}]", page * 10)
        run.restart()
    run.end("with_tools/fetch[0]", 30)
    run.restart()
    (late,) = [step for step in run.open if "toque.sleep" in step]
    run.end(late, sleep=True)
    assert run.result == [0, 10, 20, "ready", 30, "late"]
    # What a shield keeps from a timeout is a branch, and ends with the flow.
    assert [(cancel.task, cancel.map_index) for cancel in run.of(Cancel)][-1] == ("with_tools/fetch", (1,))


@flow
async def handing_on() -> int:
    table = await store.submit("rows")
    await store.submit(table)
    await store.submit(rows=[table])
    return int(table.num_rows)  # type: ignore[attr-defined]


def test_a_large_result_is_handed_on_by_its_name_and_not_written_again() -> None:
    table = pa.table({"delay": list(range(5000))})
    run = FakeRuntime(handing_on).begin()
    run.end("handing_on/store[0]", table)
    (request,) = [r for r in run.of(StepRequested) if r.occurrence == 1]
    assert request.payload is not None
    assert request.payload.inline is not None
    _, kwargs = stored.opened(request.payload, BLOBS)
    assert kwargs["rows"].equals(table)
    run.end("handing_on/store[1]", "")
    # Within something else it is written: a step could not tell it from the body's own.
    (request,) = [r for r in run.of(StepRequested) if r.occurrence == 2]
    assert request.payload is not None
    assert request.payload.size_bytes > 5000
    run.restart()
    run.end("handing_on/store[2]", "")
    assert run.result == 5000
