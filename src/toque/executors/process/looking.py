"""The processes of a fleet, as people see them."""

from __future__ import annotations

import socket
from typing import Literal

from toque.executors.process.fleet import Fleet
from toque.executors.process.worker import Worker
from toque.ports.executor import WorkerSeen


def seen(fleet: Fleet) -> list[WorkerSeen]:
    """Those that exist or are about to."""
    host = socket.gethostname()
    return [
        WorkerSeen(
            name=f"{host}:{worker.pid}" if worker.pid else f"{host}:?",
            state=_state(worker),
            lane=worker.kind.lane,
            bundle=worker.kind.bundle.hash,
            environment=worker.kind.environment,
            attempts=[
                (held.spec.run_id, held.spec.task, held.spec.map_index, held.started_us)
                for held in worker.held.values()
            ],
        )
        for worker in fleet.workers.values()
    ]


def _state(worker: Worker) -> Literal["starting", "idle", "busy", "leaving"]:
    if worker.is_leaving:
        return "leaving"
    if not worker.pid:
        return "starting"
    return "busy" if worker.held else "idle"
