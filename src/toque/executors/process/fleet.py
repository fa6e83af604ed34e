"""The processes: one zygote, its workers, their confirmed deaths."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toque.errors import ToqueError
from toque.executors.process.leftovers import Leftovers
from toque.executors.process.options import ProcessOptions
from toque.executors.process.worker import Kind, Worker
from toque.executors.process.zygote_link import ZygoteLink
from toque.worker import sessions, wire

MAX_ZYGOTE_FAILURES = 5
MAX_STILLBORN = 3
"""Processes of a kind that may be killed in a row before a word; who exits by itself gets no other try."""
DUMP_S = 0.05
"""For the handler that dumps a stack."""
STACK_CHARACTERS = 100_000


@dataclass(frozen=True)
class Hears:
    """Who is told what happens."""

    message: Callable[[Worker, wire.Up], None]
    turn: Callable[[], None]
    """After all messages of one reading."""
    death: Callable[[Worker, str], None]
    """The worker is gone with all of its session; the text says how it ended."""


class Fleet:
    """Starts and ends workers."""

    def __init__(self, options: ProcessOptions) -> None:
        self._options = options
        self._numbers = itertools.count(1)
        self._host = socket.gethostname()
        self._failures = 0
        self._stillborn: Counter[Kind] = Counter()
        self._is_stopping = False
        self.broken: ToqueError | None = None
        """Set when the zygote cannot be kept alive: nothing can run here any more."""
        self._recovering: asyncio.Task[None] | None = None
        self.workers: dict[int, Worker] = {}
        self.changed = asyncio.Event()
        """Set whenever a worker is gone."""

    def start(self, hears: Hears) -> None:
        """Clear away what a killed server left, and start the zygote (which takes a while to be up; spawning does not
        wait for that)."""
        self._hears = hears
        self._leftovers = Leftovers(Path(self._options.state_dir))
        self._folder = self._leftovers.claim()
        self._start_zygote()
        for files in self._leftovers.clear():
            self._zygote.send(wire.Fold(files))

    def spawn(self, kind: Kind, preload: tuple[str, ...] = ()) -> Worker:
        """A new worker; it can be given work at once."""
        no = next(self._numbers)
        mine, its = socket.socketpair()
        mine.setblocking(False)
        permits = os.pipe()
        os.set_blocking(permits[0], False)
        worker = Worker(no, kind, str(self._folder / f"w{no}"), mine, permits)
        worker.moved_s = asyncio.get_running_loop().time()
        self.workers[no] = worker
        python = self._options.environments.get(kind.environment, "") if kind.environment else ""
        if not self._is_down:
            self._zygote.send(wire.Spawn(no=no, files=worker.files, python=python), (its.fileno(), permits[0]))
        its.close()
        asyncio.get_running_loop().add_reader(mine, self._read, worker)
        limits = {"async": self._options.async_limit, "thread": self._options.thread_limit}
        worker.send(
            wire.Setup(
                lane=kind.lane,
                bundle=kind.bundle.path,
                project=kind.bundle.project or self._options.project,
                blobs_url=self._options.blobs_url,
                name=self._host,
                preload=preload,
                limit=limits.get(kind.lane, 1),
                lease=self._options.lease,
            )
        )
        return worker

    def cannot_start(self, kind: Kind) -> bool:
        """Another process of this kind would not come up either."""
        return self._stillborn[kind] > MAX_STILLBORN

    def stop_worker(self, worker: Worker) -> None:
        """Let it close its resources and exit."""
        if not worker.is_leaving:
            worker.is_leaving = True
            worker.send(wire.Stop())

    def signal(self, worker: Worker, signo: int, *, everybody: bool = False) -> None:
        """Through its parent, who knows whether it still exists."""
        self._zygote.send(wire.Send(worker.no, signo, everybody))

    def kill(self, worker: Worker) -> None:
        """SIGKILL to all of its session; `Hears.death` follows."""
        worker.is_leaving = True
        if not worker.is_killed:
            worker.is_killed = True
            self._zygote.send(wire.Kill(worker.no))

    async def wait_until_gone(self, timeout_s: float) -> bool:
        """True when no worker is left."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + timeout_s
        while self.workers:
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), max(0.0, due_s - loop.time()))
            except TimeoutError:
                return not self.workers
        return True

    async def stop(self) -> None:
        """End the zygote, and with it whatever still lives."""
        self._is_stopping = True
        if self._recovering is not None:
            self._recovering.cancel()
        self._zygote.close()
        await asyncio.get_running_loop().run_in_executor(None, self._zygote.wait, 5.0)
        for worker in list(self.workers.values()):
            self._bury(worker, "the executor was stopped")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_zygote(self) -> None:
        self._is_down = False
        self._zygote = ZygoteLink(self._on_zygote, self._on_zygote_end)
        self._zygote.start(self._options.project, str(self._folder / "zygote.err"), self._options.environ)

    def _read(self, worker: Worker) -> None:
        if not worker.read(self._hears.message):
            # The end of the stream is no proof of death: that comes from the zygote.
            worker.is_leaving = True
            asyncio.get_running_loop().remove_reader(worker.connection)
            if worker.is_garbled:
                self.kill(worker)
        if worker.has_spoken:
            self._stillborn.pop(worker.kind, None)
        self._hears.turn()

    def _on_zygote(self, message: wire.FromZygote) -> None:
        self._failures = 0
        worker = self.workers.get(message.no)
        if worker is None:
            return
        match message:
            case wire.Spawned(pid=pid, started=started):
                worker.pid, worker.mark = pid, started
                self._leftovers.record(worker.files, pid, started)
            case wire.Died(status=status, said=said):
                self._bury(worker, f"{_how(status)}{': ' if said else ''}{said}", by_itself=status >= 0)

    def _bury(self, worker: Worker, how: str, *, by_itself: bool = False) -> None:
        if self.workers.pop(worker.no, None) is None:
            return
        if not worker.is_closed:
            worker.read(self._hears.message)  # what it said last
        worker.close()
        worker.is_leaving = True
        if not worker.has_spoken and not worker.is_killed:
            self._stillborn[worker.kind] += 1 if not by_itself else MAX_STILLBORN + 1
        self._hears.death(worker, how)
        self._leftovers.forget(worker.files)
        self.changed.set()
        self._hears.turn()

    def _on_zygote_end(self) -> None:
        if not self._is_stopping and self._recovering is None:
            self._is_down = True
            self._recovering = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        """The zygote is gone, and its workers with it (the kernel sees to that). Make sure, then begin anew."""
        self._failures += 1
        failure = self._zygote.failure()
        self._zygote.close()
        await asyncio.get_running_loop().run_in_executor(None, self._zygote.wait, 5.0)
        for worker in list(self.workers.values()):
            worker.is_leaving = True
            await _end_orphan(worker)
        self._recovering = None
        orphans = list(self.workers.values())
        if self._failures < MAX_ZYGOTE_FAILURES:
            self._start_zygote()
        else:
            self.broken = failure
        for worker in orphans:
            if self.broken is None:
                worker.is_killed = True
                self._zygote.send(wire.Fold(worker.files))
            self._bury(worker, str(self.broken or "its parent process was killed"))


def idle_worker(fleet: Fleet, kind: Kind) -> Worker:
    """A worker of `kind` with nothing to do; a new one if there is none."""
    for worker in fleet.workers.values():
        if worker.kind == kind and worker.is_idle and not worker.is_leaving:
            return worker
    return fleet.spawn(kind)


async def interrogate(fleet: Fleet, worker: Worker) -> str:
    """Where a worker is that does not answer; it is killed."""
    fleet.signal(worker, signal.SIGUSR2)
    await asyncio.sleep(DUMP_S)
    try:
        stack = Path(f"{worker.files}.err").read_text(errors="replace")[-STACK_CHARACTERS:]
    except OSError:
        stack = ""
    fleet.kill(worker)
    return stack


async def _end_orphan(worker: Worker) -> None:
    """End what is left of a worker that has no parent any more."""
    if worker.pid and sessions.start_mark(worker.pid) in ("", worker.mark):
        sessions.kill(worker.pid)
        while sessions.members(worker.pid):
            await asyncio.sleep(0.002)


def _how(status: int) -> str:
    if status >= 0:
        return f"its process exited with code {status}"
    name = str(-status)
    with suppress(ValueError):
        name = signal.Signals(-status).name
    hint = " (killed from outside, perhaps for lack of memory)" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"
