"""A steady flow of facts: async tasks that wait their turn, as many a second as the slots of a pool let through."""

import asyncio

from toque import each, pipeline, task

SLOTS = 20
WAIT_S = 0.118


@task
def begin(count: int) -> list[int]:
    """What to map over."""
    return list(range(count))


@task(pool="beat")
async def beat(x: int) -> int:
    """Three facts: dispatched, started, succeeded."""
    await asyncio.sleep(WAIT_S)
    return x


@pipeline
def streamed(count: int = 6_000) -> None:
    """20 slots of 120 ms each are 167 task runs a second."""
    beat.map(each(begin(count)))
