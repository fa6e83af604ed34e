"""The clocks of what runs: timeouts, cancels that were not heeded, memory, and work stuck behind a long task.

One look every 10 ms while something is held, none when nothing is: the cost does not depend on how many attempts there
are, only on how many processes.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable

from toque.executors.process.fleet import Fleet
from toque.executors.process.ledger import Ledger
from toque.executors.process.options import ProcessOptions
from toque.executors.process.placement import STUCK_AFTER_S, Placement
from toque.executors.process.worker import Doom, Held, Worker
from toque.worker import sessions, wire

LOOK_EVERY_S = 0.01
MEMORY_EVERY_S = 0.1


class Watch:
    """Looks after the workers that hold something."""

    def __init__(self, options: ProcessOptions, fleet: Fleet, placement: Placement, ledger: Ledger) -> None:
        self._options = options
        self._fleet = fleet
        self._placement = placement
        self._ledger = ledger
        self._timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._memory_due_s = 0.0

    def start(self) -> None:
        """Begin to let idle workers go."""
        self._idle_timer = asyncio.get_running_loop().call_later(self._options.idle_s / 2, self._retire)

    def wake(self) -> None:
        """Something may be held now."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        for timer in (self._timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._idle_timer = None

    def doom(self, held: Held, cause: Doom, *, grace_s: float) -> None:
        """End a running attempt: cooperatively where that helps, by signals after `grace_s`."""
        worker = held.worker
        if worker is None or held.doom:
            return
        now_s = asyncio.get_running_loop().time()
        held.doom = cause
        held.term_s = now_s + grace_s
        held.kill_s = held.term_s + self._options.kill_grace_s
        if worker.kind.lane == "sync":
            # Its neighbours have nothing to do with it.
            self._ledger.give_back(worker.take_back())
            worker.is_leaving = True
        if cause == "cancel" or worker.kind.lane != "sync":
            worker.send(wire.CancelAttempt(held.spec.token))
            if worker.kind.lane == "sync":
                self._fleet.signal(worker, signal.SIGUSR1)
        self.wake()
        self._escalate(held, worker, now_s)

    def _retire(self) -> None:
        loop = asyncio.get_running_loop()
        self._placement.retire_idle(loop.time())
        self._idle_timer = loop.call_later(self._options.idle_s / 2, self._retire)

    def _look(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        looks_at_memory = now_s >= self._memory_due_s
        if looks_at_memory:
            self._memory_due_s = now_s + MEMORY_EVERY_S
        is_stuck = False
        for worker in list(self._fleet.workers.values()):
            if not worker.held:
                continue
            self.wake()
            for held in [held for held in worker.held.values() if held.started_us]:
                self._check(held, worker, now_s)
            if looks_at_memory:
                self._check_memory(worker)
            is_stuck |= self._unstick(worker, now_s)
        if is_stuck or self._placement.has_waiting():
            self.wake()
            self._placement.place()

    def _check(self, held: Held, worker: Worker, now_s: float) -> None:
        if held.doom:
            self._escalate(held, worker, now_s)
        elif held.due_s and now_s >= held.due_s:
            # An attempt with a process of its own is ended at once: its code may hold the GIL for ever. One that
            # shares its process is asked first.
            self.doom(held, "timeout", grace_s=0.0 if worker.kind.lane == "sync" else self._options.kill_grace_s)

    def _escalate(self, held: Held, worker: Worker, now_s: float) -> None:
        if now_s >= held.kill_s:
            self._fleet.kill(worker)
        elif now_s >= held.term_s and held.term_s:
            held.term_s = held.kill_s
            self._end_all(worker)

    def _end_all(self, worker: Worker) -> None:
        worker.is_leaving = True
        self._fleet.signal(worker, signal.SIGTERM, everybody=True)

    def _check_memory(self, worker: Worker) -> None:
        limits = [held.spec.node.policy.memory_limit_bytes for held in worker.held.values() if held.started_us]
        bounded = [limit for limit in limits if limit is not None]
        if not bounded or not worker.pid or worker.is_killed:
            return
        if sessions.resident_bytes(worker.pid) > max(bounded):
            for held in _bounded(worker.held.values()):
                held.doom = held.doom or "memory"
            self._ledger.give_back(worker.take_back())
            self._fleet.kill(worker)

    def _unstick(self, worker: Worker, now_s: float) -> bool:
        """Take back what waits behind an attempt that takes long."""
        if worker.kind.lane != "sync" or len(worker.held) <= worker.running:
            return False
        if now_s - worker.moved_s < STUCK_AFTER_S or (not worker.has_spoken and not self._has_idle(worker)):
            return False
        taken = worker.take_back()
        self._placement.put_back(taken)
        return bool(taken)

    def _has_idle(self, other: Worker) -> bool:
        return any(
            worker.is_idle and worker.has_spoken and not worker.is_leaving and worker.kind == other.kind
            for worker in self._fleet.workers.values()
        )


def _bounded(helds: Iterable[Held]) -> list[Held]:
    return [held for held in helds if held.started_us and held.spec.node.policy.memory_limit_bytes is not None]
