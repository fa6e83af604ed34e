"""The same tasks that do nothing twice: alone, and with one among them that blocks its process for a second."""

import ctypes
import json
import time
from collections.abc import Sequence
from pathlib import Path

from toque import each, pipeline, task

ROUNDS = 3
TASKS = 200
BLOCKED_AT = (0, 50, 137)
"""Index of the task that blocks, by round."""

_HOLDING_THE_GIL = ctypes.PyDLL(None)


@task
def indexes(blocked: int) -> list[tuple[int, bool]]:
    """The tasks, and which of them blocks; none at -1."""
    return [(index, index == blocked) for index in range(TASKS)]


@task
def begin() -> int:
    """Where the clock starts."""
    return time.time_ns()


@task
def work(item: tuple[int, bool], begun_ns: int) -> tuple[int, float]:
    """Index and milliseconds since the begin; the one that blocks lets no other thread of its process run."""
    index, blocks = item
    started_ms = (time.time_ns() - begun_ns) / 1e6
    if blocks:
        _HOLDING_THE_GIL.usleep(1_000_000)
    return index, started_ms


@task
def save(rounds: list[tuple[Sequence[tuple[int, float]], Sequence[tuple[int, float]]]]) -> None:
    """For each round the start of each index, calm and with the one that blocks."""
    Path("rounds.json").write_text(json.dumps([[list(calm), list(mixed)] for calm, mixed in rounds]))


@pipeline
def blocking() -> None:
    """A calm stage and a mixed one in turns, the first calm one twice, to warm up."""
    before = _stage("warm_up", -1, None)
    rounds = []
    for number, blocked in enumerate(BLOCKED_AT[:ROUNDS]):
        calm = _stage(f"calm_{number}", -1, before)
        mixed = _stage(f"mixed_{number}", blocked, calm)
        rounds.append((calm, mixed))
        before = mixed
    save(rounds)


def _stage(name: str, blocked: int, before: object) -> list[tuple[int, float]]:
    items = indexes.options(name=f"{name}_indexes")
    items = items.after(before) if before is not None else items
    over = items(blocked)
    start = begin.options(name=f"{name}_begin").after(over)()
    return work.options(name=name).map(each(over), start)
