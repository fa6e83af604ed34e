"""Force: bodies at their timeout, or that were told to end and do not heed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from toque.engine.inputs import AnyReport
from toque.engine.values import Token
from toque.executors import reports
from toque.executors.flow.processes import Processes
from toque.executors.process.worker import Doom, Held, Worker
from toque.worker import wire

FORCE_AFTER_S = 1.0
"""Between asking a process to drop a body that does not heed its cancel, and killing the process; and the grace of a
body at its timeout."""


class Forcing:
    """One timer for each body that has a timeout or is to end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, processes: Processes) -> None:
        self._loop = loop
        self._processes = processes
        self._timers: dict[Token, asyncio.TimerHandle] = {}

    def started(self, held: Held) -> None:
        """Its timeout runs from now on."""
        timeout_s = held.spec.node.policy.timeout_s
        if timeout_s is not None:
            self._in(timeout_s, held, lambda: self.doom(held, "timeout", FORCE_AFTER_S))

    def doom(self, held: Held, cause: Doom, grace_s: float) -> None:
        """Ask the body to end; after the grace its process is asked to drop it, and at last killed."""
        worker = held.worker
        if worker is None or held.doom:
            return
        held.doom = cause
        worker.send(wire.CancelAttempt(held.spec.token))
        self._in(grace_s, held, lambda: self._drop(held, worker))

    def done(self, held: Held) -> None:
        """It has ended."""
        timer = self._timers.pop(held.spec.token, None)
        if timer is not None:
            timer.cancel()

    def _drop(self, held: Held, worker: Worker) -> None:
        worker.send(wire.DropBody(held.spec.token))
        self._processes.count_dropped(worker)
        self._in(FORCE_AFTER_S, held, lambda: self._processes.kill(worker))

    def _in(self, delay_s: float, held: Held, do: Callable[[], None]) -> None:
        self.done(held)
        self._timers[held.spec.token] = self._loop.call_later(delay_s, do)


def doomed(held: Held, now_us: int) -> AnyReport:
    """The report for a body that was ended on purpose."""
    if held.doom == "timeout":
        return reports.timed_out(held.spec, now_us, held.started_us)
    return reports.cancelled(held.spec, now_us, held.started_us)
