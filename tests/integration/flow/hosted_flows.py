"""Flows that tests run in flow hosts. The tasks exist by name only: what ends their steps is the test."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from toque import NotYet, Skip, StepSkipped, context, flow, progress, task


@task
def fetch(page: Any) -> int:
    return int(page) * 10


@task
def work(value: int, marker: str = "") -> int:
    """Leaves a line for each time that it really ran."""
    if marker:
        with open(marker, "a") as file:
            file.write(f"{value}\n")
    return value + 1


@task
def fail(value: int) -> int:
    raise ValueError(f"no {value}")


@flow
async def two_steps() -> list[int]:
    print("begun")
    return [await fetch.submit(1), await fetch.submit(2), os.getpid()]


@flow
def two_steps_sync() -> list[int]:
    print("begun")
    return [fetch(1), fetch(2), os.getpid()]


@flow
async def tidy(marker: str) -> None:
    try:
        await fetch.submit(1)
    finally:
        Path(marker).write_text("finally")


@flow
async def stubborn() -> None:
    while True:
        try:
            await fetch.submit(1)
        except asyncio.CancelledError:
            pass


@flow
async def busy() -> None:
    await fetch.submit(1)
    progress(1)
    while True:
        time.sleep(0.01)  # noqa: ASYNC251  # blocking the loop is the point


@flow
def busy_sync() -> None:
    fetch(1)
    progress(1)
    while True:
        time.sleep(0.01)


@flow
async def crashing() -> None:
    await fetch.submit(1)
    os._exit(3)


@flow(timeout=0.2)
async def bounded() -> None:
    await fetch.submit(1)


@flow
async def napping(marker: str) -> str:
    try:
        await asyncio.sleep(3600)
    finally:
        Path(marker).write_text("finally")
    return "awake"


@flow
async def looping_over_a_set() -> list[str]:
    return list({"carrier", "month", "weather", "origin", "delay", "tail"})


@flow
async def journey(marker: str) -> list[Any]:
    """A bit of everything, for runs that are disturbed."""

    async def leg(start: int) -> int:
        one = await work.submit(start, marker=marker)
        await asyncio.sleep(0.02)
        return await work.submit(one, marker=marker)

    found: list[Any] = list(await asyncio.gather(leg(100), leg(200)))
    total = 0
    while total < 5:
        total = await work.submit(total, marker=marker)
    try:
        await fail.submit(total)
    except ValueError:
        found.append("caught")
    return [*found, total, journey_leg_names()]


def journey_leg_names() -> list[str]:
    return sorted({"a", "b"})


@flow
def journey_sync(marker: str) -> list[Any]:
    total = 0
    while total < 6:
        total = work(total, marker=marker)
    try:
        fail(total)
    except ValueError:
        return ["caught", total, *[step.result() for step in [work.submit(n, marker=marker) for n in (20, 30)]]]
    return []


@flow
async def failing() -> None:
    await fetch.submit(1)


@flow
def failing_sync() -> None:
    fetch(1)


@task
def slow(marker: str) -> None:
    Path(marker).write_text(str(os.getpid()))
    time.sleep(60)


@flow
async def hurried(marker: str) -> str:
    try:
        async with asyncio.timeout(0.3):
            await slow.submit(marker)
    except TimeoutError:
        return f"gave up, {await fetch.submit(1)}"
    return "patient"


@flow
async def stopped(marker: str, note: str) -> None:
    try:
        await slow.submit(marker)
    finally:
        Path(note).write_text("finally")


@flow
async def leaving(marker: str) -> None:
    slow.submit(marker)
    await fail.submit(3)


@task
def skipping() -> int:
    raise Skip("nothing new")


@task
def deferring() -> int:
    if context().deferrals < 2:
        raise NotYet(0.01)
    return context().deferrals


@task(retries=2, retry_delay=0)
def flaky() -> int:
    if context().attempt < 3:
        raise ConnectionError("again")
    return context().attempt


@flow
async def varied() -> list[Any]:
    found: list[Any] = [await deferring.submit(), await flaky.submit()]
    try:
        await skipping.submit()
    except StepSkipped as skipped:
        found.append(skipped.reason)
    return found
