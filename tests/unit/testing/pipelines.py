"""Pipelines for the tests of testing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toque.authoring.flows import flow
from toque.authoring.holes import each
from toque.authoring.options import Retry
from toque.authoring.pipelines import pipeline
from toque.authoring.supplies import Secret, resource, use
from toque.authoring.tasks import task
from toque.worker.context import Interval, context
from toque.worker.control import NotYet

numbers = itertools.count()


@resource
def shop() -> Iterator[str]:
    yield "the real shop"


@task
def extract(table: str) -> str:
    return f"the real {table}"


@task
async def fetch(url: str) -> str:
    return f"the real {url}"


@task
def ask(api: str = use(shop), token: str = use(Secret("token")), window: Interval = use(Interval)) -> str:
    return f"{api} {token} {window.end:%Y}"


@task(retries=Retry(3, delay="1h", backoff=2))
def flaky() -> int:
    if context().attempt < 3:
        raise ValueError("not today")
    return context().attempt


@task(retries=2, retry_delay="10m")
def steady() -> str:
    return "the real thing"


@task
def patient() -> int:
    if context().deferrals < 3:
        raise NotYet("10h")
    return context().deferrals


@task
def double(x: int) -> int:
    return 2 * x


@pipeline
def etl(table: str = "orders") -> str:
    return extract(table)


@pipeline
def async_etl() -> str:
    return fetch("u")


@pipeline
def two() -> list[str]:
    return [extract("a"), extract.options(name="second")("b")]


@pipeline
def asking() -> str:
    return ask()


@pipeline
def retrying() -> int:
    return flaky()


@pipeline
def steadily() -> str:
    return steady()


@pipeline
def waiting() -> int:
    return patient()


@pipeline
def many() -> list[int]:
    return double.map(each(range(5)))


@flow
def summing(n: int) -> int:
    return sum(double(i) for i in range(n))


@flow
async def mapping(n: int) -> list[int]:
    return await double.submit.map(each(range(n)))


@flow
def clocked(n: int) -> str:
    double(n)
    return extract(str(datetime.now(UTC)))


@flow
def moody(n: int) -> int:
    return double(n) if next(numbers) % 2 else summing(n)


@flow
def failing(n: int) -> int:
    return double(n) // 0


# -- tasks that write


@task
def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@task
def overwrite(path: Path, text: str) -> int:
    path.write_text(text)
    return len(text)


@task
def new_file(directory: Path) -> None:
    (directory / f"{len(list(directory.iterdir()))}.txt").write_text("x")


@task
def keyed(directory: Path) -> None:
    (directory / context().idempotency_key.replace("/", "_")).write_text("x")


@task
def numbered() -> int:
    return next(numbers)


@task
def mutating(rows: list[int]) -> int:
    rows.append(1)
    return len(rows)


@task
def insert(con: Any, row: int) -> None:
    con.execute("INSERT INTO orders VALUES (?, 'x')", [row])


@task
def replace_rows(con: Any, row: int) -> None:
    con.execute("DELETE FROM orders")
    con.execute("INSERT INTO orders VALUES (?, 'x'), (?, 'y')", [row, row + 1])


@task
def save(path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER)")
        con.execute("INSERT INTO orders VALUES (1)")


@task
async def async_overwrite(path: Path) -> str:
    path.write_text("x")
    return "x"


@task
def table_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "at": next(numbers)} for row in rows]
