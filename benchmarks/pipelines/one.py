"""A file with one task: what a newcomer runs first."""

from toque import pipeline, task


@task
def hello() -> str:
    """Nothing much."""
    return "hello"


@pipeline
def one() -> None:
    """One task."""
    hello()
