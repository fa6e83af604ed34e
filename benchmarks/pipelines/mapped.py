"""A mapped task of many indexes that do nothing."""

import json
import time
from pathlib import Path

from toque import each, pipeline, task


@task
def begin(count: int) -> list[int]:
    """What to map over; its end is where the clock starts."""
    xs = list(range(count))
    Path("begin.json").write_text(json.dumps(time.time_ns()))
    return xs


@task
def same(x: int) -> int:
    """One of very many."""
    return x


@task
def finish() -> None:
    """The clock stops."""
    Path("end.json").write_text(json.dumps(time.time_ns()))


@pipeline
def mapped(count: int = 100_000) -> None:
    """Map, then say that it is over."""
    done = same.map(each(begin(count)))
    finish.after(done)()
