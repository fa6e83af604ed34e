"""The world of one seed: a pipeline, runs of it, a system that carries them out, and everything that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.simulation.clockwork import Clockwork
from tests.simulation.faults import Faults
from tests.simulation.invariants import Invariants
from tests.simulation.pipelines import PARAMETERS
from tests.simulation.server import Server
from tests.simulation.store import Store, StoredRun
from tests.simulation.workers import SECOND, Executor
from toque.engine import inputs as i
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey
from toque.graph.ir import Pipeline, TaskNode

MOST_EVENTS = 60_000


@dataclass
class Outcome:
    """How a run ended, for comparisons."""

    state: str
    tasks: dict[TaskKey, tuple[str, bytes]] = field(default_factory=dict)


class World:
    """Simulates one pipeline under given faults."""

    def __init__(self, seed: int, pipeline: Pipeline, faults: Faults, runs: int = 1) -> None:
        self.seed = seed
        self.pipeline = pipeline
        self.faults = faults
        self.rng = Random(f"world/{seed}/{faults}")
        self.clock = Clockwork()
        self.store = Store(frozenset(node.id for node in pipeline.nodes if isinstance(node, TaskNode) and node.host))
        self.origins: dict[str, list[TaskRow]] = {}
        self.invariants = Invariants(pipeline, self.store, Random(f"checks/{seed}"))
        self.executors = {
            name: Executor(
                name,
                capacity,
                local,
                self.clock,
                self.rng,
                faults,
                deliver=self._deliver,
                on_start=self.invariants.attempt_starts,
            )
            for name, capacity, local in (("process", 3, True), ("remote", 2, False), ("flow", 10, True))
        }
        self.boots = 0
        self.server: Server | None = None
        for number in range(runs):
            self.create(f"run{number}")

    def create(self, run_id: str, origin: str = "", reuse: tuple[str, ...] = ()) -> None:
        """Queue a run; with an origin, as its rerun."""
        if origin:
            self.origins[run_id] = self.store.runs[origin].tasks
        row = RunRow(
            run_id=run_id,
            pipeline=self.pipeline.name,
            version="1",
            state=RunState.QUEUED,
            parameters=PARAMETERS,
            created_us=self.clock.now_us,
            origin_run=origin,
            reuse=reuse,
        )
        self.store.create(row)

    def simulate(self) -> dict[str, Outcome]:
        """Let everything happen until nothing does; returns how each run ended."""
        if self.boots == 0:
            self._boot()
        elif self.server is not None:
            self.server.start()
        self._plan_trouble()
        while self.clock.step():
            if self.clock.count > MOST_EVENTS:
                raise AssertionError(f"no end after {MOST_EVENTS} events: {self._unfinished()}")
            if self.server is not None and not self.server.alive:
                self._fall()
            if all(stored.run.state.is_terminal for stored in self.store.runs.values()):
                break
        unfinished = self._unfinished()
        assert not unfinished, f"nothing happens any more, and there is no end: {unfinished}"
        self.invariants.at_the_end(self.server)
        return {run_id: outcome_of(stored) for run_id, stored in self.store.runs.items()}

    # -- the system

    def _boot(self) -> None:
        self.boots += 1
        self.server = Server(
            boot=self.boots,
            seed=self.seed,
            pipeline=self.pipeline,
            origins=self.origins,
            store=self.store,
            executors=self.executors,
            clock=self.clock,
            rng=self.rng,
            faults=self.faults,
            check=self.invariants.after_commit,
            on_host=self.invariants.host_is_told,
        )
        self.server.start()

    def _fall(self) -> None:
        """The server died; its local workers with it."""
        self.server = None
        for executor in self.executors.values():
            if executor.local:
                executor.die()
        self.clock.after(self.rng.randint(1, 3 * SECOND), self._boot)

    def _deliver(self, report: object) -> None:
        if self.server is not None and self.server.alive:
            self.server.receive(report)

    # -- trouble

    def _plan_trouble(self) -> None:
        """Workers die, people meddle: now and then, for a while."""
        for at in range(40):
            when = at * SECOND + self.rng.randrange(SECOND)
            if self.rng.random() < self.faults.kill_worker:
                name = self.rng.choice(("process", "remote"))
                self.clock.after(when, lambda name=name: self.executors[name].kill_worker())  # type: ignore[misc]
            if self.rng.random() < self.faults.kill_host:
                self.clock.after(when, self.executors["flow"].kill_worker)
            if self.rng.random() < self.faults.suspend:
                self.clock.after(when, self._suspend)
            if self.rng.random() < self.faults.meddle:
                self.clock.after(when, self._meddle)

    def _suspend(self) -> None:
        run_id = self.rng.choice(list(self.store.runs))
        self._deliver(i.Suspend(run_id=run_id, actor="ana"))
        self._resume_until_it_runs(run_id)

    def _resume_until_it_runs(self, run_id: str) -> None:
        def resume() -> None:
            if self.store.runs[run_id].run.state is RunState.SUSPENDED:
                self._deliver(i.Resume(run_id=run_id, actor="ana"))
            if not self.store.runs[run_id].run.state.is_terminal:
                self.clock.after(5 * SECOND, resume)

        self.clock.after(self.rng.randint(1, 5 * SECOND), resume)

    def _meddle(self) -> None:
        run_id = self.rng.choice(list(self.store.runs))
        rows = list(self.store.runs[run_id].by_key.values())
        if not rows or self.rng.random() < 0.2:
            self._deliver(i.Cancel(run_id=run_id, actor="ana", reason="enough"))
            return
        row = self.rng.choice(rows)
        if self.rng.random() < 0.5:
            self._deliver(
                i.Cancel(run_id=run_id, actor="ana", reason="this one", task=row.task, map_index=row.map_index)
            )
        else:
            state = self.rng.choice((TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED))
            self._deliver(i.Mark(run_id=run_id, task=row.task, map_index=row.map_index, state=state, actor="ana"))

    def _unfinished(self) -> str:
        lines = []
        for run_id, stored in self.store.runs.items():
            if not stored.run.state.is_terminal:
                open_rows = [
                    f"{key}={row.state.value}" for key, row in stored.by_key.items() if not row.state.is_terminal
                ]
                lines.append(f"{run_id} {stored.run.state.value}: {', '.join(open_rows) or 'no open task runs'}")
        return "; ".join(lines)


def outcome_of(stored: StoredRun) -> Outcome:
    """What two worlds are compared by."""
    return Outcome(
        stored.run.state.value,
        {
            key: (row.state.value, (row.result.inline or b"") if row.result else b"")
            for key, row in stored.by_key.items()
        },
    )
