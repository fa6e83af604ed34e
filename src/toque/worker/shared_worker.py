"""A worker that makes many attempts at once: `async` tasks on one loop, or sync ones that wait for I/O, in threads.

The server never sends more than the stated limit, so everything that arrives is begun at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import threading
from collections.abc import Callable

from toque.engine.inputs import AnyReport, AttemptCancelled
from toque.engine.values import Token
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, Signal
from toque.worker import attempt, wire
from toque.worker.control import Cancelled
from toque.worker.environment import Environment
from toque.worker.framing import Unframer, framed, read_now

Respond = Callable[[wire.Ask], wire.Answer]


class SharedWorker:
    """The loop. Everything but the bodies of threads happens on it."""

    def __init__(self, connection: socket.socket, lane: wire.Lane, respond: Respond) -> None:
        self._connection = connection
        self._lane = lane
        self._respond = respond
        self._unframer = Unframer()
        self._nodes: dict[int, TaskNode] = {}
        self._tasks: dict[Token, asyncio.Task[AnyReport] | None] = {}
        self._outgoing = wire.Up([], [], [])
        self._sending = threading.Lock()
        self._is_flushing = False
        self._is_stopping = False

    def run(self, env: Environment) -> None:
        """Serve until told to stop."""
        self._env = env
        asyncio.run(self._serve())

    def signal(self, signal: Signal) -> None:
        """Pass a signal on, from any thread."""
        self._send(wire.Up([], [signal]))

    def report(self, report: AnyReport) -> None:
        """Pass on what a host says of a task that it runs, from any thread."""
        self._send(wire.Up([report]))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._loop.add_reader(self._connection, self._read_all)
        await self._stopped.wait()
        self._flush()

    def _read_all(self) -> None:
        while (data := read_now(self._connection)) is not None:
            if not data:
                os._exit(1)  # the server is gone
            for payload in self._unframer.feed(data):
                self._obey(wire.decode_down(payload))

    def _obey(self, message: wire.Down) -> None:
        match message:
            case wire.Run(attempts=attempts, nodes=nodes, forget=forget):
                self._nodes = nodes if forget else {**self._nodes, **nodes} if nodes else self._nodes
                specs = [wire.from_wire(wired, self._nodes) for wired in attempts]
                if not self._env.lease.holds():
                    self._send(wire.Up([attempt.returned(spec) for spec in specs]))
                    return
                # Before the first of them runs: a body that blocks the loop must not hold this back.
                self._send(wire.Up([attempt.started(spec, self._env) for spec in specs]))
                for spec in specs:
                    self._begin(spec)
            case wire.CancelAttempt(token=token):
                self._cancel(token)
            case wire.Ask():
                self._send(wire.Up([], [], [self._respond(message)]))
            case wire.Stop():
                self._is_stopping = True
                self._stop_if_idle()
            case wire.Drop() | wire.StepsEnded() | wire.DropBody() | wire.Setup():
                raise ValueError(f"{type(message).__name__} is for other workers")

    def _begin(self, spec: AttemptSpec) -> None:
        if self._lane == "thread":
            self._tasks[spec.token] = None
            threading.Thread(target=self._in_thread, args=(spec,), name=f"toque-{spec.task}", daemon=True).start()
            return
        task: asyncio.Task[AnyReport] = self._loop.create_task(attempt.execute_async(spec, self._env))
        self._tasks[spec.token] = task
        task.add_done_callback(lambda task: self._end(spec, _report(spec, task)))

    def _in_thread(self, spec: AttemptSpec) -> None:
        report = attempt.execute(spec, self._env)
        self._loop.call_soon_threadsafe(self._end, spec, report)

    def _end(self, spec: AttemptSpec, report: AnyReport) -> None:
        self._tasks.pop(spec.token, None)
        self._outgoing.reports.append(report)
        if not self._is_flushing:
            # Whatever else ends in this turn of the loop goes into the same frame.
            self._is_flushing = True
            self._loop.call_soon(self._flush)
        self._stop_if_idle()

    def _cancel(self, token: Token) -> None:
        task = self._tasks.get(token)
        found = self._env.running.get(token)
        if found is not None:
            found[0].cancelled = True
        if task is not None:
            task.cancel()
        elif found is not None:
            # Raised at the next bytecode of that thread; one that waits in C code is killed with its process later.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(found[1]), ctypes.py_object(Cancelled))

    def _stop_if_idle(self) -> None:
        if self._is_stopping and not self._tasks:
            self._stopped.set()

    def _flush(self) -> None:
        self._is_flushing = False
        if self._outgoing.reports:
            message, self._outgoing = self._outgoing, wire.Up([], [], [])
            self._send(message)

    def _send(self, message: wire.Up) -> None:
        data = framed(wire.encode(message))
        with self._sending:
            try:
                self._connection.sendall(data)
            except ConnectionError:
                os._exit(1)


def _report(spec: AttemptSpec, task: asyncio.Task[AnyReport]) -> AnyReport:
    if not task.cancelled():
        return task.result()
    # Cancelled before its first step: the body never ran.
    return AttemptCancelled(
        run_id=spec.run_id,
        task=spec.task,
        map_index=spec.map_index,
        attempt=spec.attempt,
        token=spec.token,
        finished_us=0,
    )
