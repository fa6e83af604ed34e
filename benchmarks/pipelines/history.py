"""Pipelines as large as those of the history that `benchmarks.history` makes: wide, very wide, and mapped."""

from toque import each, group, pipeline, task

GROUPS = 11
MEMBERS = 40
LARGE = 10_000


@task
def extract(airport: str, year: int) -> int:
    """Where each of them begins."""
    return len(airport) + year


@task
def convert(x: int) -> int:
    """One of many."""
    return x + 1


@task
def load(xs: list[int]) -> int:
    """One for each group."""
    return sum(xs)


@task
def report(xs: list[int]) -> int:
    """Where they end."""
    return sum(xs)


@group
def stage(source: int) -> int:
    """Some beside each other, then one."""
    return load([convert.options(name=f"convert_{n}")(source) for n in range(MEMBERS - 1)])


def _wide(airport: str, year: int) -> None:
    source = extract(airport, year)
    report([stage.options(name=f"stage_{n:02}")(source) for n in range(GROUPS)])


@pipeline(owner="data-team", tags={"kind": "wide"})
def arrivals(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="data-team", tags={"kind": "wide"})
def bookings(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="data-team", tags={"kind": "wide"})
def crews(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="operations", tags={"kind": "wide"})
def delays(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="operations", tags={"kind": "wide"})
def fares(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="operations", tags={"kind": "wide"})
def gates(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(owner="operations", tags={"kind": "wide"})
def luggage(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(tags={"kind": "wide"})
def planes(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(tags={"kind": "wide"})
def seats(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline(tags={"kind": "wide"})
def weather(airport: str = "EWR", year: int = 2013) -> None:
    """Eleven groups of forty tasks."""
    _wide(airport, year)


@pipeline
def large(year: int = 2013) -> None:
    """One task, then ten thousand beside each other."""
    source = extract("EWR", year)
    for n in range(LARGE - 1):
        convert.options(name=f"convert_{n:04}")(source)


@task
def numbers(count: int) -> list[int]:
    """What to map over."""
    return list(range(count))


@task
def finish() -> None:
    """After all indexes."""


@pipeline
def mapped(count: int = 100_000) -> None:
    """One task a hundred thousand times."""
    finish.after(convert.map(each(numbers(count))))()
