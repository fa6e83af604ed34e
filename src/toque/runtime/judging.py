"""Judging: what attempts made is compared with its past before their ends are decided, so that an anomaly that is an
error halts what is made from it.

It happens where ends are recorded, and not in the worker: no attempt asks the store or carries a past along, and a
verdict is written in the transaction of what it is about. What is odd has been kept by then: an `anomalies="error"`
releases nothing behind it, a check that must hold before the value is kept is a `row_count`. What backfills make is
neither judged nor does it teach anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from toque.data.anomalies import LEAST_POINTS
from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed
from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.engine.values import ErrorInfo
from toque.graph.freshness import AnomalyPolicy
from toque.graph.ir import TaskNode
from toque.runtime.messages import Message
from toque.runtime.owned import OwnedRun
from toque.runtime.past import Made, judged, verdict

Past: TypeAlias = Callable[[str], Awaitable[Sequence[Made]]]
"""Of an asset, by key."""


async def judged_messages(messages: Sequence[Message], runs: Mapping[str, OwnedRun], past: Past) -> list[Message]:
    """The same, those that tell of data with what is odd about it."""
    found = list(messages)
    telling = [
        (place, message, owned)
        for place, message in enumerate(messages)
        if isinstance(message, AttemptSucceeded)
        and message.assets
        and (owned := runs.get(message.run_id)) is not None
        and not owned.machine.row.backfill_id
    ]
    judged = await asyncio.gather(*(_judged(message, owned, past) for _, message, owned in telling))
    for (place, _, _), message in zip(telling, judged, strict=True):
        found[place] = message
    return found


async def _judged(report: AttemptSucceeded, owned: OwnedRun, past: Past) -> AttemptSucceeded | AttemptFailed:
    told: list[AnyAssetEvent] = []
    wrong: list[Checked] = []
    for event in report.assets:
        policy = _policy(owned, event.asset)
        if not isinstance(event, Materialized | Observed) or policy == "off" or not _counts(owned, report.task, event):
            told.append(event)
            continue
        measured, verdicts = await _verdicts(event, report, policy, past)
        told += [measured, *verdicts]
        wrong += [each for each in verdicts if each.severity == "block"]
    if not wrong:
        return msgspec.structs.replace(report, assets=tuple(told))
    return AttemptFailed(
        run_id=report.run_id,
        task=report.task,
        map_index=report.map_index,
        attempt=report.attempt,
        token=report.token,
        started_us=report.started_us,
        finished_us=report.finished_us,
        error=ErrorInfo(kind="data", type="Anomaly", message=_explained(wrong), retryable=False),
        assets=tuple(told),
    )


async def _verdicts(
    event: Materialized | Observed, report: AttemptSucceeded, policy: AnomalyPolicy, past: Past
) -> tuple[Materialized | Observed, list[Checked]]:
    made = await past(event.asset)
    verdicts = []
    if event.rows is not None:
        found = judged(event.rows, report.finished_us, made, "rows")
        if found.points >= LEAST_POINTS:
            verdicts.append(verdict(event, found, "rows", blocks=policy == "error" and found.level == "error"))
    if isinstance(event, Materialized):
        duration_s = max(report.finished_us - report.started_us, 0) / 1_000_000
        event = msgspec.structs.replace(event, duration_s=duration_s)
        found = judged(duration_s, report.finished_us, made, "duration")
        if found.points >= LEAST_POINTS:
            verdicts.append(verdict(event, found, "duration", blocks=False))
    return event, verdicts


def _policy(owned: OwnedRun, asset: str) -> AnomalyPolicy:
    return next((each.anomalies for each in owned.pipeline.assets if each.key == asset), "warn")


def _counts(owned: OwnedRun, task: str, event: Materialized | Observed) -> bool:
    """What a reader saw in passing was judged when it was made: of observations count those that say which version they
    saw, and those of a host, which knows the rows of what its nodes made."""
    if isinstance(event, Materialized):
        return True
    if event.rows is None or event.data_version:
        return event.rows is not None
    maker = next((each.node for each in owned.pipeline.assets if each.key == event.asset), "")
    node = next((each for each in owned.pipeline.nodes if each.id == maker), None)
    return isinstance(node, TaskNode) and node.host == task


def _explained(wrong: Sequence[Checked]) -> str:
    said = "; ".join(" ".join(filter(None, (each.asset, each.partition, each.message))) for each in wrong)
    return f"{said}. Where that is right, say so at the asset, and retry"
