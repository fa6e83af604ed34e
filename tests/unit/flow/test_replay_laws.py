"""Laws of replay, over random programs, random orders of completion and kills at random moments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.flow.fake_runtime import FakeRuntime, failure
from toque.authoring.flows import flow
from toque.authoring.tasks import task
from toque.engine.inputs import Cancel, StepRequested
from toque.worker.flow_context import now, sleep_blocking

Program = Any
"""`["step", name]`, `["nap", s]`, `["seq" | "all" | "group" | "first" | "until", …]`, as JSON."""


@task
def ask(name: str, seen: str) -> str:
    raise AssertionError("steps run in workers")


async def perform(program: Program, seen: list[str]) -> None:
    """Notes in `seen` whatever the body can observe, in the order in which it does."""
    kind, *parts = program
    match kind:
        case "step":
            try:
                seen.append(await ask.submit(parts[0], seen[-1] if seen else ""))
            except ValueError as error:
                seen.append(str(error))
        case "nap":
            await asyncio.sleep(parts[0])
            seen.append(now().isoformat())
        case "seq":
            for part in parts:
                await perform(part, seen)
        case "all":
            await asyncio.gather(*(perform(part, seen) for part in parts))
        case "group":
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(perform(part, seen))
        case "first":
            branches = [asyncio.create_task(perform(part, seen)) for part in parts]
            done, pending = await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
            seen.append(f"first: {sorted(branches.index(branch) for branch in done)}")
            for branch in pending:
                branch.cancel()
            await asyncio.wait(branches)
        case "until":
            try:
                async with asyncio.timeout(parts[0]):
                    await perform(parts[1], seen)
            except TimeoutError:
                seen.append("too late")


@flow
async def performing(program: Any) -> list[str]:
    seen: list[str] = []
    await perform(program, seen)
    return seen


@flow
def performing_sync(program: Any) -> list[str]:
    """The same without branches: what is submitted together is looked at in turn."""
    seen: list[str] = []

    def perform_sync(program: Program) -> None:
        kind, *parts = program
        match kind:
            case "step":
                steps = [ask.submit(f"{parts[0]}{n}", seen[-1] if seen else "") for n in range(3)]
                for step in (steps[1], steps[0], steps[2]):
                    try:
                        seen.append(step.result())
                    except ValueError as error:
                        seen.append(str(error))
                    seen.append(str([other.done() for other in steps]))
            case "nap" | "until":
                sleep_blocking(parts[0])
                seen.append(now().isoformat())
            case _:
                for part in parts:
                    perform_sync(part)

    perform_sync(program)
    return seen


leaves = st.one_of(
    st.tuples(st.just("step"), st.sampled_from("abc")).map(list),
    st.tuples(st.just("nap"), st.sampled_from([1.0, 2.0])).map(list),
)
programs = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["seq", "all", "group", "first"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: [pair[0], *pair[1]]
        ),
        st.tuples(st.just("until"), st.just(5.0), inner).map(list),
    ),
    max_leaves=7,
)


def performed(flow: Any, program: Program, seed: int, kill: float) -> tuple[list[str], set[str], list[str]]:
    """What the body saw, which steps it asked for, and in which order they ended."""
    draw, killer = Random(seed), Random(seed + 1)
    run = FakeRuntime(flow, program=program).begin().settle()
    order = []
    while not run.is_over:
        step = draw.choice(sorted(run.open))
        order.append(step)
        fails = draw.random() < 0.2 and "toque.sleep" not in step
        # Of steps that end together, a kill may hit before or after the body is told.
        tell = run.end_silently if killer.random() < kill else run.end
        tell(step, None if "toque.sleep" in step else f"{step} said", error=failure() if fails else None)
        if killer.random() < kill:
            run.restart()
        elif run.answers_due:
            run.deliver()
        run.settle()
    return run.result, {str(key) for key in run.record}, order


@settings(deadline=None, max_examples=150)
@given(programs, st.integers(0, 2**32))
def test_an_async_body_that_is_killed_sees_what_it_would_have_seen(program: Program, seed: int) -> None:
    undisturbed = performed(performing, program, seed, 0.0)
    assert performed(performing, program, seed, 0.5) == undisturbed
    assert performed(performing, program, seed, 1.0) == undisturbed


@settings(deadline=None, max_examples=40)
@given(programs, st.integers(0, 2**32))
def test_a_sync_body_that_is_killed_sees_what_it_would_have_seen(program: Program, seed: int) -> None:
    undisturbed = performed(performing_sync, program, seed, 0.0)
    assert performed(performing_sync, program, seed, 0.7) == undisturbed


@settings(deadline=None, max_examples=60)
@given(programs, st.integers(0, 2**32))
def test_no_two_calls_have_one_name_and_no_step_is_cancelled_that_was_not_asked_for(
    program: Program, seed: int
) -> None:
    draw = Random(seed)
    run = FakeRuntime(performing, program=program).begin()
    while not run.is_over:
        step = draw.choice(sorted(run.open))
        run.end(step, None if "toque.sleep" in step else "x")
    asked = [(request.node.id, request.occurrence) for request in run.of(StepRequested)]
    assert len(asked) == len(set(asked))
    assert {(cancel.task, cancel.map_index[-1]) for cancel in run.of(Cancel)} <= set(asked)


def numbered(program: Program, numbers: Iterator[int]) -> Program:
    """Each call with an argument of its own, to tell which one in the code has which name. No timeouts: a call that
    they leave out shifts the count of those that follow in its branch, as an `if` does."""
    kind, *parts = program
    if kind == "step":
        return ["step", f"call {next(numbers)}"]
    if kind == "until":
        kind, parts = "seq", parts[1:]
    return [kind, *(numbered(part, numbers) if isinstance(part, list) else part for part in parts)]


@settings(deadline=None, max_examples=60)
@given(programs, st.integers(0, 2**32))
def test_the_name_of_a_call_does_not_depend_on_what_ends_first(program: Program, seed: int) -> None:
    program, draw = numbered(program, count()), Random(seed)
    names: list[dict[str, str]] = []
    orders: list[Callable[[list[str]], str]] = [min, max, draw.choice]
    for next_to_end in orders:
        run = FakeRuntime(performing, program=program).begin()
        while not run.is_over:
            step = next_to_end(sorted(run.open))
            run.end(step, None if "toque.sleep" in step else "x")
        steps = [step for step in map(str, run.record) if "toque.sleep" not in step]
        names.append({run.arguments(step)[1]["name"]: step for step in steps})
    # A race may leave out calls, but never rename them.
    for other in names[1:]:
        for call in names[0].keys() & other.keys():
            assert names[0][call] == other[call]
