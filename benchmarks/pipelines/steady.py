"""A long chain that leaves a time stamp for each task that began: something to kill."""

import os
import time

from toque import pipeline, task

LENGTH = 400
TASK_S = 0.02


@task
def tick(before: int) -> int:
    """Say when it began."""
    line = f"{time.time_ns()}\n".encode()
    log = os.open("ticks.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, line)
    os.close(log)
    time.sleep(TASK_S)
    return before + 1


@pipeline
def steady() -> None:
    """One tick after the other."""
    before = 0
    for position in range(LENGTH):
        before = tick.options(name=f"tick_{position}")(before)
