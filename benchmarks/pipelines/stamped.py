"""One task that says when its first line ran."""

from __future__ import annotations

import time

from toque import pipeline, task


@task
def stamp(n: int) -> int:
    return time.time_ns() // 1000 + 0 * n


@pipeline
def stamped(n: int = 1) -> int:
    return stamp(n)
