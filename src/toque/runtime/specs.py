"""Specs: what an executor is handed for an attempt, made from the state of its run after the commit."""

from __future__ import annotations

from toque.engine.hosting import members_of
from toque.engine.run import Run
from toque.engine.sourcing import attempt_inputs, idempotency_key
from toque.engine.values import Entry, TaskKey, Token, Values
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec, ItemSource
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import OwnedRun
from toque.worker import pages
from toque.worker.log import log_path


class Specs:
    """Builds `AttemptSpec`s; gathered results that are too many for a message are written to a blob."""

    def __init__(self, blobs: Blobs, options: RuntimeOptions) -> None:
        self._blobs = blobs
        self._options = options

    def build(self, owned: OwnedRun, key: TaskKey, attempt: int, token: Token) -> AttemptSpec:
        """The spec of one dispatch. Raises `OSError` when a blob cannot be written."""
        run = owned.machine
        row = run.row
        node = run.node(key.task)
        if not isinstance(node, TaskNode):
            raise ToqueBug(f"{key} is not a task")
        inputs = attempt_inputs(run, key)
        return AttemptSpec(
            run_id=row.run_id,
            task=key.task,
            map_index=key.map_index,
            attempt=attempt,
            token=token,
            node=node,
            version=row.version,
            pipeline=row.pipeline,
            sources={name: self._slim(run, name, key, entry) for name, entry in inputs.sources.items()},
            items={
                name: tuple(
                    ItemSource(index=item.position, entry=item.entry, source=item.source, is_item=item.is_item)
                    for item in axes
                )
                for name, axes in inputs.items.items()
            },
            payload=inputs.payload,
            parameters=row.parameters,
            idempotency_key=idempotency_key(run, key),
            created_us=row.created_us,
            logical_us=row.logical_us,
            interval_start_us=row.interval_start_us,
            interval_end_us=row.interval_end_us,
            partition_key=row.partition_key,
            dynamic=row.dynamic,
            deadline_us=inputs.deadline_us,
            handle=inputs.handle,
            deferrals=inputs.deferrals,
            steps_ended=_steps_ended(run, key) if node.kind == "flow" else 0,
            run_report=inputs.run_report,
            members=members_of(run, key) if run.nodes[key.task].hosted else (),
            log_path=self._log_path(row.run_id, key, attempt),
        )

    def _slim(self, run: Run, source: str, key: TaskKey, entry: Entry) -> Entry:
        if not isinstance(entry, Values) or len(entry.items) <= self._options.spill_entries:
            return entry
        prefix = ".".join(map(str, key.map_index)) or "all"
        name = f"runs/{run.row.run_id}/gathered/{source}/{prefix}/{len(entry.items)}"
        return pages.spill(entry.items, self._blobs, name)

    def _log_path(self, run_id: str, key: TaskKey, attempt: int) -> str:
        return log_path(self._options.logs, run_id, key, attempt) if self._options.logs else ""


def _steps_ended(run: Run, key: TaskKey) -> int:
    found = run.nodes[key.task].lane_of(key.map_index)
    return 0 if found is None else found[0].orders.get(found[1], 0)
