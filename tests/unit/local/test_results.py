"""What `.run()` gives back: states, results and errors by task, whatever the shape of the pipeline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toque import DataError, Skip, each, failures, group, ok, one_of, pipeline, task, when
from toque.errors import UserError
from toque.local import RunFailed


@task
def make(n: int) -> list[int]:
    return list(range(n))


@task
def half(x: int) -> float:
    if x == 3:
        raise DataError("three is odd", sample=[{"x": 3}])
    if x == 5:
        raise Skip("five is out")
    return x / 2


@task
def add(xs: list[float]) -> float:
    return sum(xs)


@task
def describe(good: list[float], bad: list[Any]) -> str:
    return f"{len(good)} good, {len(bad)} bad: {bad[0].message}"


@task
def is_big(total: float) -> bool:
    return total > 10


@task
def shout(total: float) -> str:
    return f"BIG {total}"


@task
def whisper(total: float) -> str:
    return f"small {total}"


@group
def halves(n: int) -> list[float]:
    return half.map(each(make(n)))


@pipeline
def sums(n: int = 3) -> str:
    total = add(half.map(each(make(n))))
    with when(is_big(total)) as big:
        loud = shout(total)
    with big.otherwise():
        quiet = whisper(total)
    return one_of(loud, quiet)


@pipeline
def tolerant(n: int = 6) -> str:
    parts = half.options(tolerate=1).map(each(make(n)))
    return describe(ok(parts), failures(parts))


@pipeline
def shapes(n: int = 2) -> dict[str, Any]:
    return {"first": make(n)[0], "pair": (make.options(name="again")(n), n)}


@pipeline
def nested(n: int = 2) -> list[list[float]]:
    return halves.map(each(make.options(name="outer")(n)))


def test_a_result_is_what_the_pipeline_returned() -> None:
    run = sums.run(n=3)
    assert run.result == "small 1.5"
    assert run.state == "succeeded"
    assert run[is_big].result is False
    assert run["shout"].state == "skipped"
    assert run[whisper].result == "small 1.5"


def test_a_mapped_task_is_seen_by_index() -> None:
    run = sums.run(n=3)
    assert run[half].result == [0.0, 0.5, 1.0]
    assert [each_run.state for each_run in run["half"]] == ["succeeded"] * 3
    assert run["half"][2].result == 1.0
    assert run["half"][2].map_index == (2,)


def test_results_keep_the_shape_of_the_literals_around_them() -> None:
    assert shapes.run(n=2).result == {"first": 0, "pair": ([0, 1], 2)}


def test_a_mapped_group_returns_a_list_for_each_index() -> None:
    assert nested.run(n=3).result == [[], [0.0], [0.0, 0.5]]


def test_a_failure_names_the_task_run_and_the_error() -> None:
    with pytest.raises(RunFailed, match=r"half\[3\]: .*DataError: three is odd") as raised:
        sums.run(n=4)
    run = raised.value.run
    assert run.state == "failed"
    assert [failed.name for failed in run.failed] == ["half[3]"]
    assert run["half"][3].error.sample == [{"x": 3}]
    assert run["add"].state == "upstream_failed"
    with pytest.raises(LookupError, match="add has no result"):
        _ = run["add"].result


def test_tolerated_failures_are_holes_and_the_run_succeeds() -> None:
    run = tolerant.run(n=6)
    assert run.result == "4 good, 1 bad: three is odd"
    assert run["half"][5].state == "skipped"


def test_an_unknown_task_names_those_that_there_are() -> None:
    with pytest.raises(KeyError, match=r"no task run of 'nope'.*add.*half"):
        _ = sums.run(n=2)["nope"]


def test_a_parameter_of_the_wrong_type_is_refused_before_anything_runs() -> None:
    with pytest.raises(UserError, match="n"):
        sums.run(n="many")  # type: ignore[arg-type]


async def test_a_run_works_under_a_running_loop_as_in_a_notebook() -> None:
    await asyncio.sleep(0)
    assert sums.run(n=2).result == "small 0.5"
