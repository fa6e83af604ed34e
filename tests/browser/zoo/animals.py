"""Pipelines of every shape: what the pages are tried on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from toque import (
    Cron,
    Every,
    Pool,
    artifact,
    context,
    each,
    flow,
    group,
    metric,
    one_of,
    pipeline,
    progress,
    task,
    when,
)

log = logging.getLogger("zoo")


@task
def names(count: int) -> list[str]:
    """The animals of a cage."""
    return [f"animal-{number}" for number in range(count)]


@task
def feed(name: str) -> int:
    """Grams that one animal ate."""
    log.info("feeding %s", name)
    print("\x1b[32mchewing\x1b[0m")
    return 100 + len(name)


@task
def total(grams: Sequence[int]) -> int:
    """Grams that all ate."""
    whole = sum(grams)
    metric("grams", whole)
    artifact("menu", [{"animal": f"animal-{at}", "grams": each_of} for at, each_of in enumerate(grams)])
    return whole


@pipeline(
    owner="keepers",
    tags=["daily", "food"],
    schedule=[Cron("0 7 * * *", tz="Europe/Madrid", name="morning"), Every("6h", name="rounds")],
)
def feeding(count: int = 12):
    """Feeds all animals, one by one, and counts what they ate.

    A **mapped** task: one node, any number of animals.
    """
    total(feed.map(each(names(count))))


@task
def is_hungry(name: str) -> bool:
    """Whether it wants more."""
    return name.endswith("7")


@task
def second_helping(name: str) -> str:
    """More."""
    return f"{name} is full"


@task
def lull(name: str) -> str:
    """Sleep."""
    return f"{name} sleeps"


@task
def note(words: str) -> str:
    """What the keeper writes."""
    return words.upper()


@pipeline(owner="keepers", tags=["food"])
def helpings(name: str = "lion-7"):
    """One branch runs, the other is skipped."""
    with when(is_hungry(name)) as hungry:
        full = second_helping(name)
    with hungry.otherwise():
        asleep = lull(name)
    note(one_of(full, asleep))


@task
def sweep(cage: str) -> str:
    """Clean one cage."""
    return f"{cage} is clean"


@task(pool=Pool("cages"))
def inspect(cage: str) -> str:
    """Look at one cage; two at a time."""
    return f"{cage} was seen"


@group
def round_of(cage: str) -> str:
    """Sweep, then look."""
    return inspect(sweep(cage))


@pipeline(owner="wardens", tags=["daily"])
def rounds():
    """Groups, folded under one name."""
    note(round_of("aviary"))


@task
def weigh(name: str) -> float:
    """Fails for animals that left their cage."""
    raise LookupError(f"{name} is not in its cage")


@task
def chart(weight: float) -> str:
    """Never runs when weighing fails."""
    return f"{weight} kg"


@pipeline(owner="vets", tags=["health"], schedule=Cron("30 6 * * 1-5", name="visit"))
def checkup(name: str = "lynx"):
    """Fails: somebody must look at it."""
    chart(weigh(name))


@task
def wait_at(gate: str) -> str:
    """Blocks until somebody writes to the named pipe `gate`: a run goes on for as long as a test needs it."""
    progress(1, 2)
    return Path(gate).read_text() + context().run_id


@pipeline(owner="wardens")
def parade(gate: str = "/nowhere"):
    """Goes on until a test lets it end."""
    note(wait_at(gate))


@pipeline(owner="wardens", schedule=Cron("0 3 1 1 *", tz="Europe/Madrid", name="new-year"))
def fireworks(gate: str = "gate-of-fireworks"):
    """Keeps the animals awake until somebody writes to its named pipe."""
    note(wait_at(gate))


@flow(owner="vets")
async def walk(steps: int = 3):
    """A graph that unfolds while it runs."""
    for step in range(steps):
        await note.submit(f"step {step}")
