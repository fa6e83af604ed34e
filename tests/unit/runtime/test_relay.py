"""The outbox and its relay: what is written with a run's end is delivered at least once, whatever dies in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.unit.runtime.scenes import CALLS, HERE, Scene, doubles
from toque import NotYet, pipeline, task
from toque.engine.assets import Checked
from toque.engine.facts import Deferred
from toque.engine.inputs import Cancel
from toque.engine.rows import RunRow
from toque.engine.states import RunState, TaskState
from toque.errors import UserError
from toque.executors.inline import InlineExecutor
from toque.graph import canonical
from toque.ports.notifier import Message, Notifier, NotSent
from toque.ports.store import Commit, OutboxRow, StoreUnavailable
from toque.runtime import relay
from toque.runtime.alerts import HOUR_US, MOST_IN_AN_HOUR, Route
from toque.runtime.loop import Runtime
from toque.runtime.outgoing import Alerting
from toque.runtime.relay import delay_s
from toque.runtime.versions import Versions
from toque.worker.context import context

FAILS: list[str] = []
"""Non-empty: `fragile` fails."""
STOPPED: list[Any] = []
PATIENCE_S = 20


@task
def fragile() -> None:
    print("about to look")
    if FAILS:
        raise ValueError(f"secret-word {FAILS[0]}")


@pipeline(notify="ops", owner="data-team")
def sales() -> None:
    fragile()


def stop_job(handle: dict[str, str]) -> None:
    if FAILS:
        raise ValueError(FAILS.pop())
    STOPPED.append(handle["job"])


@task(on_cancel=stop_job)
def waits() -> None:
    raise NotYet("1h", handle={"job": "j-17"})


@pipeline
def waiting() -> None:
    waits()


@task(writes=["wh.orders"])
def sorts(bad: int) -> None:
    found = Checked(
        asset="wh.orders",
        check="not_null(id)",
        passed=not bad,
        severity="quarantine",
        failed_rows=bad,
        total_rows=40,
        rejects="orders__rejects" if bad else "",
        batch_id="b7",
        message=f"{bad} rows of 40: secret-word is null",
        sample=[{"id": n} for n in range(4)],
    )
    for check in ("not_null(id)", "unique(id)"):
        context().tell(msgspec.structs.replace(found, check=check))


@pipeline(notify="ops")
def sorting(bad: int) -> None:
    sorts(bad)


@pipeline(notify="ops", late_after="30ms")
def slow() -> None:
    waits()


class Receiver:
    """Takes messages, after the troubles that it was given."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.trouble: list[Exception] = []
        self.taken: Callable[[], None] = lambda: None
        self.arrived = asyncio.Event()
        self.asked = asyncio.Event()
        self.hangs = False

    async def send(self, message: Message) -> None:
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble.pop(0)
        self.got.append(message)
        self.taken()
        self.arrived.set()

    async def until(self, count: int) -> list[Message]:
        while len(self.got) < count:
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), PATIENCE_S)
        return self.got


class Stage(Scene):
    """A scene with somebody who is told."""

    def __init__(self, **options: Any) -> None:
        self.receivers = {"ops": Receiver(), "mail": Receiver()}
        alerting = Alerting(
            routes=options.pop("routes", ()),
            notifier=self.notifier,
            mask=lambda text: text.replace("secret-word", "***"),
            ui_url="https://toque.example.com",
        )
        super().__init__(**{"alerting": alerting, "relay_s": 0.002, **options})
        FAILS.clear()
        STOPPED.clear()

    @property
    def ops(self) -> Receiver:
        return self.receivers["ops"]

    def notifier(self, name: str) -> Notifier:
        if name not in self.receivers:
            raise UserError(f"no connection is named {name!r}")
        return self.receivers[name]

    def made(self, **options: Any) -> Runtime:
        """A runtime that is not started."""
        versions = Versions(self.store, lambda row: HERE)
        for known in (sales, waiting, slow, doubles, sorting):
            versions.learn(canonical.content_hash(known.ir), known.ir, HERE)
        return Runtime(
            store=self.store,
            blobs=self.blobs,
            executors={"process": InlineExecutor(lambda: self.blobs)},
            versions=versions,
            clock=self.clock,
            options=replace(self.options, **options),
        )

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Runtime]:
        runtime = self.made(**options)
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop()

    async def outbox(self) -> list[OutboxRow]:
        return await self.store.list_outbox(2**62)

    async def run(self, runtime: Runtime, of: Any, *, fails: bool = False) -> RunRow:
        FAILS[:] = ["broken"] if fails else []
        return await asyncio.wait_for(runtime.launch(self.launch(of)), PATIENCE_S)


# -- messages


async def test_a_failure_is_told_once_with_its_evidence_and_no_secret() -> None:
    stage = Stage()
    async with stage.running() as runtime:
        ended = await stage.run(runtime, sales, fails=True)
    [message] = stage.ops.got
    assert (message.kind, message.title, message.pipeline) == ("failure", "sales failed", "sales")
    assert (message.task, message.error_type, message.error) == ("fragile", "ValueError", "*** broken")
    assert message.link == f"https://toque.example.com/runs/{ended.run_id}"
    assert (message.owner, message.run_id, message.trigger) == ("data-team", ended.run_id, "manual")
    assert await stage.outbox() == []
    assert "relay:" not in await stage.store.pool_usage()


async def test_the_last_lines_of_the_log_are_part_of_it(tmp_path: Any) -> None:
    stage = Stage(logs=str(tmp_path))
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
    assert "about to look" in stage.ops.got[0].log


async def test_the_first_success_after_a_failure_is_a_recovery_and_the_next_one_is_nothing() -> None:
    stage = Stage()
    async with stage.running() as runtime:
        for fails in (False, True, True, False, False):
            await stage.run(runtime, sales, fails=fails)
    assert [message.kind for message in stage.ops.got] == ["failure", "failure", "recovery"]
    assert len({message.dedup for message in stage.ops.got}) == 3


async def test_a_line_of_the_settings_is_told_of_what_it_asks_for() -> None:
    stage = Stage(routes=(Route("mail", ("recovery",), ("sal*",)), Route("mail", ("failure",), ("other",))))
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
        await stage.run(runtime, sales)
    assert [message.kind for message in stage.receivers["mail"].got] == ["recovery"]
    assert [message.kind for message in stage.ops.got] == ["failure", "recovery"]


async def test_what_was_set_aside_is_told_once_of_each_run_to_those_who_ask_for_it() -> None:
    stage = Stage(routes=(Route("mail", ("quarantine",)), Route("mail", ("failure",))))
    async with stage.running() as runtime:
        for bad in (0, 2):
            await asyncio.wait_for(runtime.launch(stage.launch(sorting, bad=bad)), PATIENCE_S)
        await stage.run(runtime, sales)
    [message] = stage.receivers["mail"].got
    assert stage.ops.got == []
    assert (message.kind, message.title) == (
        "quarantine",
        "sorting set rows aside: wh.orders does not pass unique(id), and 1 more",
    )
    assert [(each.failed_rows, each.total_rows) for each in message.checks] == [(2, 40), (2, 40)]
    assert message.checks[0].said == "2 rows of 40: *** is null"
    assert message.sample == tuple(f'{{"id":{n}}}' for n in (0, 1, 2, 3, 0))
    assert (message.replay, message.note) == ("toque checks replay wh.orders --batch b7", "")
    assert await stage.outbox() == []


async def test_a_run_that_is_late_is_told_once_and_goes_on() -> None:
    stage = Stage()
    async with stage.running() as runtime:
        launch = stage.launch(slow)
        end = runtime.launch(launch)
        [message] = await stage.ops.until(1)
        assert (message.kind, message.run_id) == ("late", launch.row.run_id)
        assert "slow is late" in message.title
        stored = await stage.store.load_run(launch.row.run_id)
        assert stored is not None
        assert stored.run.late_us
        assert stored.run.state is RunState.RUNNING
    end.cancel()
    async with stage.running(adopt=True) as again:
        await again.adopt(from_instances=[])
        other = again.launch(stage.launch(slow))
        await stage.ops.until(2)
    other.cancel()
    assert [each.run_id == launch.row.run_id for each in stage.ops.got] == [True, False]


async def test_nobody_is_told_of_a_run_that_ends_in_time_or_was_cancelled_by_somebody() -> None:
    stage = Stage()
    async with stage.running() as runtime:
        await stage.run(runtime, sales)
        launch = stage.launch(waiting)
        end = runtime.launch(launch)
        runtime.post(Cancel(run_id=launch.row.run_id, actor="ana"))
        assert (await asyncio.wait_for(end, PATIENCE_S)).state is RunState.CANCELLED
    assert stage.ops.got == []
    assert await stage.outbox() == []


async def test_what_is_too_much_for_an_hour_is_summed_up_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    async with stage.running() as runtime:
        for _ in range(MOST_IN_AN_HOUR + 3):
            ended = await stage.run(runtime, sales, fails=True)
    # At the change of an hour, the clock hours of the summaries may be two.
    assert [message.kind for message in stage.ops.got] == ["failure"] * MOST_IN_AN_HOUR
    assert "summed up" in stage.ops.got[-1].note
    held = await stage.outbox()
    assert {row.kind for row in held} == {"summary"}
    assert all(row.due_us % HOUR_US == 0 and row.due_us > ended.finished_us for row in held)
    await stage.store.commit(Commit(instance="x", outbox=[msgspec.structs.replace(row, due_us=0) for row in held]))
    async with stage.running():
        summaries = (await stage.ops.until(MOST_IN_AN_HOUR + len(held)))[MOST_IN_AN_HOUR:]
    assert {message.kind for message in summaries} == {"summary"}
    assert "sales fails" in summaries[-1].title


# -- at least once


async def test_a_receiver_in_trouble_is_tried_again_with_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "FIRST_DELAY_S", 0.001)
    stage = Stage()
    stage.ops.trouble = [NotSent("busy"), NotSent("busy", retry_after_s=0.003), OSError("odd")]
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
        [message] = await stage.ops.until(1)
    assert message.kind == "failure"
    assert await stage.outbox() == []


async def test_a_message_that_will_never_be_taken_is_given_up_loudly(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.ops.trouble = [NotSent("answered 404 for secret-word", permanent=True)]
    with caplog.at_level(logging.ERROR, "toque.relay"):
        async with stage.running() as runtime:
            await stage.run(runtime, sales, fails=True)
    assert await stage.outbox() == []
    assert (await stage.store.counters())[relay.GIVEN_UP] == 1
    assert "given up after 1 tries: failure/" in caplog.text
    assert "secret-word" not in caplog.text


async def test_a_message_is_given_up_after_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "GIVE_UP_AFTER_S", 0.0)
    stage = Stage()
    stage.ops.trouble = [NotSent("busy")]
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
    assert await stage.outbox() == []
    assert (await stage.store.counters())[relay.GIVEN_UP] == 1


async def test_what_could_not_be_sent_waits_for_the_next_process() -> None:
    stage = Stage()
    stage.ops.trouble = [NotSent("busy")]
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
    [row] = await stage.outbox()
    assert (row.tries, row.last_error) == (1, "busy")
    await stage.store.commit(Commit(instance="x", outbox=[msgspec.structs.replace(row, due_us=0)]))
    async with stage.running():
        await stage.ops.until(1)
    assert await stage.outbox() == []


async def test_a_store_that_is_away_after_the_sending_is_no_reason_to_send_again() -> None:
    stage = Stage()
    refused: list[int] = []

    def trouble(number: int) -> None:
        if stage.ops.got and len(refused) < 3:
            refused.append(number)
            raise StoreUnavailable("disk full")

    stage.store.trouble = trouble
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
        await stage.ops.until(1)
    assert len(refused) == 3
    assert len(stage.ops.got) == 1
    assert await stage.outbox() == []


async def test_a_receiver_that_hangs_holds_up_no_other_and_no_end() -> None:
    stage = Stage(routes=(Route("mail", ("failure",)),))
    stage.ops.hangs = True
    runtime = stage.made()
    await runtime.start()
    await stage.run(runtime, sales, fails=True)
    await stage.receivers["mail"].until(1)
    await asyncio.wait_for(stage.ops.asked.wait(), PATIENCE_S)
    await runtime.stop(grace_s=0.01)
    [row] = await stage.outbox()
    assert row.dedup.endswith(">ops")


async def test_a_process_that_may_not_tell_leaves_messages_to_others() -> None:
    stage = Stage()
    stage.ops.trouble = [NotSent("busy")]
    async with stage.running() as runtime:
        await stage.run(runtime, sales, fails=True)
    [row] = await stage.outbox()
    await stage.store.commit(Commit(instance="x", outbox=[msgspec.structs.replace(row, due_us=0)]))
    async with stage.running(alerting=None):
        pass
    assert len(await stage.outbox()) == 1


async def test_one_process_relays_at_a_time_and_the_next_one_takes_over_from_the_dead() -> None:
    stage = Stage()
    stage.ops.hangs = True
    first = stage.made()
    await first.start()
    await stage.run(first, sales, fails=True)
    await asyncio.wait_for(stage.ops.asked.wait(), PATIENCE_S)
    stage.ops.hangs = False
    second = stage.made(adopt=True)
    await second.start()
    assert await second._relay._take_up() is False
    assert second._relay.is_starved
    stage.store.lose(first.instance)
    await second.adopt()
    await stage.ops.until(1)
    await second.stop()
    assert await stage.outbox() == []
    await first.stop(grace_s=0)


def test_delays_grow_and_heed_what_the_receiver_asks_for() -> None:
    assert [delay_s(tries, 0) for tries in range(3)] == [5, 10, 20]
    assert delay_s(0, 90) == 90
    assert delay_s(0, 10**9) == relay.LONGEST_WISH_S
    assert delay_s(500, 0) == relay.LONGEST_DELAY_S


# -- external jobs


async def _deferred(stage: Stage, runtime: Runtime) -> str:
    """The id of a run whose task waits for an external job."""
    deferred = asyncio.Event()

    def listener(owned: Any, facts: Any) -> None:
        if any(isinstance(fact, Deferred) for fact in facts):
            deferred.set()

    runtime.listen(listener)
    launch = stage.launch(waiting)
    runtime.launch(launch)
    await asyncio.wait_for(deferred.wait(), PATIENCE_S)
    return launch.row.run_id


async def test_the_external_job_of_a_cancelled_task_run_is_stopped() -> None:
    stage = Stage()
    async with stage.running() as runtime:
        run_id = await _deferred(stage, runtime)
        end = runtime.wait(run_id)
        runtime.post(Cancel(run_id=run_id, actor="ana"))
        await asyncio.wait_for(end, PATIENCE_S)
    assert STOPPED == ["j-17"]
    assert await stage.outbox() == []


class Crash(BaseException):
    """The process dies here."""


async def test_a_stop_outlives_the_process_that_dies_between_the_commit_and_the_act() -> None:
    stage = Stage()
    died = asyncio.Event()
    first = stage.made(relay_s=3600.0)  # it would only look because of its own commit, and dies before it can
    await first.start()
    run_id = await _deferred(stage, first)

    def aftermath(number: int) -> None:
        if any(row.kind == "stop" for row in stage.store.outbox.all()):
            stage.store.aftermath = lambda number: None
            died.set()
            raise asyncio.CancelledError  # the loop ends here, with the transaction written and nothing done

    stage.store.aftermath = aftermath
    first.post(Cancel(run_id=run_id, actor="ana"))
    await asyncio.wait_for(died.wait(), PATIENCE_S)
    for part in (first._relay._task, first._adoption._task, first._timers._task):
        assert part is not None
        part.cancel()
    stage.store.lose(first.instance)
    assert STOPPED == []
    assert [row.kind for row in await stage.outbox()] == ["stop"]
    async with stage.running(adopt=True) as second:
        await second.adopt()
    assert STOPPED == ["j-17"]
    assert await stage.outbox() == []
    [row] = [row for row in await stage.tasks(run_id) if row.task == "waits"]
    assert row.state is TaskState.CANCELLED


async def test_a_stop_that_fails_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(relay, "FIRST_DELAY_S", 0.001)
    stage = Stage()
    with caplog.at_level(logging.WARNING, "toque.relay"):
        async with stage.running() as runtime:
            run_id = await _deferred(stage, runtime)
            FAILS[:] = ["the API is away"]
            runtime.post(Cancel(run_id=run_id, actor="ana"))
            await asyncio.wait_for(runtime.wait(run_id), PATIENCE_S)
            async with asyncio.timeout(PATIENCE_S):
                while not STOPPED:
                    await asyncio.sleep(0)
    assert STOPPED == ["j-17"]
    assert "on_cancel of waits raised ValueError: the API is away" in caplog.text
    assert CALLS == []
