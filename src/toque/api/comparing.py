"""Two runs side by side: what differs in parameters, outcomes, durations and outputs."""

from __future__ import annotations

from toque.api import rows
from toque.api.plain import plain
from toque.api.services import Services
from toque.api.wire.runs import Comparison, ParameterDifference, TaskDifference
from toque.engine.rows import RunRow
from toque.ports.pages import NodeCounts, TaskQuery, worst_state

MOST_OUTPUTS = 2000
"""Task runs of each run whose outputs are compared: those outside of maps come first in most pipelines."""


async def compared(asked: Services, a: RunRow, b: RunRow) -> Comparison:
    """Tasks in the order of their ids."""
    of_a = {each.task: each for each in await asked.store.history.nodes(a.run_id)}
    of_b = {each.task: each for each in await asked.store.history.nodes(b.run_id)}
    outputs_a, outputs_b = await _outputs(asked, a.run_id), await _outputs(asked, b.run_id)
    names = sorted({*a.parameters, *b.parameters})
    return Comparison(
        a=rows.run(a),
        b=rows.run(b),
        parameters=[
            ParameterDifference(name=name, a=plain(a.parameters.get(name)), b=plain(b.parameters.get(name)))
            for name in names
            if a.parameters.get(name) != b.parameters.get(name) or (name in a.parameters) != (name in b.parameters)
        ],
        version_changed=a.version != b.version,
        tasks=[
            TaskDifference(
                task=task,
                a_state=_state(of_a.get(task)),
                b_state=_state(of_b.get(task)),
                a_us=_took_us(of_a.get(task)),
                b_us=_took_us(of_b.get(task)),
                output_changed=_changed(outputs_a.get(task, {}), outputs_b.get(task, {})),
            )
            for task in sorted({*of_a, *of_b})
        ],
    )


async def _outputs(asked: Services, run_id: str) -> dict[str, dict[tuple[int, ...], str]]:
    """Digests of outputs by task and map index."""
    page = await asked.store.history.task_runs(TaskQuery(run_id=run_id, limit=MOST_OUTPUTS))
    found: dict[str, dict[tuple[int, ...], str]] = {}
    for row in page.tasks:
        if row.result is not None:
            found.setdefault(row.task, {})[row.map_index] = row.result.digest
    return found


def _changed(a: dict[tuple[int, ...], str], b: dict[tuple[int, ...], str]) -> bool | None:
    return a != b if a and b else None


def _state(counts: NodeCounts | None) -> str:
    return str(worst_state(counts.counts)) if counts is not None and counts.total else ""


def _took_us(counts: NodeCounts | None) -> int:
    return max(0, counts.finished_us - counts.started_us) if counts is not None and counts.started_us else 0
