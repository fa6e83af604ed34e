"""A fan-out of tasks that do nothing, after a tenth of them that warms up; one task reads all results."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from toque import each, pipeline, task


@task
def numbers(count: int) -> list[int]:
    """What to fan out over."""
    return list(range(count))


@task
def begin(count: int) -> list[int]:
    """What to fan out over; its end is where the clock starts."""
    xs = list(range(count))
    Path("begin.json").write_text(json.dumps(time.time_ns()))
    return xs


@task
def same(x: int) -> int:
    """One of many."""
    return x


@task
def finish(results: Sequence[int], count: int) -> None:
    """Read all results; then the clock stops."""
    total = sum(results)
    Path("end.json").write_text(json.dumps(time.time_ns()))
    if total != count * (count - 1) // 2:
        raise ValueError(f"results of {count} tasks add up to {total}")


@pipeline
def fanout(count: int = 5000, warm_up: int = 500) -> None:
    """Warm up, then fan out."""
    warm = same.options(name="warm").map(each(numbers(warm_up)))
    results = same.map(each(begin.after(warm)(count)))
    finish(results, count)
