"""Moments of real runs as events of OpenLineage: what was read and written, with schema, checks and column lineage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

from toque.data.checks.verdicts import Outcome, Verdict
from toque.data.lineage.steps import ColumnLineage, Step
from toque.engine.assets import AnyAssetEvent, Checked, Materialized
from toque.engine.rows import RunRow
from toque.graph.ir import Pipeline, TaskNode
from toque.graph.lineage import Compiled, Mapped, Queried
from toque.integrations.openlineage import events as ol
from toque.local.lineage import asked, declared_by
from toque.settings import Settings
from toque.settings.tree import OpenLineage

Ended: TypeAlias = Literal["COMPLETE", "FAIL", "ABORT"]
When: TypeAlias = Literal["START"] | Ended
PATIENCE_S = 120
_OUTCOMES: Mapping[str, Outcome] = {"block": "blocked", "quarantine": "quarantined", "warn": "warned"}


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a run, or to a task run of it, as it was then."""

    when: When
    at_us: int
    run: RunRow
    pipeline: Pipeline
    node: TaskNode | None
    """None: the run as a whole."""
    map_index: tuple[int, ...]
    events: tuple[AnyAssetEvent, ...]
    error: str


class Teller:
    """Makes events. Lives in the thread of the emitter: it may wait for the process that parses SQL."""

    def __init__(self, settings: Settings, said: OpenLineage) -> None:
        self._settings = settings
        self._said = said
        self._loaded: dict[str, tuple[tuple[str, str], ...]] = {}
        """Columns of the tables that others are made from, as they were made under our eyes."""
        self._steps: tuple[str, dict[str, Step]] = ("", {})

    def event(self, moment: Moment) -> Mapping[str, Any]:
        """The event, as JSON."""
        pipeline, node = moment.pipeline, moment.node
        job = ol.Job(self._said.namespace, pipeline.name)
        reads, writes = _assets(pipeline, node)
        if node is not None:
            return self._of_task(moment, node, job, reads, writes)
        start, end = _nominal(moment.run)
        run = ol.Run(id=moment.run.run_id, job=job, error=moment.error, nominal_start=start, nominal_end=end)
        inputs = [ol.Dataset(asset=key) for key in reads if key not in writes]
        return self._made(moment, run, inputs, [ol.Dataset(asset=key) for key in writes])

    def _of_task(
        self, moment: Moment, node: TaskNode, whole: ol.Job, reads: Sequence[str], writes: Sequence[str]
    ) -> Mapping[str, Any]:
        index = f"[{','.join(map(str, moment.map_index))}]" if moment.map_index else ""
        start, end = _nominal(moment.run)
        run = ol.Run(
            id=f"{moment.run.run_id}/{node.id}{index}",
            job=ol.Job(whole.namespace, f"{whole.name}.{node.id}"),
            parent=ol.Parent(moment.run.run_id, whole),
            error=moment.error,
            nominal_start=start,
            nominal_end=end,
        )
        made = {each.asset: each for each in moment.events if isinstance(each, Materialized)}
        columns = self._columns(moment.pipeline, made) if moment.when == "COMPLETE" else {}
        outputs = [
            _written(key, made.get(key), _verdicts(moment.events, key), columns.get(key, ()))
            for key in dict.fromkeys([*writes, *made])
        ]
        # A build of dbt tells what its tests found about models that other tasks make.
        checked = [each.asset for each in moment.events if isinstance(each, Checked)]
        read = dict.fromkeys([*reads, *(key for key in checked if key not in writes)])
        inputs = [ol.Dataset(asset=key, verdicts=_verdicts(moment.events, key)) for key in read]
        return self._made(moment, run, inputs, outputs)

    def _made(
        self, moment: Moment, run: ol.Run, inputs: Sequence[ol.Dataset], outputs: Sequence[ol.Dataset]
    ) -> Mapping[str, Any]:
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment.at_us)
        names = self._said.namespaces
        return ol.event(moment.when, run, at, inputs=inputs, outputs=outputs, namespaces=names)

    def _columns(self, pipeline: Pipeline, made: Mapping[str, Materialized]) -> dict[str, tuple[ColumnLineage, ...]]:
        """What the columns of what was made are made of, so far as it is known."""
        parsed = {each.key for each in pipeline.assets if isinstance(each.columns, Queried | Compiled)}
        for key, each in made.items():
            if key not in parsed:  # those of models follow from their SQL: a column more parses nothing anew
                self._loaded[key] = each.columns
        declared = declared_by([pipeline], ())
        question, key = asked(self._settings, declared, dict(sorted(self._loaded.items())))
        if self._steps[0] != key:
            said = subprocess.run(
                (sys.executable, "-P", "-m", "toque.local.lineage_process"),
                input=msgspec.json.encode(question),
                capture_output=True,
                timeout=PATIENCE_S,
                check=True,
            )
            steps = msgspec.json.decode(said.stdout, type=list[Step])
            self._steps = (key, {step.target: step for step in steps})
        synced = {each.columns.into: each.key for each in pipeline.assets if isinstance(each.columns, Mapped)}
        return {synced.get(target, target): step.columns for target, step in self._steps[1].items()}


def _assets(pipeline: Pipeline, node: TaskNode | None) -> tuple[list[str], list[str]]:
    """What is read and what is written: by one node, or by all."""
    nodes = [node] if node is not None else [each for each in pipeline.nodes if isinstance(each, TaskNode)]
    ids = {each.id for each in nodes}
    reads = [key for each in nodes for key in each.reads]
    reads += [source.asset for each in pipeline.assets if each.node in ids for source in each.upstream]
    return list(dict.fromkeys(reads)), list(dict.fromkeys(key for each in nodes for key in each.writes))


def _written(
    key: str, made: Materialized | None, verdicts: tuple[Verdict, ...], columns: tuple[ColumnLineage, ...]
) -> ol.Dataset:
    if made is None:
        return ol.Dataset(asset=key, columns=columns, verdicts=verdicts)
    return ol.Dataset(
        asset=key,
        fields=made.columns,
        columns=columns,
        verdicts=verdicts,
        rows=made.rows,
        size_bytes=made.size_bytes,
    )


def _verdicts(events: Sequence[AnyAssetEvent], key: str) -> tuple[Verdict, ...]:
    """Each check once, as it was found last."""
    found = {each.check: each for each in events if isinstance(each, Checked) and each.asset == key}
    return tuple(
        Verdict(
            check=each.check,
            kind=each.check.partition("(")[0],
            severity=each.severity,
            outcome="passed" if each.passed else _OUTCOMES[each.severity],
            message=each.message,
            column=each.column,
            bad=each.failed_rows,
        )
        for each in found.values()
    )


def _nominal(run: RunRow) -> tuple[datetime | None, datetime | None]:
    """The data interval, else the logical time."""
    if run.interval_start_us:
        return _at(run.interval_start_us), _at(run.interval_end_us)
    return _at(run.logical_us), None


def _at(us: int) -> datetime | None:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us) if us else None
