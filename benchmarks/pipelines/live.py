"""A run of 10,000 tasks that lasts while pages are looked at: as many a second as the slots of a pool let through."""

import asyncio

from toque import Cron, pipeline, task

TASKS = 10_000
LINES = 20_000
SLOTS = 20
WAIT_S = 0.2


@task
def speak(lines: int) -> int:
    """A log to scroll through."""
    for n in range(lines):
        print(f"{n:05} read part-{n % 97:02}.parquet: {n * 7919 % 100_003:,} rows")
    return lines


@task(pool="beat")
async def beat(lines: int) -> int:
    """One of many, each of its own name: nothing folds them into one."""
    await asyncio.sleep(WAIT_S)
    return lines


@pipeline(schedule=Cron("0 0 1 1 *", tz="Europe/Madrid", catchup="skip"))
def live(lines: int = LINES) -> None:
    """One task, then the others beside each other: 20 slots of 200 ms are 100 task runs a second."""
    said = speak(lines)
    for n in range(TASKS - 1):
        beat.options(name=f"beat_{n:04}")(said)
