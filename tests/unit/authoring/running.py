"""Pipelines whose runs show what a form means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from toque.authoring.branches import branch, one_of, when
from toque.authoring.flows import flow
from toque.authoring.groups import group
from toque.authoring.holes import each, failures, ok, outcome, outcomes
from toque.authoring.pipelines import pipeline
from toque.authoring.setups import setup
from toque.authoring.shells import shell
from toque.authoring.supplies import use
from toque.authoring.tasks import task
from toque.worker.context import Interval, context
from toque.worker.control import Skip
from toque.worker.outcomes import Failure, Ok, RunReport, Skipped

seen: list[Any] = []


@task
def note(value: Any) -> Any:
    seen.append(value)
    return value


@task
def fail(value: int = 0) -> int:
    raise ValueError(f"no {value}")


@task
def skip() -> int:
    raise Skip("nothing to do")


@task
def double(x: int) -> int:
    return 2 * x


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def total(parts: Sequence[int]) -> int:
    return sum(parts)


@task
def nested_total(parts: list[Sequence[int]]) -> int:
    return sum(sum(part) for part in parts)


@task
def is_big(x: int) -> bool:
    return x > 3


@task
def kind(x: int) -> Literal["small", "big", "huge"]:
    return "small" if x < 3 else "big" if x < 10 else "huge"


@task
def odd_only(x: int) -> int:
    if x % 2 == 0:
        raise ValueError(f"{x} is even")
    return x


@task
def pair(x: int) -> tuple[int, dict[str, int]]:
    return x, {"double": 2 * x}


@task
def describe(how: Ok[int] | Failure | Skipped) -> str:
    return type(how).__name__


@task
def describe_all(how: list[Ok[int] | Failure | Skipped]) -> list[str]:
    return [type(one).__name__ for one in how]


@task
def count(of: list[Failure]) -> list[int | None]:
    return [failure.index for failure in of]


@task
def tell(report: RunReport) -> None:
    seen.append((report.state, [failed.task for failed in report.failed]))


@task
def about(window: Interval = use(Interval)) -> tuple[str, bool]:
    return context().task, window.start <= window.end


@group
def doubled(n: int) -> list[int]:
    return double.map(each(numbers(n)))


@group
def second_of(x: int) -> int:
    _, rest = pair(x)
    return rest["double"]


@group
def big_or_not(x: int) -> int:
    with when(is_big(x)) as big:
        a = double(x)
    with big.otherwise():
        b = add(x, 100)
    return one_of(a, b)


@pipeline
def choosing(x: int) -> Any:
    way = branch(kind(x))
    with way.case("small"):
        a = note("small")
    with way.case("big"):
        b = note.options(name="note_big")("big")
    with way.otherwise():
        c = note.options(name="note_else")("else")
    return one_of(a, b, c)


@pipeline
def mapping(n: int) -> int:
    return total(double.map(each(numbers(n))))


@pipeline
def nesting(n: int) -> int:
    return nested_total(doubled.map(each(numbers(n))))


@pipeline
def chaining() -> int:
    return total(double.map(each(add.map(each([1, 2, 3]), y=10))))


@pipeline
def crossing() -> list[int]:
    return add.product(each([1, 2]), each([10, 20]))


@pipeline
def parts() -> list[int]:
    return second_of.map(each([1, 2]))


@pipeline
def branching_in_a_map() -> list[int]:
    return big_or_not.map(each([1, 5]))


@pipeline
def literals() -> list[int]:
    return double.map(each([add(1, 2), 10]))


@pipeline
def items_of_items(lists: list[list[int]]) -> list[int]:
    @group
    def one(items: list[int]) -> int:
        return total(double.map(each(items)))

    return one.map(each(lists))


@pipeline
def tolerating(tolerate: int = 3) -> dict[str, Any]:
    found = odd_only.options(tolerate=3).map(each(range(5)))
    return {"ok": total(ok(found)), "bad": count(failures(found)), "all": describe_all(outcomes(found))}


@pipeline
def too_many() -> int:
    return total(ok(odd_only.options(tolerate=1).map(each(range(5)))))


@pipeline
def outcome_of_each_kind() -> list[str]:
    return [
        describe(outcome(double(1))),
        describe.options(name="of_failed")(outcome(fail())),
        describe.options(name="of_skipped")(outcome(skip())),
    ]


@pipeline
def torn_down(fails: bool) -> None:
    with setup(double(4), teardown=note) as cluster:
        with when(fails) as broken:
            fail(cluster)
        with broken.otherwise():
            add(cluster, 1)


@pipeline(on_failure=tell, on_success=tell.options(name="tell_success"))
def hooked(fails: bool) -> None:
    with when(fails):
        fail()


@pipeline
def grouped() -> int:
    waited = note("first")
    values = doubled.after(waited)(4)
    return total(values)


@pipeline
def of_pipelines() -> int:
    return add(mapping(3), mapping.options(name="again")(4))


@pipeline
def commands(text: str) -> str:
    return shell("echo {text} | tr a-z A-Z", name="upper")(text=text)


@pipeline
def in_context() -> tuple[str, bool]:
    return about()


@pipeline
def empty() -> int:
    return total(double.map(each(numbers(0))))


@flow
def deciding(n: int) -> int:
    found = 0
    for i in range(n):
        if is_big(i):
            found += double(i)
    try:
        fail(n)
    except ValueError:
        found += 100
    return found


@flow
async def fanning(n: int) -> int:
    values = await double.submit.map(each(range(n)))
    return await total.submit(values)


@flow
async def outer(n: int) -> int:
    return await fanning.submit(n) + await add.submit(1, 2)


@pipeline
def with_a_flow(n: int) -> int:
    return double(fanning(n))
