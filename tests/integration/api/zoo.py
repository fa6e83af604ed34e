"""A project with one of everything that the API shows."""

from __future__ import annotations

PIPELINES = '''
"""One of everything."""

import os
from toque import Cron, Static, Upsert, Warehouse, artifact, asset, each, flow, metric, pipeline, progress, sync, task
from toque.ports.destinations import Result


@task
def numbers(n: int) -> list[int]:
    print("counting")
    metric("count", n)
    progress(n, n)
    artifact("notes", "# Notes", kind="markdown")
    artifact("pixel", bytes.fromhex("89504e470d0a1a0a0000000d49484452"))
    artifact("rows", [{"a": 1}, {"a": 2}])
    return list(range(n))


@task
def square(x: int) -> dict[str, int]:
    return {"x": x, "square": x * x}


@task
def total(rows: list[dict[str, int]]) -> int:
    return sum(row["square"] for row in rows)


@pipeline(tags=["zoo"], owner="ada", schedule=Cron("0 7 * * *", tz="Europe/Madrid"))
def squares(n: int = 3) -> int:
    """Squares of numbers.

    The second paragraph."""
    return total(square.map(each(numbers(n))))


@task
def breaks(word: str) -> str:
    try:
        int(word)
    except ValueError as error:
        raise RuntimeError(f"no number: {word}") from error
    return word


@task
def after(word: str) -> str:
    return word


@pipeline
def fragile(word: str = "x") -> str:
    return after(breaks(word))


@task(pool="scarce")
def waits() -> int:
    open(os.environ["GATES"] + "/gate").read()
    return 1


@task
def then(x: int) -> int:
    return x + 1


@pipeline
def gated() -> int:
    """Stands before a gate."""
    return then(waits())


@pipeline(max_active_runs=1)
def one_at_a_time() -> int:
    return then(waits())


@flow
async def unfolds(n: int = 2) -> int:
    found = 0
    for number in range(n):
        found += (await square.submit(number))["square"]
    return found


class Thing:
    pass


@task
def things() -> list[Thing]:
    return [Thing() for _ in range(3)]


@task
def large() -> list[dict[str, str]]:
    return [{"text": "x" * 100, "n": str(number)} for number in range(500)]


@asset(group="marts", partitions=Static(["eu", "us"]))
def revenue() -> int:
    """Revenue of a region."""
    return 7


@asset(group="marts")
def whole(revenue: dict[str, int]) -> int:
    return 8


@asset(key="raw.clicks")
def clicks() -> list[int]:
    return [1, 2]


web = pipeline("web", assets=[clicks])


class Post:
    name = "post"
    batch_size = 10

    def send(self, operation, records):
        return [Result(accepted=True) for record in records]


post, barn = Post(), Warehouse("barn")
letters = sync(barn.table("letters"), into=post, mode=Upsert("id"), fields={"id": "id"})
mailing = pipeline("mailing", assets=[letters])


@pipeline
def values() -> list[dict[str, str]]:
    things()
    return large()
'''
SETTINGS = """
[pools]
scarce = 1

[connections.barn]
type = "duckdb"
path = "barn.duckdb"
"""
BROKEN = "from toque import task\n\nthis is no Python\n"
