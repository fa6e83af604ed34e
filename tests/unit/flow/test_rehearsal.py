"""The rehearsal finds what would only show after a crash in production."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from typing import Any

import pytest

from tests.unit.flow.fake_runtime import BLOBS, START_US, decoded
from toque.authoring.flows import Flow, flow
from toque.authoring.holes import each
from toque.authoring.tasks import task
from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.engine.values import Token
from toque.executors.flow.rehearsal import rehearse
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec
from toque.worker.attempt import EndReport
from toque.worker.control import NotYet, Skip
from toque.worker.environment import Environment
from toque.worker.flow_context import now, uuid
from toque.worker.flow_errors import FlowDiverged, StepSkipped

counter = itertools.count()


def no_settings() -> Any:
    raise AssertionError("no settings in these tests")


def rehearsed(flow: Flow[..., Any], **parameters: Any) -> EndReport:
    (node,) = flow.ir.nodes
    assert isinstance(node, TaskNode)
    spec = AttemptSpec(
        run_id="rehearsal",
        task=node.id,
        attempt=1,
        token=Token(0, 0),
        node=node,
        parameters=flow.validate(parameters),
        created_us=START_US,
    )
    return rehearse(spec, Environment(lambda: BLOBS, no_settings, lambda signal: None))


def result_of(flow: Flow[..., Any], **parameters: Any) -> Any:
    report = rehearsed(flow, **parameters)
    assert isinstance(report, AttemptSucceeded), report
    return decoded(report.result)


@task
def double(x: int) -> int:
    return 2 * x


@task
async def halve(x: float) -> float:
    return x / 2


@task
def store(at: Any) -> None:
    return None


@task(retries=1)
def flaky() -> str:
    from toque.worker.context import context

    if context().attempt == 1:
        raise ConnectionError("first")
    return "second"


@task
def broken() -> None:
    raise KeyError("x")


@task
def skipping() -> None:
    raise Skip("nothing")


@task
def polled() -> int:
    from toque.worker.context import context

    if context().deferrals < 3:
        raise NotYet("1h", handle=context().deferrals)
    return int(context().handle)


@flow
async def sound(n: int) -> list[Any]:
    one = await double.submit(n)
    both = await asyncio.gather(halve.submit(one), double.submit(one))
    parts = await double.submit.map(each([1, 2]))
    begun = now()
    await asyncio.sleep(3600)
    try:
        await broken.submit()
    except KeyError:
        both.append(await flaky.submit())
    try:
        await skipping.submit()
    except StepSkipped as skipped:
        both.append(skipped.reason)
    await store.submit(uuid())
    return [*both, *parts, (now() - begun).total_seconds() > 3600, await polled.submit()]


@flow
def sound_sync(n: int) -> list[int]:
    found = [double(n)]
    while found[-1] < 20:
        found.append(double(found[-1]))
    return found + double.map(each(found))


def test_a_flow_that_repeats_itself_is_rehearsed_to_its_result() -> None:
    assert result_of(sound, n=3) == [3.0, 12, "second", "nothing", 2, 4, True, 2]


def test_a_sync_flow_too() -> None:
    assert result_of(sound_sync, n=3) == [6, 12, 24, 12, 24, 48]


@flow
async def timing_out() -> str:
    try:
        async with asyncio.timeout(10):
            await asyncio.sleep(3600)
    except TimeoutError:
        return "timeout"
    return "slept"


def test_sleeps_end_in_the_order_of_their_length_and_take_no_time() -> None:
    assert result_of(timing_out) == "timeout"


@flow
async def failing() -> None:
    await broken.submit()


def test_a_flow_that_fails_each_time_is_a_failure_and_no_divergence() -> None:
    report = rehearsed(failing)
    assert isinstance(report, AttemptFailed)
    assert report.error.type == "KeyError"


@flow
async def reading_the_clock() -> None:
    await double.submit(1)
    await store.submit(time.time_ns())


@flow
async def drawing() -> None:
    if random.random() < 2:
        await double.submit(int(random.random() * 10**15))


@flow
async def counting() -> None:
    await double.submit(1)
    if next(counter) % 2:
        await store.submit(at="odd")
    else:
        await halve.submit(1)


@flow
def counting_sync() -> None:
    double(1)
    store(next(counter))


@flow
async def returning_the_clock() -> int:
    await double.submit(1)
    return time.time_ns()


@pytest.mark.parametrize(
    ("culprit", "said"),
    [
        (reading_the_clock, r"reading_the_clock/store\[0\]: at was \d+ the first time and \d+ in the replay"),
        (drawing, r"drawing/double\[0\]: x was \d+ the first time .*before any step had ended"),
        (counting, r"counting/\w+\[0\]: it was asked for in the replay only .after counting/double\[0\] had ended"),
        (counting_sync, r"counting_sync/store\[0\]: at was"),
        (returning_the_clock, "with another result, in the replay"),
    ],
)
def test_what_does_not_repeat_itself_is_named(culprit: Flow[..., Any], said: str) -> None:
    with pytest.raises(FlowDiverged, match=said):
        rehearsed(culprit)
