"""The pipelines that are disturbed. Each body leaves lines in a journal; what they say is judged afterwards.

A body that uses a pool also takes a file lock for each slot: the kernel frees it at the very moment of death, so that
a limit that is exceeded for an instant is seen, and a killed body is never taken for a living one.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toque import NotYet, Pool, Retry, Skip, context, each, flow, ok, one_of, pipeline, setup, shell, task, when

SLOTS = {"oven": 2, "knife": 1}


def write(event: str, **details: Any) -> None:
    """One line of the journal; `O_APPEND` keeps lines of many processes whole."""
    now = context()
    line = {
        "event": event,
        "run": now.run_id,
        "task": now.task,
        "index": list(now.map_index),
        "attempt": now.attempt,
        "key": now.idempotency_key,
        "deferrals": now.deferrals,
        "pid": os.getpid(),
        "at_us": time.time_ns() // 1000,
        **details,
    }
    descriptor = os.open(os.environ["TOQUE_CHAOS_JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)


@contextmanager
def holding(pool: str, slots: int) -> Iterator[None]:
    """Take as many of the pool's locks; whoever finds them taken has proved that its limit was exceeded."""
    folder = Path(os.environ["TOQUE_CHAOS_JOURNAL"]).parent / "slots"
    folder.mkdir(exist_ok=True)
    held: list[int] = []
    try:
        for number in range(SLOTS[pool]):
            descriptor = os.open(folder / f"{pool}-{number}", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            held.append(descriptor)
            if len(held) == slots:
                break
        if len(held) < slots:
            write("exceeded", pool=pool, wanted=slots, found=len(held))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def cook(seconds: float, *, pool: str = "", slots: int = 1, fails_first: bool = False) -> None:
    """The body of every task: say so, take a while, perhaps fail at the first attempt, say so."""
    write("begin")
    if pool:
        with holding(pool, slots):
            time.sleep(seconds)
    else:
        time.sleep(seconds)
    if fails_first and context().attempt == 1:
        write("raise")
        raise RuntimeError("the first attempt always fails")
    write("end")


AGAIN = Retry(2, delay=0.05)


@task(retries=AGAIN)
def shop(size: int) -> list[int]:
    cook(0.02, fails_first=True)
    return list(range(size))


@task(retries=AGAIN)
def wash(item: int) -> int:
    cook(0.02, fails_first=item % 3 == 1)
    return item * 10


@task(pool="oven")
def bake(item: int) -> int:
    cook(0.05, pool="oven")
    return item + 1


@task(pool=Pool("oven", 2))
def roast(items: Sequence[int]) -> int:
    cook(0.06, pool="oven", slots=2)
    return sum(items)


@task(pool="knife", retries=AGAIN)
def carve(item: int) -> int:
    cook(0.03, pool="knife", fails_first=item == 2)
    return item * item


@task
async def season(item: int) -> int:
    write("begin")
    await asyncio.sleep(0.03)
    write("end")
    return item + 100


@task
def fragile(item: int) -> int:
    cook(0.01)
    if item == 1:
        raise ValueError("broken plate")
    return item


@task
def count(items: Sequence[object]) -> int:
    cook(0.01)
    return len(items)


@task
def is_enough(total: int) -> bool:
    cook(0.01)
    return total > 3


@task
def celebrate(total: int) -> str:
    cook(0.02)
    return f"enough: {total}"


@task
def console(total: int) -> str:
    cook(0.02)
    return f"too little: {total}"


@task
def lay(total: int) -> str:
    cook(0.02)
    return f"table for {total}"


@task(pool="knife")
def eat(table: str, guest: int) -> str:
    cook(0.03, pool="knife")
    return f"{guest} at {table}"


@task
def clear(table: str) -> str:
    cook(0.02)
    return f"cleared {table}"


@task
def oven_is_hot() -> str:
    write("begin")
    if context().deferrals < 2:
        write("raise")
        raise NotYet(0.15)
    write("end")
    return "hot"


@task
def dessert() -> str:
    cook(0.01)
    raise Skip("nobody is hungry")


@task
def burn() -> None:
    cook(0.01)
    raise ValueError("burnt")


@task(trigger_rule="all_done")
def sweep() -> str:
    cook(0.01)
    return "swept"


radio = shell("sleep 0.1; echo {song}", name="radio")


@task
def stir(leg: str, n: int) -> int:
    cook(0.015)
    return n + 1


@task(pool="oven")
def warm(n: int) -> int:
    cook(0.03, pool="oven")
    return n * 2


@flow
async def courses(guests: int) -> list[Any]:
    """`gather` of two legs with the same task names, a durable sleep, a loop, a step that fails and is caught."""

    async def leg(name: str, start: int) -> int:
        one = await stir.submit(name, start)
        await asyncio.sleep(0.1)
        return await stir.submit(name, one)

    found: list[Any] = list(await asyncio.gather(leg("left", 10), leg("right", 20)))
    total = 0
    while total < 3:
        total = await stir.submit("loop", total)
    try:
        await burn.submit()
    except Exception as error:  # whatever a failed step raises
        found.append(type(error).__name__)
    baked = await warm.submit.map(each(range(3)))
    return [*found, total, list(baked), guests]


@flow(max_active_runs=1)
def snack(size: int = 3) -> list[int]:
    """A sync flow; only one at a time, the others queue."""
    total, seen = 0, []
    while total < size:
        total = stir("snack", total)
        seen.append(warm(total))
    return seen


@pipeline
def dinner(size: int = 6) -> dict[str, Any]:
    """Maps, retries, branches, pools, setup and teardown, deferral, a shell, a flow."""
    items = shop(size)
    washed = wash.map(each(items))
    baked = bake.map(each(washed))
    carved = carve.map(each(range(4)))
    seasoned = season.map(each(items))
    plates = fragile.options(tolerate=1).map(each(range(3)))
    whole = count.options(name="plates")(ok(plates))
    total = count.options(name="seasonings")(seasoned)
    with when(is_enough(total)) as enough:
        good = celebrate(total)
    with enough.otherwise():
        bad = console(total)
    word = one_of(good, bad)
    with setup(lay(total), teardown=clear) as table:
        fed = eat.map(table, each(range(2)))
    roasted = roast(baked)
    music = radio(song="la")
    hot = oven_is_hot()
    sweep.after(dessert(), whole)()
    return {
        "roasted": roasted,
        "carved": count.options(name="carvings")(carved),
        "word": word,
        "fed": count.options(name="guests")(fed),
        "hot": hot,
        "music": music,
        "courses": courses(total),
    }
