"""The parts of the process executor that need no process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from tests.attempts import BUNDLE, node, spec
from toque.engine.inputs import AttemptReturned
from toque.executors.process.durations import HELD_US, MAX_HELD, Durations, depth
from toque.executors.process.placement import lane_of
from toque.executors.process.worker import MAX_NODES, Held, Kind, Worker, being_started
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, Signal
from toque.worker import sessions, wire
from toque.worker.framing import Unframer, framed


def test_what_is_short_is_held_in_number() -> None:
    assert depth(None) == 1
    assert depth(HELD_US * 10) == 1
    assert depth(1) == MAX_HELD
    assert depth(0) == MAX_HELD


def test_a_slow_first_attempt_is_soon_forgotten_and_a_slow_later_one_is_noticed() -> None:
    durations, of = Durations(), node("nothing")
    assert durations.of(of) is None
    durations.add(of, 500_000)
    for _ in range(12):
        durations.add(of, 50)
    assert depth(durations.of(of)) > 10
    durations.add(of, 1_000_000)
    assert depth(durations.of(of)) == 1


def test_lanes_follow_the_code_and_the_policy() -> None:
    assert lane_of(node("nothing")) == "sync"
    assert lane_of(node("wait_forever")) == "async"
    assert lane_of(node("nothing", policy={"io_bound": True})) == "thread"


def test_frames_come_out_whole_whatever_pieces_they_arrive_in() -> None:
    payloads = [b"", b"a", b"b" * 100_000]
    stream = b"".join(map(framed, payloads))
    for size in (1, 7, 65_536, len(stream)):
        unframer, out = Unframer(), []
        for start in range(0, len(stream), size):
            out += list(unframer.feed(stream[start : start + size]))
        assert out == payloads


def test_a_spec_on_the_wire_lacks_nothing() -> None:
    of = node("echo", 1)
    made = spec(of, map_index=(1, 2), parameters={"a": 1}, handle={"job": 1}, interval_end_us=5, log_path="x")
    sent = wire.encode(wire.Run([wire.to_wire(made, 7)], {7: of}))
    received = wire.decode_down(sent)
    assert isinstance(received, wire.Run)
    back = wire.from_wire(received.attempts[0], received.nodes)
    for field in AttemptSpec.__struct_fields__:
        assert getattr(back, field) == getattr(made, field), field


def test_all_messages_of_a_worker_fit_one_frame() -> None:
    from toque.ports.executor import Progress

    signal: Signal = Progress(run_id="r", task="t", done=1)
    report = AttemptReturned(run_id="r", task="t", attempt=1, token=spec(node("nothing")).token)
    message = wire.Up([report], [signal], [wire.Answer(1, b"x")])
    assert wire.decode_up(wire.encode(message)) == message


@pytest.fixture
def worker() -> Worker:
    mine, its = socket.socketpair()
    mine.setblocking(False)
    permits = os.pipe()
    os.set_blocking(permits[0], False)
    made = Worker(1, Kind(BUNDLE, "", "sync"), "files", mine, permits)
    made.its = its  # type: ignore[attr-defined]
    return made


def received(worker: Worker) -> list[wire.Down]:
    its = worker.its  # type: ignore[attr-defined]
    return [wire.decode_down(payload) for payload in Unframer().feed(its.recv(1_000_000))]


def held(of: TaskNode) -> Held:
    return Held(spec(of), Kind(BUNDLE, "", "sync"), 10.0)


async def test_from_a_frame_that_cannot_be_read_on_a_worker_is_not_listened_to(worker: Worker) -> None:
    report = AttemptReturned(run_id="r", task="t", attempt=1, token=spec(node("nothing")).token)
    good = framed(wire.encode(wire.Up([report], [], [])))
    its = worker.its  # type: ignore[attr-defined]
    its.sendall(good + framed(b"\xc1") + good)
    heard: list[wire.Up] = []
    assert not worker.read(lambda _, message: heard.append(message))
    assert (len(heard), worker.is_garbled) == (1, True)
    its.sendall(good)
    assert not worker.read(lambda _, message: heard.append(message))
    assert len(heard) == 1


async def test_permits_are_taken_back_from_the_end(worker: Worker) -> None:
    of = node("nothing")
    helds = [held(of) for _ in range(5)]
    worker.give(helds, 0.0)
    assert worker.load_us == 50.0
    os.read(worker.permits[0], 2)  # the worker has claimed two
    for each in helds[:2]:
        each.started_us, worker.running = 1, worker.running + 1
    assert worker.take_back() == helds[2:]
    assert list(worker.held.values()) == helds[:2]
    assert worker.take_back() == []
    run, drop = received(worker)
    assert isinstance(run, wire.Run)
    assert drop == wire.Drop(3)
    assert all(each.worker is None for each in helds[2:])


async def test_a_dead_worker_may_have_died_of_what_was_next_in_line_unless_something_ran(worker: Worker) -> None:
    of = node("nothing")
    helds = [held(of) for _ in range(3)]
    assert being_started(worker) is None
    worker.give(helds, 0.0)
    assert being_started(worker) is helds[0]
    helds[0].started_us = 1
    assert being_started(worker) is None
    assert being_started(worker, {helds[0].spec.token}) is helds[1]


async def test_a_node_is_sent_once_and_forgotten_when_there_are_many(worker: Worker) -> None:
    of = node("nothing")
    worker.give([held(of), held(of)], 0.0)
    worker.give([held(of)], 0.0)
    first, second = received(worker)
    assert isinstance(first, wire.Run)
    assert isinstance(second, wire.Run)
    assert (len(first.nodes), second.nodes, second.forget) == (1, {}, False)
    for start in range(0, MAX_NODES + 1, 100):
        worker.give([held(node("nothing")) for _ in range(100)], 0.0)
        received(worker)
        assert start >= 0
    worker.give([held(of)], 0.0)
    [last] = received(worker)
    assert isinstance(last, wire.Run)
    assert last.forget
    assert len(last.nodes) == 1


async def test_what_a_full_socket_does_not_take_follows_later(worker: Worker) -> None:
    big = wire.Ask(1, "x", b"y" * 5_000_000)
    worker.send(big)
    its = worker.its  # type: ignore[attr-defined]
    import asyncio

    loop = asyncio.get_running_loop()
    its.setblocking(False)
    unframer, payloads = Unframer(), []
    async with asyncio.timeout(20):
        while not payloads:
            payloads += list(unframer.feed(await loop.sock_recv(its, 1_000_000)))
    assert wire.decode_down(payloads[0]) == big


def test_a_session_is_killed_whole_whatever_groups_it_has() -> None:
    script = "import subprocess, sys; c = subprocess.Popen(['sleep', '1000'], process_group=0);"
    script += "print(c.pid, flush=True); c.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as leader:
        assert leader.stdout
        child = int(leader.stdout.readline())
        assert set(sessions.members(leader.pid)) == {leader.pid, child}
        assert sessions.resident_bytes(leader.pid) > 1_000_000
        sessions.kill(leader.pid)
        leader.wait()
    assert sessions.members(leader.pid) == []
    assert sessions.start_mark(leader.pid) == ""
    assert sessions.start_mark(os.getpid()) != ""
