"""The stage: eviction, cancellation, and what no body may do."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.flow.fake_runtime import FakeRuntime
from toque.authoring.flows import flow
from toque.authoring.tasks import task
from toque.engine.inputs import AttemptCancelled, AttemptStarted, FlowEvicted
from toque.worker import capture

trace: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_trace() -> None:
    trace.clear()


@task
def fetch(page: int) -> int:
    raise AssertionError("steps run in workers")


@flow
async def tidy() -> str:
    try:
        await fetch.submit(1)
        return "done"
    finally:
        trace.append("finally")


def test_a_body_that_waited_long_is_evicted_without_running_its_finally() -> None:
    run = FakeRuntime(tidy).begin()
    run.stage.evict(30)
    run.clock_s = 29.9
    run.stage.evict(30)
    assert run.is_waiting
    run.clock_s = 30.1
    run.stage.evict(30)
    assert isinstance(run.last, FlowEvicted)
    assert (run.last.body, run.last.seen, run.last.token) == ("tidy", 0, run.token)
    gc.collect()
    assert trace == []
    assert run.stage.buried == 1


def test_an_evicted_body_is_replayed_when_its_step_ends() -> None:
    run = FakeRuntime(tidy).begin()
    run.stage.evict(0)
    run.end("tidy/fetch[0]", 1)
    assert isinstance(run.last, FlowEvicted)
    assert run.restart().result == "done"
    assert trace == ["finally"]


def test_an_answer_starts_the_time_of_an_eviction_anew() -> None:
    run = FakeRuntime(two_steps).begin()
    run.stage.evict(30)
    run.clock_s = 29
    run.end("two_steps/fetch[0]", 1)
    run.stage.evict(30)
    run.clock_s = 58
    run.stage.evict(30)
    assert run.is_waiting
    run.clock_s = 59
    run.stage.evict(30)
    assert isinstance(run.last, FlowEvicted)
    assert run.last.seen == 1


@flow
async def two_steps() -> int:
    return await fetch.submit(1) + await fetch.submit(2)


@flow(timeout="1m")
async def bounded() -> int:
    return await fetch.submit(1)


def test_a_body_with_a_timeout_stays_since_a_replay_would_begin_it_anew() -> None:
    run = FakeRuntime(bounded).begin()
    run.stage.evict(0)
    assert run.is_waiting


def test_a_cancelled_body_runs_its_finally() -> None:
    run = FakeRuntime(tidy).begin()
    run.stage.cancel(run.token)
    assert isinstance(run.last, AttemptCancelled)
    assert trace == ["finally"]
    assert run.stage.tokens == []
    assert run.stage.buried == 0


@flow
async def stubborn() -> None:
    while True:
        try:
            await fetch.submit(1)
        except asyncio.CancelledError:
            trace.append("no")


def test_a_body_that_ignores_its_cancel_is_dropped_where_it_waits() -> None:
    run = FakeRuntime(stubborn).begin()
    run.stage.cancel(run.token)
    assert trace == ["no"]
    assert run.is_waiting
    assert run.stage.drop(run.token)
    assert run.stage.tokens == []


def test_a_body_is_begun_once_however_often_it_is_submitted() -> None:
    run = FakeRuntime(tidy).begin()
    run.stage.begin(run.spec)
    assert len(run.of(AttemptStarted)) == 1
    assert run.asked == ["tidy/fetch[0]"]


def test_answers_for_another_dispatch_are_void() -> None:
    run = FakeRuntime(tidy).begin()
    stale = run.token
    run.restart()
    run.end_silently("tidy/fetch[0]", 1)
    (answer,) = run.answers_due
    run.stage.answer([type(answer)(body=answer.body, step=answer.step, order=1, token=stale, result=answer.result)])
    assert run.is_waiting
    run.deliver()
    assert run.result == "done"


@flow
async def spinning() -> None:
    step = asyncio.ensure_future(fetch.submit(1))
    while not step.done():
        await asyncio.sleep(0)


def test_a_body_that_spins_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toque.executors.flow.body_loop.MAX_CALLBACKS", 1000)
    assert "never waits for anything that could change" in FakeRuntime(spinning).begin().error.message


async def _thread() -> Any:
    return await asyncio.to_thread(threading.get_ident)


async def _connection() -> Any:
    return await asyncio.open_connection("localhost", 1)


async def _subprocess() -> Any:
    return await asyncio.create_subprocess_exec("true")


FORBIDDEN = {"thread": _thread, "connection": _connection, "subprocess": _subprocess}


@flow
async def misusing(what: str) -> Any:
    return await FORBIDDEN[what]()


@pytest.mark.parametrize("what", list(FORBIDDEN))
def test_what_could_not_be_repeated_is_refused_with_the_fix(what: str) -> None:
    message = FakeRuntime(misusing, what=what).begin().error.message
    assert "the body of a flow cannot" in message
    assert "do it in a task" in message


@flow
async def bare() -> Any:
    return fetch(1)


def test_a_bare_call_in_an_async_body_names_the_fix() -> None:
    assert "await fetch.submit(1)" in FakeRuntime(bare).begin().error.message


@flow
async def cancelling_itself() -> None:
    raise asyncio.CancelledError


def test_a_cancel_that_nobody_asked_for_is_a_failure() -> None:
    assert "nobody had cancelled it" in FakeRuntime(cancelling_itself).begin().error.message


@flow
async def exiting() -> None:
    raise SystemExit(3)


def test_a_body_that_exits_the_process_fails_alone() -> None:
    assert FakeRuntime(exiting).begin().error.type == "SystemExit"


@flow
async def losing_a_branch() -> str:
    async def branch() -> None:
        await fetch.submit(1)
        raise LookupError("lost")

    task = asyncio.create_task(branch())
    await asyncio.wait([task])
    return "fine"


def test_the_exception_of_a_branch_that_nobody_looked_at_fails_the_flow() -> None:
    run = FakeRuntime(losing_a_branch).begin()
    run.end("losing_a_branch/0/fetch[0]", 1)
    assert run.error.type == "LookupError"


def test_code_that_cannot_be_found_is_reported() -> None:
    run = FakeRuntime(tidy)
    run.node = type(run.node)(
        id="tidy", code=type(run.node.code)(module="tests.unit.flow.nowhere", qualname="x"), kind="flow"
    )
    assert run.begin().error.type == "ModuleNotFoundError"


@flow
async def talking() -> None:
    print("before the first")
    await fetch.submit(1)
    print("after the first")
    await fetch.submit(2)
    print("after the second")
    raise LookupError("the end")


def test_a_replay_does_not_print_again_what_its_log_has(tmp_path: Path) -> None:
    borrowed = capture.Borrowed()
    borrowed.take()
    run = FakeRuntime(talking, log_path=str(tmp_path / "log")).begin()
    run.end("talking/fetch[0]", 1)
    run.restart()
    run.restart()
    run.end("talking/fetch[1]", 1)
    borrowed.give_back()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    # What followed the last recorded end is said again: nobody knows whether it was said.
    printed = [line["msg"] for line in lines if line["stream"] == "stdout"]
    assert printed == ["before the first", *["after the first"] * 3, "after the second"]
    assert "LookupError: the end" in lines[-1]["msg"]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@flow
async def unspeakable() -> None:
    raise Unspeakable


def test_an_exception_that_cannot_be_shown_is_a_failure_all_the_same() -> None:
    assert "no words" in FakeRuntime(unspeakable).begin().error.message
