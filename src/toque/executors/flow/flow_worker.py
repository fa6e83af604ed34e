"""The loop of a flow host: a process that runs the bodies of one bundle.

Async bodies share its main thread, each on a loop of its own; a sync body has a thread. What bodies say while one
message is obeyed leaves in one frame.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence

from toque.engine.inputs import AnyReport, AttemptStarted, Report
from toque.engine.values import Token
from toque.errors import ToqueBug
from toque.executors import reports
from toque.executors.flow.asking import FlowMessage
from toque.executors.flow.stage import Stage
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, Signal
from toque.worker import wire
from toque.worker.environment import Environment
from toque.worker.framing import Unframer, framed, read_now

EVICT_AFTER_S = 30.0
"""How long a body may wait before it is dropped from memory."""
LOOK_EVERY_S = 5.0


class FlowWorker:
    """Serves the lane `flow`."""

    def __init__(
        self,
        connection: socket.socket,
        respond: Callable[[wire.Ask], wire.Answer],
        *,
        evict_after_s: float | None = None,
    ) -> None:
        self._connection = connection
        self._respond = respond
        self._evict_after_s = _evict_after_s() if evict_after_s is None else evict_after_s
        self._unframer = Unframer()
        self._nodes: dict[int, TaskNode] = {}
        self._specs: dict[Token, AttemptSpec] = {}
        self._main = threading.get_ident()
        self._outgoing = wire.Up([], [], [])
        self._sending = threading.Lock()
        self._is_stopping = False

    def run(self, env: Environment) -> None:
        """Serve until told to stop."""
        self._main = threading.get_ident()
        self._env = env
        self._stage = Stage(env, self._send, on_wait=self._on_wait)
        look_s = min(LOOK_EVERY_S, max(self._evict_after_s / 2, 0.01))
        due_s = time.monotonic() + look_s
        while not (self._is_stopping and not self._stage.tokens):
            # A look only while there are bodies: an idle host sleeps.
            timeout_s = max(0.0, due_s - time.monotonic()) if self._stage else None
            if select.select([self._connection], [], [], timeout_s)[0]:
                self._read_all()
            if time.monotonic() >= due_s:
                due_s = time.monotonic() + look_s
                self._stage.evict(self._evict_after_s)
            self._flush()

    def signal(self, signal: Signal) -> None:
        """Pass a signal on, from any thread."""
        self._write(wire.Up([], [signal]))

    def report(self, report: AnyReport) -> None:
        """No body of a flow hosts tasks of a pipeline: they are steps."""
        raise ToqueBug(f"a flow cannot report for {report.task}")

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
                for wired in attempts:
                    spec = wire.from_wire(wired, self._nodes)
                    if not self._env.lease.holds():
                        self._outgoing.reports.append(reports.returned(spec))
                        continue
                    self._specs[spec.token] = spec
                    self._stage.begin(spec)
            case wire.StepsEnded(answers=answers):
                self._stage.answer(answers)
            case wire.CancelAttempt(token=token):
                self._stage.cancel(token)
            case wire.DropBody(token=token):
                self._drop(token)
            case wire.Ask():
                self._write(wire.Up([], [], [self._respond(message)]))
            case wire.Stop():
                self._is_stopping = True
                self._stage.evict(0)
            case wire.Drop() | wire.Setup():
                raise ValueError(f"{type(message).__name__} is for other workers")

    def _drop(self, token: Token) -> None:
        spec = self._specs.get(token)
        if spec is not None and token in self._stage.tokens and self._stage.drop(token):
            self._send([reports.cancelled(spec, self._env.now_us())])

    def _send(self, messages: Sequence[FlowMessage]) -> None:
        """Called by bodies: in the main thread, or in the thread of a sync body."""
        is_main = threading.get_ident() == self._main
        up = self._outgoing if is_main else wire.Up([], [], [])
        for message in messages:
            if isinstance(message, Report):
                up.reports.append(message)
                if not isinstance(message, AttemptStarted):
                    self._specs.pop(message.token, None)
            else:
                up.asks.append(message)
        if not is_main:
            self._write(up)
        elif isinstance(messages[0], AttemptStarted):
            # Before user code runs: should that end the process, the server must know that it had begun.
            self._flush()

    def _on_wait(self, token: Token) -> None:
        if threading.get_ident() == self._main:
            self._outgoing.waiting.append(token)
        else:
            self._write(wire.Up([], [], [], [], [token]))

    def _flush(self) -> None:
        up = self._outgoing
        if up.reports or up.asks or up.waiting:
            self._outgoing = wire.Up([], [], [])
            self._write(up)

    def _write(self, message: wire.Up) -> None:
        data = framed(wire.encode(message))
        with self._sending:
            try:
                self._connection.sendall(data)
            except ConnectionError:
                os._exit(1)


def _evict_after_s() -> float:
    return float(os.environ.get("TOQUE_FLOW_EVICT_AFTER_S", EVICT_AFTER_S))
