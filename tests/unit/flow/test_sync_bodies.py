"""Sync bodies: a thread of ordinary code, told of answers only while it waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.unit.flow.fake_runtime import FakeRuntime, failure
from toque.authoring.flows import flow
from toque.authoring.holes import each
from toque.authoring.tasks import task
from toque.engine.inputs import AttemptCancelled, AttemptDeferred, AttemptSkipped, FlowEvicted
from toque.worker.control import Cancelled, NotYet, Skip
from toque.worker.flow_context import now, sleep_blocking

trace: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_trace() -> None:
    trace.clear()


@task
def fetch(page: int) -> int:
    raise AssertionError("steps run in workers")


@flow
def chain(start: int) -> list[int]:
    rows = [fetch(start)]
    while rows[-1] < 30:
        rows.append(fetch(page=rows[-1]))
    return rows


def test_a_bare_call_is_a_step_that_is_waited_for() -> None:
    run = FakeRuntime(chain, start=7).begin()
    run.settle()
    assert run.open == ["chain/fetch[0]"]
    run.end("chain/fetch[0]", 20)
    run.restart().settle()
    assert run.asked == ["chain/fetch[0]", "chain/fetch[1]"]
    run.end("chain/fetch[1]", 30)
    run.settle()
    assert run.result == [20, 30]


@flow
def racing() -> list[Any]:
    first, second = fetch.submit(1), fetch.submit(2)
    one = first.result()
    return [one, second.done(), second.result(), second.done()]


@pytest.mark.parametrize(("order", "known"), [((0, 1), False), ((1, 0), True)])
def test_what_a_body_knows_depends_on_the_recorded_order_only(order: tuple[int, int], known: bool) -> None:
    run = FakeRuntime(racing).begin()
    run.settle()
    for index in order:
        run.end_silently(f"racing/fetch[{index}]", index)
    run.deliver()
    run.settle()
    assert run.result == [0, known, 1, True]
    assert run.restart().settle().result == [0, known, 1, True]


@flow
def careful() -> str:
    try:
        fetch(1)
    except ValueError as error:
        return f"caught {error}"
    return "fine"


def test_a_failed_step_raises_where_it_is_called() -> None:
    run = FakeRuntime(careful).begin().settle()
    run.end("careful/fetch[0]", error=failure())
    assert run.settle().result == "caught step careful/fetch[0] failed: ValueError: boom"


@flow
def forgetful() -> str:
    fetch.submit(1)
    return "done"


def test_what_was_submitted_is_seen_to_its_end_and_its_failure_is_not_lost() -> None:
    run = FakeRuntime(forgetful).begin().settle()
    assert run.is_waiting
    run.end("forgetful/fetch[0]", error=failure())
    assert run.settle().error.type == "ValueError"


@flow
def mapping(pages: list[int]) -> list[int]:
    return fetch.map(each(pages))


def test_a_map_asks_for_all_before_it_waits() -> None:
    run = FakeRuntime(mapping, pages=[5, 6]).begin().settle()
    assert run.open == ["mapping/fetch[0]", "mapping/fetch[1]"]
    run.end("mapping/fetch[1]", 60)
    run.end("mapping/fetch[0]", 50)
    assert run.settle().result == [50, 60]


@flow
def napping() -> float:
    before = now()
    sleep_blocking("1m30s")
    return (now() - before).total_seconds()


def test_a_sleep_is_durable() -> None:
    run = FakeRuntime(napping).begin().settle()
    assert run.open == ["napping/toque.sleep[0]"]
    run.restart().settle()
    run.now_us += 89_000_000
    run.end("napping/toque.sleep[0]", sleep=True)
    assert run.settle().result == 90.0


@flow
def inner(page: int) -> int:
    return fetch(page) + 1


@flow
def outer() -> list[int]:
    return [inner(1), inner(2), fetch(3)]


def test_a_flow_within_a_flow_has_a_scope_of_its_own() -> None:
    run = FakeRuntime(outer).begin().settle()
    for step, result in (("inner.0/fetch[0]", 10), ("inner.1/fetch[0]", 20), ("fetch[0]", 30)):
        run.end(f"outer/{step}", result)
        run.settle()
    assert run.result == [11, 21, 30]


@flow
def tidy() -> None:
    try:
        fetch(1)
    except Cancelled:
        trace.append("cancelled")
        raise
    finally:
        trace.append("finally")


def test_a_cancel_is_raised_where_the_body_waits() -> None:
    run = FakeRuntime(tidy).begin().settle()
    run.stage.cancel(run.token)
    run.settle()
    assert isinstance(run.last, AttemptCancelled)
    assert trace == ["cancelled", "finally"]


def test_an_evicted_body_runs_no_finally_and_is_replayed() -> None:
    run = FakeRuntime(tidy).begin().settle()
    run.stage.evict(0)
    assert isinstance(run.last, FlowEvicted)
    assert run.stage.tokens == []
    run.end("tidy/fetch[0]", 1)
    assert trace == []
    run.restart().settle()
    assert run.result is None
    assert trace == ["finally"]


@flow
def threaded() -> list[int]:
    found: list[Any] = []

    def elsewhere() -> None:
        try:
            found.append(fetch(1))
        except Exception as error:
            found.append(str(error))

    import contextvars

    thread = threading.Thread(target=contextvars.copy_context().run, args=(elsewhere,))
    thread.start()
    thread.join()
    return found


def test_a_step_from_a_thread_of_the_body_is_refused() -> None:
    (message,) = FakeRuntime(threaded).begin().settle().result
    assert "called from a thread that the flow's body started" in message
    assert ".submit()" in message


@flow
def ending(how: str) -> None:
    if how == "skip":
        raise Skip("nothing new")
    raise NotYet("30s", handle=7)


def test_a_body_can_skip_and_defer_like_a_task() -> None:
    run = FakeRuntime(ending, how="skip").begin().settle()
    assert isinstance(run.last, AttemptSkipped)
    assert run.last.reason == "nothing new"
    run = FakeRuntime(ending, how="later").begin().settle()
    assert isinstance(run.last, AttemptDeferred)
    assert (run.last.resume_after_s, run.last.handle) == (30, 7)


@flow
def awaiting() -> Any:
    return fetch.submit(1).__await__()


def test_awaiting_in_a_sync_body_names_the_fix() -> None:
    assert "Fix: take its .result(), or make the flow an async function" in (
        FakeRuntime(awaiting).begin().settle().error.message
    )
