"""Chains of 100 tasks that do nothing; the first chain warms up."""

import json
import time
from pathlib import Path

from toque import pipeline, task

CHAINS = 4
LENGTH = 100


@task
def link(_before: int) -> int:
    """When it ran."""
    return time.time_ns()


@task
def save(chains: list[list[int]]) -> None:
    """Leave the time stamps, the chain that warmed up left out."""
    Path("stamps.json").write_text(json.dumps(chains[1:]))


@pipeline
def chain() -> None:
    """One chain after the other."""
    chains = []
    before = 0
    for number in range(CHAINS):
        stamps = []
        for position in range(LENGTH):
            before = link.options(name=f"link_{number}_{position}")(before)
            stamps.append(before)
        chains.append(stamps)
    save(chains)
