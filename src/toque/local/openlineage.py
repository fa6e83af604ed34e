"""Telling OpenLineage of real runs: facts become events in a thread beside the work, and no run waits for it.

A run has a START and a COMPLETE, FAIL or ABORT; so has each task run that writes assets, with what it read and wrote,
and each one that hosts others, such as a build of dbt, with what its tests found.
Delivery is at most once: what a dead server had not sent is not sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from toque.engine import facts as f
from toque.engine.assets import AnyAssetEvent
from toque.engine.states import RunState
from toque.graph.ir import Pipeline, TaskNode
from toque.integrations.openlineage.emitting import Emitter, FileTransport, HttpTransport
from toque.local.openlineage_events import Ended, Moment, Teller, When
from toque.runtime.owned import OwnedRun
from toque.settings import Settings
from toque.settings.tree import OpenLineage

_LOG = logging.getLogger(__name__)
_ENDS: Mapping[RunState, Ended] = {
    RunState.SUCCEEDED: "COMPLETE",
    RunState.FAILED: "FAIL",
    RunState.CANCELLED: "ABORT",
}


class Telling:
    """Listens to the facts of runs. `close` it after the last one."""

    def __init__(self, settings: Settings, said: OpenLineage) -> None:
        teller = Teller(settings, said)
        self._emitter = Emitter(_transport(said))
        self._make: Callable[[Moment], Mapping[str, object]] = teller.event
        self._known: dict[str, _Told] = {}
        """By version."""
        self._told: dict[tuple[str, str, tuple[int, ...]], list[AnyAssetEvent]] = {}
        """What attempts told of data that have not ended."""

    def heard(self, owned: OwnedRun, facts: Sequence[f.AnyFact]) -> None:
        """The facts of one run, after their commit. Never raises: a run must not end because of it."""
        try:
            self._heard(owned, facts)
        except Exception:
            _LOG.exception("a fact could not be told to OpenLineage")

    def close(self) -> None:
        """Send what is queued, within seconds."""
        self._emitter.close()

    def _heard(self, owned: OwnedRun, facts: Sequence[f.AnyFact]) -> None:
        known = self._told_of(owned)
        reused: set[tuple[str, tuple[int, ...]]] = set()
        for fact in facts:
            if isinstance(fact, f.RunStarted):
                self._tell(owned, "START", fact.at_us)
            elif isinstance(fact, f.RunFinished):
                self._tell(owned, _ENDS.get(fact.state, "ABORT"), fact.at_us)
                for key in [each for each in self._told if each[0] == owned.run_id]:
                    del self._told[key]
            elif isinstance(fact, f.AssetsTold) and fact.task in known.tests:
                host = (owned.run_id, known.tests[fact.task], fact.map_index)
                self._told.setdefault(host, []).extend(fact.events)
            elif isinstance(fact, f.TaskFact) and fact.task in known.nodes:
                if isinstance(fact, f.Reused):
                    reused.add((fact.task, fact.map_index))
                elif (fact.task, fact.map_index) not in reused:
                    self._task(owned, known.nodes[fact.task], fact)

    def _task(self, owned: OwnedRun, node: TaskNode, fact: f.TaskFact) -> None:
        key = (owned.run_id, fact.task, fact.map_index)
        match fact:
            case f.Started():
                is_first = key not in self._told  # attempts of one task run are one run of OpenLineage
                if is_first or node.writes:  # what members of a host have finished stays finished
                    self._told[key] = []
                if is_first:
                    self._tell(owned, "START", fact.started_us or fact.at_us, fact, node)
            case f.AssetsTold():
                self._told.setdefault(key, []).extend(fact.events)
            case f.Succeeded():
                self._tell(owned, "COMPLETE", fact.finished_us or fact.at_us, fact, node)
            case f.Failed():
                self._tell(owned, "FAIL", fact.finished_us or fact.at_us, fact, node)
            case f.Cancelled() if key in self._told:
                self._tell(owned, "ABORT", fact.at_us, fact, node)
            case _:
                return

    def _tell(
        self, owned: OwnedRun, when: When, at_us: int, fact: f.TaskFact | None = None, node: TaskNode | None = None
    ) -> None:
        run = owned.machine.row
        error = fact.error if isinstance(fact, f.Failed) else run.error if fact is None and when == "FAIL" else None
        events: Sequence[AnyAssetEvent] = ()
        if fact is not None and when != "START":
            events = self._told.pop((owned.run_id, fact.task, fact.map_index), ())
        moment = Moment(
            when=when,
            at_us=at_us,
            run=msgspec.structs.replace(run),
            pipeline=owned.pipeline,
            node=node,
            map_index=fact.map_index if fact is not None else (),
            events=tuple(events),
            error=f"{error.type}: {error.message}" if error is not None else "",
        )
        self._emitter.emit(lambda: self._make(moment))

    def _told_of(self, owned: OwnedRun) -> _Told:
        version = owned.machine.row.version
        found = self._known.get(version)
        if found is None:
            if len(self._known) > 100:
                self._known.clear()
            found = self._known[version] = _told_of(owned.pipeline)
        return found


class _Told(NamedTuple):
    """What of a pipeline is told of."""

    nodes: Mapping[str, TaskNode]
    """That write assets, or host others."""
    tests: Mapping[str, str]
    """Hosts of nodes that write nothing, such as tests of dbt: what these found is told with their host."""


def _told_of(pipeline: Pipeline) -> _Told:
    tasks = [node for node in pipeline.nodes if isinstance(node, TaskNode)]
    hosts = {node.host for node in tasks if node.host}
    return _Told(
        nodes={node.id: node for node in tasks if node.writes or node.id in hosts},
        tests={node.id: node.host for node in tasks if node.host and not node.writes},
    )


def _transport(said: OpenLineage) -> FileTransport | HttpTransport:
    if said.file:
        return FileTransport(said.file)
    return HttpTransport(said.url, endpoint=said.endpoint, api_key=said.api_key.reveal if said.api_key else "")
