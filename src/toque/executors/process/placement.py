"""What waits for a worker, and who gets it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from toque.executors.process.durations import HELD_US, MAX_HELD, Durations, depth
from toque.executors.process.fleet import Fleet
from toque.executors.process.options import ProcessOptions
from toque.executors.process.worker import Held, Kind, Worker
from toque.graph.ir import TaskNode
from toque.worker.wire import Lane

STUCK_AFTER_S = 0.015
"""A worker that has not moved for so long gets nothing more, and what it has not begun is given to others."""


def lane_of(node: TaskNode) -> Lane:
    """How attempts of a node are run."""
    if node.code.mode == "async":
        return "async"
    return "thread" if node.policy.io_bound else "sync"


class Placement:
    """The backlog of each kind, and the rules by which workers are filled."""

    def __init__(self, options: ProcessOptions, fleet: Fleet, durations: Durations) -> None:
        self._options = options
        self._fleet = fleet
        self._durations = durations
        self._backlog: dict[Kind, deque[Held]] = {}
        self._counts: dict[Lane, int] = {"sync": 0, "async": 0, "thread": 0}
        """In the hands of the executor, waiting or held."""
        self._latest: dict[Lane, Kind] = {}

    def add(self, helds: Iterable[Held]) -> None:
        """New attempts."""
        for held in helds:
            self._backlog.setdefault(held.kind, deque()).append(held)
            self._latest[held.kind.lane] = held.kind

    def put_back(self, helds: list[Held]) -> None:
        """Attempts that were taken back from a worker go first."""
        for held in reversed(helds):
            self._backlog.setdefault(held.kind, deque()).appendleft(held)

    def remove(self, held: Held) -> None:
        """It waits no more."""
        waiting = self._backlog.get(held.kind)
        if waiting is not None and held in waiting:
            waiting.remove(held)

    def count(self, held: Held, change: int) -> None:
        """It has come into the hands of the executor, or left them."""
        self._counts[held.kind.lane] += change

    def has_waiting(self) -> bool:
        """Something has no worker."""
        return any(self._backlog.values())

    def take_all(self) -> list[Held]:
        """Everything that waits, which it does no more."""
        taken = [held for waiting in self._backlog.values() for held in waiting]
        self._backlog.clear()
        return taken

    def room(self, lane: Lane, duration_us: float | None) -> int:
        """How many more attempts of a lane it makes sense to have here."""
        match lane:
            case "async":
                limit = self._options.async_limit
            case "thread":
                limit = self._options.thread_limit
            case "sync":
                held = depth(duration_us)
                # Twice what workers may hold, so that they are refilled without waiting for the runtime.
                limit = self._options.workers * (held if held == 1 else 2 * held)
        return max(0, limit - self._counts[lane])

    def free(self) -> int:
        """Room for whatever comes: that of the sync lane, and of the others once there is use for them."""
        room = self.room("sync", self._durations.typical_us)
        for lane in ("async", "thread"):
            if lane in self._latest:
                room += self.room(lane, None)
        return room

    def place(self) -> None:
        """Give what waits to whoever has room; start and retire workers as needed."""
        for kind, waiting in list(self._backlog.items()):
            if not waiting:
                del self._backlog[kind]
            elif kind.lane == "sync":
                self._fill_sync(kind, waiting)
            else:
                self._fill_shared(kind, waiting)

    def retire_idle(self, now_s: float) -> None:
        """Let workers go that serve what nobody has asked for lately."""
        for worker in list(self._fleet.workers.values()):
            is_old = self._latest.get(worker.kind.lane) != worker.kind
            if is_old and worker.is_idle and now_s - worker.moved_s > self._options.idle_s:
                self._fleet.stop_worker(worker)

    def _fill_sync(self, kind: Kind, waiting: deque[Held]) -> None:
        now_s = asyncio.get_running_loop().time()
        mine = [worker for worker in self._fleet.workers.values() if worker.kind == kind and not worker.is_leaving]
        while waiting:
            hungry = [worker for worker in mine if _is_hungry(worker, now_s)]
            if not hungry:
                worker = self._another(kind, len(waiting))
                if worker is None:
                    return
                mine.append(worker)
                continue
            hungry.sort(key=lambda worker: worker.load_us)
            fair = -(-len(waiting) // len(hungry))
            given = 0
            for worker in hungry:
                batch = _batch(self._durations, worker, waiting, fair)
                if batch:
                    worker.give(batch, now_s)
                    given += len(batch)
            if not given:
                return

    def _another(self, kind: Kind, wanted: int) -> Worker | None:
        """A new worker for `kind`, if the machine may have one more or somebody idle makes room."""
        if self._fleet.broken is not None:
            return None
        sync = [w for w in self._fleet.workers.values() if w.kind.lane == "sync" and not w.is_leaving]
        unused = sum(1 for worker in sync if worker.kind == kind and worker.is_idle)
        if wanted <= unused:
            return None
        if len(sync) >= self._options.workers:
            others = [worker for worker in sync if worker.kind != kind]
            idle = [worker for worker in others if worker.is_idle]
            if idle:
                self._fleet.stop_worker(min(idle, key=lambda worker: worker.moved_s))
            else:
                if others and not any(worker.kind == kind for worker in sync):
                    self._let_go(others)
                return None
        return self._fleet.spawn(kind)

    def _let_go(self, others: list[Worker]) -> None:
        """Nobody serves the kind, and all workers are busy with other bundles: the one with the least to do stops
        after what it has begun."""
        leaving = any(worker.is_leaving for worker in self._fleet.workers.values())
        if not leaving:
            victim = min(others, key=lambda worker: worker.load_us)
            self.put_back(victim.take_back())
            self._fleet.stop_worker(victim)

    def _fill_shared(self, kind: Kind, waiting: deque[Held]) -> None:
        limit = self._options.async_limit if kind.lane == "async" else self._options.thread_limit
        mine = [worker for worker in self._fleet.workers.values() if worker.kind == kind and not worker.is_leaving]
        if not mine:
            if self._fleet.broken is not None:
                return
            mine = [self._fleet.spawn(kind)]
        worker = mine[0]
        batch: list[Held] = []
        while waiting and len(worker.held) + len(batch) < limit:
            batch.append(waiting.popleft())
        if batch:
            worker.give(batch, asyncio.get_running_loop().time())


def _batch(durations: Durations, worker: Worker, waiting: deque[Held], fair: int) -> list[Held]:
    """What `worker` is given now: one attempt of unknown length, or as much known work as it may hold."""
    batch: list[Held] = []
    load_us, count = worker.load_us, len(worker.held)
    while waiting and len(batch) < fair:
        expected_us = durations.of(waiting[0].spec.node)
        if count and (expected_us is None or load_us + expected_us > HELD_US or count >= MAX_HELD):
            break
        if not worker.has_spoken and count:
            break
        held = waiting.popleft()
        held.expected_us = expected_us
        batch.append(held)
        count += 1
        if expected_us is None:
            break
        load_us += expected_us
    return batch


def _is_hungry(worker: Worker, now_s: float) -> bool:
    """Has little left to do, and does it."""
    if worker.is_leaving or worker.asked:
        return False
    if not worker.held:
        return True
    is_moving = now_s - worker.moved_s < STUCK_AFTER_S
    return is_moving and len(worker.held) <= MAX_HELD // 2 and worker.load_us < HELD_US / 2
