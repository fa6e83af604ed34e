"""Whatever dies, every attempt ends with the right report, after its processes are gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.attempts import Bench, value
from tests.integration.executors.conftest import Benches, listen, lives, pid_of_started, release
from toque.engine.inputs import (
    AttemptCancelled,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    AttemptSucceeded,
)

Fifo = Callable[[str], str]


async def learn(bench: Bench) -> None:
    """Let the executor find that `perhaps` is short, so that it hands out several at once."""
    for _ in range(20):
        await bench.run("perhaps", "nothing")


async def test_a_killed_worker_loses_its_attempt_and_gives_back_the_others(benches: Benches) -> None:
    bench = await benches()
    await learn(bench)
    first = bench.prepared("perhaps", "die", int(signal.SIGKILL))
    others = [bench.prepared("perhaps", "nothing") for _ in range(10)]
    bench.submit(first, *others)
    lost = await bench.end(first)
    assert isinstance(lost, AttemptLost)
    assert "SIGKILL" in lost.reason
    assert not lost.blameless
    for other in others:
        # Given back by the death, or taken back before it was noticed and run by the next worker.
        end = await bench.end(other)
        begun = [report for report in bench.sink.about(other.token) if isinstance(report, AttemptStarted)]
        assert (type(end), len(begun)) in [(AttemptReturned, 0), (AttemptSucceeded, 1)]
    assert value(await bench.run("echo", 1)) == 1


async def test_a_worker_that_sends_what_cannot_be_read_is_lost_alone(benches: Benches) -> None:
    bench = await benches()
    garbled, other = bench.prepared("talk_nonsense"), bench.prepared("nothing")
    bench.submit(garbled, other)
    assert isinstance(await bench.end(garbled), AttemptLost)
    # Behind the other in its queue: given back with its death, and not begun.
    assert isinstance(await bench.end(other), AttemptSucceeded | AttemptReturned)
    assert value(await bench.run("echo", 1)) == 1


async def test_what_was_said_before_a_kill_is_in_the_log(benches: Benches) -> None:
    bench = await benches()
    for signo in (signal.SIGKILL, signal.SIGSEGV):
        made = bench.begin("die", int(signo))
        assert isinstance(await bench.end(made), AttemptLost)
        messages = bench.messages(made)
        assert "last words" in messages
        assert "raw last words" in messages
    assert any("Fatal Python error: Segmentation fault" in message for message in messages)


async def test_what_a_host_said_of_its_members_before_a_kill_arrives_before_its_loss(benches: Benches) -> None:
    bench = await benches()
    made = bench.begin("host_that_dies", "a", members=(("a", 1), ("b", 1)))
    await bench.sink.until(lambda: len(bench.sink.about(made.token)) == 3)
    assert [(r.task, type(r)) for r in bench.sink.about(made.token)] == [
        (made.task, AttemptStarted),
        ("a", AttemptSucceeded),
        (made.task, AttemptLost),
    ]


async def test_the_exit_code_of_a_worker_that_left_is_told(benches: Benches) -> None:
    bench = await benches()
    lost = await bench.run("exit_hard", 3)
    assert isinstance(lost, AttemptLost)
    assert "code 3" in lost.reason


async def test_a_killed_zygote_takes_its_workers_with_it_and_is_replaced(benches: Benches, fifo: Fifo) -> None:
    bench = await benches(workers=2)
    path = fifo("never")
    running = bench.begin("wait_for", path)
    worker = await pid_of_started(bench, running)
    os.kill(bench.executor._fleet._zygote.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    lost = await bench.end(running)
    assert isinstance(lost, AttemptLost)
    assert not lives(worker)
    assert value(await bench.run("echo", 2)) == 2


async def test_code_that_holds_the_gil_is_killed_at_its_timeout(benches: Benches) -> None:
    bench = await benches()
    await learn(bench)
    stuck = bench.prepared("perhaps", "match", policy={"timeout_s": 0.5})
    others = [bench.prepared("perhaps", "nothing") for _ in range(5)]
    bench.submit(stuck, *others)
    worker = await pid_of_started(bench, stuck)
    report = await bench.end(stuck)
    assert isinstance(report, AttemptFailed)
    assert report.timed_out
    assert (report.error.kind, report.error.type, report.error.retryable) == ("transient", "Timeout", True)
    assert not lives(worker)
    assert bench.messages(stuck) == ["matching"]
    # Its neighbours lost nothing: given back without having been started, or run by somebody else.
    for other in others:
        assert isinstance(await bench.end(other), AttemptReturned | AttemptSucceeded)
    assert value(await bench.run("echo", 1)) == 1


async def test_a_query_in_c_is_killed_at_its_timeout(benches: Benches) -> None:
    bench = await benches()
    await bench.run("import_duckdb")
    query = bench.begin("long_query", policy={"timeout_s": 0.5})
    worker = await pid_of_started(bench, query)
    report = await bench.end(query)
    assert report.timed_out
    assert not lives(worker)
    assert bench.messages(query) == ["querying"]


async def test_children_of_an_attempt_are_gone_before_its_end_is_told(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    announced = fifo("announced")
    made = bench.begin("leave_children", announced)
    pids = [int(pid) for pid in (await listen(announced)).split()]
    assert len(pids) == 3
    bench.executor.cancel(made.token, grace_s=0)
    assert isinstance(await bench.end(made), AttemptCancelled)
    assert not any(lives(pid) for pid in pids)


async def test_a_cancelled_body_may_clean_up(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    announced = fifo("announced")
    made = bench.begin("heed", announced, fifo("never"))
    worker = int(await listen(announced))
    bench.executor.cancel(made.token, grace_s=20)
    assert isinstance(await bench.end(made), AttemptCancelled)
    assert bench.messages(made) == ["cleaned up"]
    assert not lives(worker)


async def test_a_body_that_ignores_its_cancel_is_killed_after_the_grace(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    announced = fifo("announced")
    made = bench.begin("ignore_cancel", announced, fifo("never"))
    worker = int(await listen(announced))
    bench.executor.cancel(made.token, grace_s=0.2)
    assert isinstance(await bench.end(made), AttemptCancelled)
    assert not lives(worker)


async def test_a_blocked_loop_is_killed_and_the_innocent_are_not_blamed(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    innocent = bench.begin("wait_forever")
    await bench.started(innocent)
    guilty = bench.begin("block_the_loop", fifo("never"), policy={"timeout_s": 0.2})
    report = await bench.end(guilty)
    assert report.timed_out
    lost = await bench.end(innocent)
    assert isinstance(lost, AttemptLost)
    assert lost.blameless


async def test_an_attempt_above_its_memory_limit_is_ended(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    path = fifo("never")
    report = await bench.run("hold_memory", 300 * 2**20, path, policy={"memory_limit_bytes": 150_000_000})
    assert isinstance(report, AttemptFailed)
    assert report.error.type == "MemoryLimit"
    assert "150 MB" in report.error.message
    small = bench.begin("hold_memory", 2**20, path, policy={"memory_limit_bytes": 150_000_000})
    await release(path)
    assert isinstance(await bench.end(small), AttemptSucceeded)


async def test_nobody_waits_behind_an_attempt_that_turns_out_long(benches: Benches, fifo: Fifo) -> None:
    bench = await benches(workers=2)
    await learn(bench)
    path = fifo("gate")
    long = bench.prepared("perhaps", "wait", path)
    others = [bench.prepared("perhaps", "nothing") for _ in range(20)]
    bench.submit(long, *others)
    for other in others:
        assert isinstance(await bench.end(other), AttemptSucceeded)
    assert bench.sink.end(long.token) is None
    await release(path)
    assert isinstance(await bench.end(long), AttemptSucceeded)


async def test_a_stop_leaves_no_process(benches: Benches, fifo: Fifo) -> None:
    bench = await benches(workers=2)
    path = fifo("never")
    running = [bench.begin("wait_for", path) for _ in range(2)]
    waiting = bench.begin("echo", 1)
    pids = [await pid_of_started(bench, each) for each in running]
    zygote = bench.executor._fleet._zygote.pid  # type: ignore[attr-defined]
    await bench.executor.stop(grace_s=0)
    assert isinstance(bench.sink.end(waiting.token), AttemptReturned)
    for each in running:
        end = bench.sink.end(each.token)
        assert isinstance(end, AttemptLost)
        assert end.blameless
    assert not any(lives(pid) for pid in [*pids, zygote])
