"""Workers of this machine, as the system page shows them."""

from __future__ import annotations

from collections.abc import Mapping

from toque.api.wire.system import PoolUser, WorkerRow
from toque.ports.executor import Executor, HasWorkers, WorkerSeen


class LocalMachine:
    """A `Machine` (see `toque.api.services`)."""

    def __init__(self, executors: Mapping[str, Executor]) -> None:
        self._executors = executors

    def workers(self) -> list[WorkerRow]:
        """See `Machine.workers`."""
        return [
            _row(name, each)
            for name, executor in self._executors.items()
            if isinstance(executor, HasWorkers)
            for each in executor.workers()
        ]

    def free(self, executor: str) -> int:
        """See `Machine.free`."""
        return self._executors[executor].free() if executor in self._executors else 0


def _row(executor: str, seen: WorkerSeen) -> WorkerRow:
    return WorkerRow(
        worker=seen.name,
        executor=executor,
        state=seen.state,
        attempts=[
            PoolUser(run_id=run_id, task=task, index=list(index), since_us=since_us, slots=1)
            for run_id, task, index, since_us in seen.attempts
        ],
        bundle=seen.bundle,
        environment=seen.environment,
    )
