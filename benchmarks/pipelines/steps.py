"""A flow of steps that do nothing, each a durable step of its run; the first hundred warm up."""

import json
import time
from pathlib import Path

from toque import flow, task

WARM_UP = 100
LENGTH = 300


@task
def step(_before: int) -> int:
    """When it ran."""
    return time.time_ns()


@task
def save(stamps: list[int]) -> None:
    """Leave the time stamps."""
    Path("stamps.json").write_text(json.dumps(stamps))


@flow
def steps() -> None:
    """One step after the other."""
    stamps = [step(0)]
    for _ in range(WARM_UP + LENGTH - 1):
        stamps.append(step(stamps[-1]))
    save(stamps[WARM_UP:])
