"""One worker as the server sees it: its socket, its permits, and what it holds."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from toque.engine.values import Token
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec, BundleRef
from toque.worker import wire
from toque.worker.framing import Unframer, framed, read_now

log = logging.getLogger("toque.executors")

Doom: TypeAlias = Literal["", "timeout", "cancel", "memory"]


MAX_NODES = 2048
"""Definitions that a worker remembers."""


class Kind(NamedTuple):
    """What a worker serves for the whole of its life."""

    bundle: BundleRef
    environment: str
    lane: wire.Lane


@dataclass(slots=True, eq=False)
class Held:
    """An attempt in the hands of the executor."""

    spec: AttemptSpec
    kind: Kind
    expected_us: float | None = None
    worker: Worker | None = None
    """None while it waits for one."""
    started_us: int = 0
    due_s: float = 0.0
    """Loop time of its timeout; 0 for none."""
    doom: Doom = ""
    """Why it is being ended."""
    term_s: float = 0.0
    kill_s: float = 0.0
    """Loop times of the next measures against it."""


@dataclass(eq=False)
class Worker:
    """A process that exists or is about to."""

    no: int
    kind: Kind
    files: str
    connection: socket.socket
    permits: tuple[int, int]
    """Both ends: this side grants by writing and takes back by reading."""
    pid: int = 0
    mark: str = ""
    held: dict[Token, Held] = field(default_factory=dict)
    """In the order in which they were sent."""
    running: int = 0
    load_us: float = 0.0
    """Expected work in `held`."""
    moved_s: float = 0.0
    """When it last began something, or was given something while empty."""
    has_spoken: bool = False
    is_leaving: bool = False
    """Gets nothing new: told to stop, doomed, or dead."""
    is_killed: bool = False
    is_garbled: bool = False
    """It sent what cannot be read: user code wrote into its connection, or damaged its memory."""
    asked: dict[int, asyncio.Future[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._unframer = Unframer()
        self._outgoing = bytearray()
        self._nodes: dict[int, tuple[int, TaskNode]] = {}
        self._last_number = 0
        self._is_waiting = False
        self.is_closed = False

    @property
    def is_idle(self) -> bool:
        """Holds nothing and answers nothing."""
        return not self.held and not self.asked

    def give(self, helds: Sequence[Held], now_s: float) -> None:
        """Send attempts, with permits in the lane that needs them."""
        if not self.held:
            self.moved_s = now_s
        nodes: dict[int, TaskNode] = {}
        wired = []
        is_full = len(self._nodes) > MAX_NODES
        if is_full:
            self._nodes.clear()
        for held in helds:
            held.worker = self
            self.held[held.spec.token] = held
            self.load_us += held.expected_us or 0.0
            wired.append(wire.to_wire(held.spec, self._number(held.spec.node, nodes)))
        self.send(wire.Run(wired, nodes, is_full))
        if self.kind.lane == "sync":
            os.write(self.permits[1], b"." * len(helds))

    def take_back(self) -> list[Held]:
        """Everything that it has not begun, without its help. Empty for lanes that begin at once."""
        if self.kind.lane != "sync" or len(self.held) <= self.running:
            return []
        try:
            count = len(os.read(self.permits[0], 64 * 1024))
        except BlockingIOError:
            return []
        taken = list(self.held.values())[-count:]
        for held in taken:
            self.forget(held)
            held.worker = None
        if not self.is_closed:
            self.send(wire.Drop(count))
        return taken

    def forget(self, held: Held) -> None:
        """It is not its any more."""
        if self.held.pop(held.spec.token, None) is not None:
            self.load_us = self.load_us - (held.expected_us or 0.0) if self.held else 0.0
            if held.started_us:
                self.running -= 1

    def send(self, message: wire.Down) -> None:
        """Send a frame; what the socket does not take at once follows when it can."""
        if self.is_closed:
            return
        self._outgoing += framed(wire.encode(message))
        self._flush()

    def read(self, heard: Callable[[Worker, wire.Up], None]) -> bool:
        """Pass on all that has arrived. False at the end of the stream, and from the first frame on that no worker
        would send (`is_garbled`)."""
        if self.is_garbled:
            return False
        while (data := read_now(self.connection)) is not None:
            if not data:
                return False
            for payload in self._unframer.feed(data):
                try:
                    message = wire.decode_up(payload)
                except (msgspec.MsgspecError, ValueError):  # ValueError: text that is no UTF-8
                    self.is_garbled = True
                    log.error("worker %d sent what cannot be read, and is given up", self.no)
                    return False
                self.has_spoken = True
                heard(self, message)
        return True

    def close(self) -> None:
        """Let go of the socket and the permits."""
        if not self.is_closed:
            self.is_closed = True
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.connection)
            loop.remove_writer(self.connection)
            self.connection.close()
            for end in self.permits:
                os.close(end)
            for future in self.asked.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the worker is gone"))

    def _flush(self) -> None:
        try:
            sent = self.connection.send(self._outgoing)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            sent = len(self._outgoing)  # its death will be reported
        del self._outgoing[:sent]
        if bool(self._outgoing) != self._is_waiting:
            self._is_waiting = bool(self._outgoing)
            loop = asyncio.get_running_loop()
            if self._is_waiting:
                loop.add_writer(self.connection, self._flush)
            else:
                loop.remove_writer(self.connection)

    def _number(self, node: TaskNode, new: dict[int, TaskNode]) -> int:
        """The number of a node for this worker; a node that it does not know is added to `new`."""
        known = self._nodes.get(id(node))
        if known is not None and known[1] is node:
            return known[0]
        self._last_number += 1
        self._nodes[id(node)] = (self._last_number, node)
        new[self._last_number] = node
        return self._last_number


def being_started(worker: Worker, innocent: Collection[Token] = ()) -> Held | None:
    """Of what a dead worker held, the attempt that it may have died of starting: the next in line, unless one that had
    begun is to blame. `innocent` have begun, and did nothing."""
    if any(held.started_us for token, held in worker.held.items() if token not in innocent):
        return None
    return next((held for held in worker.held.values() if not held.started_us), None)
