"""More shapes: nested maps, retries, an error with its cause, a long log, artifacts, a flow that gathers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from toque import Retry, artifact, context, each, flow, group, metric, pipeline, progress, task

log = logging.getLogger("reptiles")

# The smallest PNG there is: one red pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@task
def houses(count: int) -> list[str]:
    """The houses of the reptiles."""
    return [f"house-{number}" for number in range(count)]


@task
def tanks(house: str) -> list[str]:
    """The tanks of one house."""
    return [f"{house}/tank-{number}" for number in range(4)]


@task
def warm(tank: str) -> int:
    """Degrees in one tank."""
    return 20 + len(tank) % 7


@task
def mean(degrees: Sequence[int]) -> float:
    """The mean of one house."""
    return sum(degrees) / len(degrees)


@group
def heat(house: str) -> float:
    """One house: its tanks are known only when somebody has looked."""
    return mean(warm.map(each(tanks(house))))


@task
def hottest(means: Sequence[float]) -> float:
    """Of all houses."""
    return max(means)


@pipeline(owner="keepers", tags=["reptiles"])
def heating(count: int = 3):
    """Nested maps: houses, and the tanks of each."""
    hottest(heat.map(each(houses(count))))


@task(retries=Retry(2, delay="0s"))
def shy(until: int) -> str:
    """Comes out at the attempt that it is asked for."""
    attempt = context().attempt
    log.warning("attempt %s of a shy animal", attempt)
    if attempt < until:
        raise ConnectionError(f"nobody there at attempt {attempt}")
    return f"here at attempt {attempt}"


@task
def open_lid(tank: str) -> dict[str, int]:
    """Fails with a cause."""
    try:
        return {"eggs": {"terrarium": 3}[tank]}
    except KeyError as error:
        raise ValueError(f"there is no tank {tank!r}") from error


@task
def count_eggs(found: dict[str, int]) -> int:
    """Waits for a lid."""
    return found["eggs"]


@pipeline(owner="vets", tags=["reptiles"])
def hatching(tank: str = "aquarium", until: int = 3):
    """Retries on one side, a failure with its cause on the other."""
    shy(until)
    count_eggs(open_lid(tank))


@task
def chatter(lines: int) -> int:
    """Writes a long log, in colours and levels."""
    for number in range(lines):
        if number % 97 == 0:
            log.error("line %s: \x1b[1;31mthe snake is loose\x1b[0m", number)
        elif number % 13 == 0:
            log.warning("line %s: the door is open", number)
        else:
            print(f"line {number}: \x1b[32mhiss\x1b[0m \x1b[38;5;208morange\x1b[0m")
        if number % 1000 == 0:
            progress(number, lines)
    return lines


@task
def report() -> list[dict[str, object]]:
    """Leaves an artifact of each kind."""
    artifact(
        "notes",
        "# Last night\n\nAll **slept** but [one](https://example.org).\n\n| who | when |\n|---|---|\n| gecko | 3:00 |",
        kind="markdown",
    )
    artifact("rows", [{"who": f"gecko-{number}", "grams": number * 1.5} for number in range(240)])
    artifact("map", {"house": {"tanks": [1, 2, 3], "warm": True, "keeper": None}}, kind="json")
    artifact("picture", PIXEL, kind="image")
    for loss in (0.9, 0.5, 0.3, 0.25, 0.2):
        metric("loss", loss)
    return [{"gecko": number, "name": f"gecko-{number}"} for number in range(120)]


@pipeline(owner="keepers", tags=["reptiles"])
def night(lines: int = 300):
    """A long log, and things to look at."""
    chatter(lines)
    report()


@task
def egg(number: int) -> int:
    """One egg."""
    return number


@task
def hatch(number: int) -> int:
    """What came out of it."""
    return number + 1


@flow(owner="vets", tags=["reptiles"])
async def brood(eggs: int = 6):
    """Gathers steps: the graph unfolds while it runs."""
    laid = await asyncio.gather(*[egg.submit(number) for number in range(eggs)])
    return await asyncio.gather(*[hatch.submit(number) for number in laid])
