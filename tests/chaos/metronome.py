"""The pipelines whose ticks are disturbed: three schedules that coincide every second, and one that jitters."""

from __future__ import annotations

from toque import Every, pipeline, task


@task
def strike(n: int) -> int:
    return n


@pipeline(
    schedule=[
        Every("1s", name="one", parameters={"n": 1}, catchup="all", catchup_limit=1000),
        Every("1s", name="two", parameters={"n": 2}, catchup="all", catchup_limit=1000),
        Every("2s", name="late", parameters={"n": 3}, catchup="all", catchup_limit=1000, jitter="1s"),
    ]
)
def metronome(n: int = 0) -> int:
    """Nothing may be lost of it, and nothing struck twice."""
    return strike(n)
