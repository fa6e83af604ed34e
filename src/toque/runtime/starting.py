"""Starting: which queued run may begin, counted over all processes that share the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toque.engine import run_admission as runs
from toque.engine.inputs import Cancel, Start
from toque.engine.run import Decision, decide
from toque.engine.states import RunState
from toque.ports.store import Hold
from toque.runtime.batch import Batch
from toque.runtime.owned import OwnedRun

RUNS = "runs:"
"""Prefix of the pools that count the active runs of a pipeline."""
NO_LIMIT = 1_000_000_000
ADMISSION = "admission"
"""The actor of cancels that an overlap policy asked for."""


class Starting:
    """The admission machine of whole runs, for the runs that this process owns."""

    def __init__(self, owned: Mapping[str, OwnedRun], step: Callable[[Batch, OwnedRun, Decision], None]) -> None:
        self._owned = owned
        self._step = step
        self._machine = runs.RunAdmission()
        self._pending: list[runs.RunVerdict] = []
        """Runs that may start since other processes left room."""
        self.contended: set[str] = set()
        """Pools of runs in which other processes hold places."""

    def request(self, batch: Batch, owned: OwnedRun) -> None:
        """A queued run wants to start."""
        row = owned.machine.row
        asked = runs.RunQueued(
            run_id=row.run_id,
            pipeline=row.pipeline,
            concurrency=owned.pipeline.concurrency,
            priority=row.priority,
        )
        self._obey(batch, self._machine.decide(asked))

    def restored(self, batch: Batch, owned: OwnedRun) -> None:
        """A run that was taken in has started already, unless it is queued.

        Its place went with the process that held it. Another run may have taken it by now: one too many for a while,
        where the adopted run would otherwise stand still.
        """
        if owned.machine.row.state is not RunState.QUEUED:
            self._hold_place(batch, owned, at_most=NO_LIMIT)
            self._machine.decide(runs.RunActive(run_id=owned.run_id, pipeline=owned.machine.row.pipeline))

    def reread(self, run_id: str) -> None:
        """The run is about to be read again from the store."""
        self._machine.decide(runs.RunForgotten(run_id=run_id))

    def over(self, batch: Batch, run_id: str) -> None:
        """The run has ended, or belongs to another process now."""
        owned = self._owned.get(run_id)
        if owned is not None and owned.pipeline.concurrency.max_active_runs is not None:
            batch.release.append((RUNS + owned.pipeline.name, run_id))
        self._obey(batch, self._machine.decide(runs.RunOver(run_id=run_id)))

    def places_held(self, pool: str, places: int) -> None:
        """What the store says about the active runs of a pipeline, ours included."""
        name = pool.removeprefix(RUNS)
        here = sum(
            owned.pipeline.name == name and owned.machine.row.state is not RunState.QUEUED
            for owned in self._owned.values()
        )
        elsewhere = max(0, places - here)
        (self.contended.add if elsewhere else self.contended.discard)(pool)
        self._pending += self._machine.decide(runs.RunsElsewhere(pipeline=name, count=elsewhere))

    def start_pending(self, batch: Batch) -> None:
        """Obey what followed from `places_held`."""
        pending, self._pending = self._pending, []
        self._obey(batch, pending)

    def _obey(self, batch: Batch, verdicts: list[runs.RunVerdict]) -> None:
        for verdict in verdicts:
            owned = self._owned[verdict.run_id]
            match verdict:
                case runs.StartRun(run_id=run_id):
                    self._hold_place(batch, owned)
                    self._step(batch, owned, decide(owned.machine, Start(run_id=run_id), batch.now_us))
                case runs.SkipRun(run_id=run_id, reason=reason) | runs.CancelOlder(run_id=run_id, reason=reason):
                    cancel = Cancel(run_id=run_id, actor=ADMISSION, reason=reason)
                    self._step(batch, owned, decide(owned.machine, cancel, batch.now_us))

    def _hold_place(self, batch: Batch, owned: OwnedRun, *, at_most: int = 0) -> None:
        concurrency = owned.pipeline.concurrency
        if concurrency.max_active_runs is not None and concurrency.overlap != "allow":
            limit = at_most or concurrency.max_active_runs
            batch.acquire.append(Hold(pool=RUNS + owned.pipeline.name, holder=owned.run_id, slots=1, limit=limit))
