"""Bodies that do not repeat themselves are found out, and never go on with a record that is not theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.flow.fake_runtime import FakeRuntime
from toque.authoring.flows import flow
from toque.authoring.tasks import task

world: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _new_world() -> None:
    world.clear()


@task
def fetch(page: Any) -> int:
    raise AssertionError("steps run in workers")


@task
def other(page: int) -> int:
    raise AssertionError("steps run in workers")


@flow
async def changing_inputs() -> Any:
    first = await fetch.submit(world["page"])
    try:
        return await fetch.submit(first)
    except Exception:
        return "swallowed"


def test_other_inputs_under_the_same_key_fail_the_flow_and_name_the_step() -> None:
    world["page"] = 1
    run = FakeRuntime(changing_inputs).begin()
    run.end("changing_inputs/fetch[0]", 5)
    world["page"] = 2
    run.restart()
    assert run.error.type == "toque.worker.flow_errors.FlowDiverged"
    assert "at step changing_inputs/fetch[0]: its inputs were" in run.error.message
    assert "verify_replay" in run.error.message
    assert not run.error.retryable


@flow
async def swallowing() -> str:
    try:
        await fetch.submit(world["page"])
    except Exception:
        return "swallowed"
    return "fine"


def test_a_body_cannot_swallow_its_divergence() -> None:
    world["page"] = 1
    run = FakeRuntime(swallowing).begin()
    world["page"] = 2
    run.restart()
    assert "did not repeat itself" in run.error.message


@flow
async def turning() -> Any:
    if world["left"]:
        return await fetch.submit(1)
    return await other.submit(1)


def test_another_step_in_place_of_one_that_has_ended_is_a_divergence() -> None:
    world["left"] = True
    run = FakeRuntime(turning).begin()
    run.end_silently("turning/fetch[0]", 5)
    world["left"] = False
    run.restart()
    # The engine does not answer what is not asked for; only the next end shows the gap.
    assert run.is_waiting
    run.end("turning/other[0]", 6)
    assert "left out the step whose end is number 1 in the record" in run.error.message
    assert run.error.file.endswith("test_divergence.py")
    assert run.error.line == turning.__toque_function__.__code__.co_firstlineno + 4


@flow
async def reordering() -> Any:
    pages = [fetch.submit(page) for page in world["pages"]]
    return await asyncio.gather(*pages)


def test_steps_in_another_order_are_a_divergence() -> None:
    world["pages"] = ["a", "b"]
    run = FakeRuntime(reordering).begin()
    world["pages"] = ["b", "a"]
    run.restart()
    assert "at step reordering/fetch[0]" in run.error.message


@flow
def sync_turning() -> Any:
    if world["left"]:
        fetch(1)
    return other(1)


def test_a_sync_body_is_found_out_too() -> None:
    world["left"] = True
    run = FakeRuntime(sync_turning).begin().settle()
    run.end("sync_turning/fetch[0]", 5)
    run.settle()
    world["left"] = False
    run.restart().settle()
    run.end("sync_turning/other[0]", 6)
    run.settle()
    assert "left out the step whose end is number 1" in run.error.message


@flow
async def longer() -> list[int]:
    found = [await fetch.submit(1)]
    if world["more"]:
        found.append(await other.submit(2))
    return found


def test_going_on_after_the_end_of_the_record_is_no_divergence() -> None:
    world["more"] = False
    run = FakeRuntime(longer).begin()
    run.end_silently("longer/fetch[0]", 5)
    world["more"] = True
    run.restart()
    run.end("longer/other[0]", 6)
    assert run.result == [5, 6]
