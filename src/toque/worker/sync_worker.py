"""A worker that makes one attempt at a time, in its main thread.

It holds a batch of attempts and may begin one only with a *permit*: a byte in a pipe that the server shares. The server
takes back attempts by taking back permits, which needs no cooperation: not even of a worker whose current attempt holds
the GIL. Permits are granted in the order of the attempts, and taken back from the end.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable
from types import FrameType

from toque.engine.inputs import AnyReport
from toque.engine.values import Token
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, Signal
from toque.worker import attempt, wire
from toque.worker.context import lone
from toque.worker.control import Cancelled
from toque.worker.environment import Environment
from toque.worker.framing import Unframer, framed, read_now

Respond = Callable[[wire.Ask], wire.Answer]


class SyncWorker:
    """The loop."""

    def __init__(self, connection: socket.socket, permits: int, respond: Respond) -> None:
        self._connection = connection
        self._permits = permits
        self._respond = respond
        self._unframer = Unframer()
        self._queue: deque[AttemptSpec] = deque()
        self._nodes: dict[int, TaskNode] = {}
        self._current: AttemptSpec | None = None
        self._is_stopping = False
        self._cancelled: set[Token] = set()
        self._sending = threading.Lock()
        self._sender = 0
        self._is_owed = False

    def run(self, env: Environment) -> None:
        """Serve until told to stop."""
        os.set_blocking(self._permits, False)
        signal.signal(signal.SIGUSR1, self._on_cancel)
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._permits, select.POLLIN)
        last: AnyReport | None = None
        while True:
            if self._claim():
                spec = self._next()
                if not env.lease.holds():
                    self._tell(wire.Up([*([] if last is None else [last]), attempt.returned(spec)]))
                    last = None
                    continue
                self._current, self._is_owed = spec, False
                # One send says how the last one ended and that the next begins, so that neither is late.
                begin = attempt.started(spec, env)
                self._tell(wire.Up([begin] if last is None else [last, begin]))
                last = attempt.execute(spec, env, exclusive=True)
                self._current = None
                if env.project and os.getcwd() != env.project:
                    os.chdir(env.project)
                continue
            if last is not None:
                self._tell(wire.Up([last]))
                last = None
            elif self._is_stopping and not self._queue:
                return
            else:
                poll.poll()
                self._read_all()

    def signal(self, signal: Signal) -> None:
        """Pass a signal on. Any thread of user code may call this."""
        self._pass_on(wire.Up([], [signal]))

    def report(self, report: AnyReport) -> None:
        """Pass on what a host says of a task that it runs. Any thread of user code may call this."""
        self._pass_on(wire.Up([report]))

    def _pass_on(self, message: wire.Up) -> None:
        self._tell(message)
        if self._is_owed and threading.get_ident() == threading.main_thread().ident:
            self._is_owed = False
            raise Cancelled

    def _claim(self) -> bool:
        try:
            return bool(os.read(self._permits, 1))
        except BlockingIOError:
            return False

    def _next(self) -> AttemptSpec:
        """The attempt that the claimed permit is for. What was sent before the permit is read first: it may say that
        others in the queue are not ours any more."""
        self._read_all()
        while not self._queue:
            select.select([self._connection], [], [])
            self._read_all()
        return self._queue.popleft()

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
                self._queue.extend(wire.from_wire(wired, self._nodes) for wired in attempts)
            case wire.Drop(count=count):
                for _ in range(count):
                    self._queue.pop()
            case wire.CancelAttempt(token=token):
                self._cancelled.add(token)
            case wire.Ask():
                self._tell(wire.Up([], [], [self._respond(message)]))
            case wire.Stop():
                self._is_stopping = True
            case wire.Setup() | wire.StepsEnded() | wire.DropBody():
                raise ValueError(f"{type(message).__name__} is not for a worker that runs")

    def _on_cancel(self, signo: int, frame: FrameType | None) -> None:
        """The server has something to say about the current attempt: that it is to end."""
        context = lone.context
        if self._current is None or context is None:
            return  # between attempts, where the loop itself reads
        self._read_all()
        if self._current.token not in self._cancelled:
            return
        self._cancelled.clear()
        context.cancelled = True
        if not lone.interruptible:
            return
        if self._sender == threading.main_thread().ident:
            self._is_owed = True  # a frame is half sent: raised as soon as the rest is
        else:
            raise Cancelled

    def _tell(self, message: wire.Up) -> None:
        data = framed(wire.encode(message))
        with self._sending:
            self._sender = threading.get_ident()
            try:
                self._connection.sendall(data)
            except ConnectionError:
                os._exit(1)
            finally:
                self._sender = 0
