"""Tasks for the tests of tracing. They stand at the top level of a module, as a worker needs it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from toque.authoring.flows import flow
from toque.authoring.groups import group
from toque.authoring.holes import each
from toque.authoring.options import Cache, Pool, Retry
from toque.authoring.pipelines import pipeline
from toque.authoring.supplies import Connection, Secret, Variable, resource, use
from toque.authoring.tasks import task
from toque.worker.context import Interval
from toque.worker.outcomes import Failure, RunReport


class Size(enum.Enum):
    SMALL = "small"
    BIG = "big"


@dataclass
class Page:
    title: str
    links: list[str]


class Shop(Connection):
    url: str
    token: str = ""


shop = Shop("shop")


@resource
def client(settings: Shop = use(shop)) -> Iterator[str]:
    yield settings.url


@task
def extract(table: str) -> str:
    """Take a table."""
    return table


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def double(x: int) -> int:
    return 2 * x


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def total(parts: list[int]) -> int:
    return sum(parts)


@task
def grand_total(parts: list[list[int]]) -> int:
    return sum(sum(part) for part in parts)


@task
def is_big(x: int) -> bool:
    return x > 3


@task
def kind(x: int) -> Literal["small", "big"]:
    return "big" if x > 3 else "small"


@task
def size(x: int) -> Size:
    return Size.BIG if x > 3 else Size.SMALL


@task
def fetch_page(url: str) -> Page:
    return Page(url, [])


@task
def pair(x: int) -> tuple[int, str]:
    return x, str(x)


@task
def drop(x: int) -> None: ...


@task
def worst(parts: list[int], bad: list[Failure]) -> int:
    return max(parts)


@task
def report(run: RunReport) -> None: ...


@task(
    retries=Retry(3, delay="5m", backoff=2, cap="1h", jitter=True, on=(TimeoutError, "transient")),
    timeout="10m",
    deadline="2h",
    pool=["api", Pool("db", 2)],
    priority=5,
    concurrency_key="{table}",
    cache=Cache(expires="1d"),
    memory_limit="512MB",
    owner="data",
    tags=["raw"],
)
def everything(table: str) -> str:
    """Has all options."""
    return table


@task
def supplied(
    day: str,
    api: str = use(client),
    window: Interval = use(Interval),
    token: str = use(Secret("token")),
    limit: int = use(Variable("limit", int)),
) -> str:
    return day


@task
async def fetch(url: str) -> str:
    return url


@group
def doubled(count: int) -> list[int]:
    """All of them, twice as large."""
    return double.map(each(numbers(count)))


@group
def nothing(count: int) -> None:
    drop(count)


@group
def decided(count: int) -> int:
    from toque.authoring.branches import when

    n = double(count)
    with when(is_big(n)):
        drop(n)
    return n


@pipeline
def inner(count: int = 2) -> int:
    return total(doubled(count))


@flow
def sync_flow(n: int) -> int:
    return sum(double(i) for i in range(n))


@flow
async def async_flow(n: int) -> list[int]:
    return await double.submit.map(each(range(n)))
