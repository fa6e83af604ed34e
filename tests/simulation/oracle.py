"""The oracle: how a pipeline must end, worked out by plain recursion over its graph.

It knows nothing of time, attempts or order of arrival. That the machine agrees with it in every disturbed run is the
law "no outcome depends on the order in which things happen".
"""

from __future__ import annotations

from typing import Any

from tests.simulation.flows import ends_of_flow
from tests.simulation.hosts import ends_of_members
from tests.simulation.pipelines import PARAMETERS
from tests.simulation.scripts import retries_of, script_of
from toque.engine.values import MapIndex, TaskKey
from toque.graph.expr import AnyExpr, Const, Gather, Param, Ref
from toque.graph.ir import AnyNode, Axis, JoinNode, MapNode, Pipeline, TaskNode

FAILURES = ("failed", "upstream_failed", "cancelled")


class Oracle:
    """Final states of all task runs of a pipeline, hooks included."""

    def __init__(self, seed: int, pipeline: Pipeline) -> None:
        self._seed = seed
        self._nodes = {node.id: node for node in pipeline.nodes}
        self._sizes: dict[TaskKey, int] = {}
        self._outcomes: dict[TaskKey, list[str]] = {}
        self.states: dict[TaskKey, str] = {}
        for node in pipeline.nodes:
            if not node.scope and not getattr(node, "hook", ""):
                self._settle(node, ())
        roots = [node for node in pipeline.nodes if not node.scope and not getattr(node, "hook", "")]
        self.run = "failed" if any(self._is_unhandled(node, ()) for node in roots) else "succeeded"
        for node in pipeline.nodes:
            if isinstance(node, TaskNode) and node.hook:
                wanted = node.hook == ("on_failure" if self.run == "failed" else "on_success")
                self.states[TaskKey(node.id)] = self._body(node, ()) if wanted else "skipped"

    # -- one instance

    def _settle(self, node: AnyNode, index: MapIndex) -> None:
        key = TaskKey(node.id, index)
        if key in self.states:
            return  # with its host
        self.states[key] = state = self._state(node, index)
        members = [other for other in self._nodes.values() if isinstance(other, TaskNode) and other.host == node.id]
        if isinstance(node, TaskNode) and members:
            ends = ends_of_members(
                self._seed,
                node,
                members,
                index,
                state,
                starts=self._verdict(node, index) == "starts",
                verdict=lambda member, ends: self._verdict_on_member(member, index, ends),
            )
            self.states.update({TaskKey(name, index): end for name, end in ends.items()})

    def _verdict_on_member(self, member: TaskNode, index: MapIndex, ends: dict[str, str]) -> str:
        inside = [edge.source for edge in member.upstream if self._host_of(edge.source) == member.host]
        if any(name not in ends for name in inside):
            return "waits"
        self.states.update({TaskKey(name, index): ends[name] for name in inside})
        return self._verdict(member, index)

    def _host_of(self, name: str) -> str:
        """Who hosts a node; "" for nobody."""
        return getattr(self._nodes[name], "host", "")

    def _state(self, node: AnyNode, index: MapIndex) -> str:
        verdict = self._verdict(node, index)
        if verdict != "starts":
            return verdict
        match node:
            case TaskNode():
                return self._body(node, index)
            case JoinNode():
                taken = [
                    s for s in node.sources if self._at(s.node if isinstance(s, Ref) else s.map, index) == "succeeded"
                ]
                return "succeeded" if taken else "skipped"
            case MapNode():
                return self._map(node, index)

    def _verdict(self, node: AnyNode, index: MapIndex) -> str:
        """`starts`, or the state that it ends in without having started."""
        for guard in node.guards:
            if self._at(guard.node, index) == "succeeded":
                value = script_of(self._seed, self._task(guard.node), index).exports[guard.export]
                if (value in guard.values) != (guard.test == "equals"):
                    return "skipped"
        gates = [self._at(name, index) for name in self._gates(node)]
        if any(state in FAILURES for state in gates):
            return "upstream_failed"
        if "skipped" in gates:
            return "skipped"
        counts = {"ok": 0, "failed": 0, "skipped": 0}
        for counted in self._counted(node, index):
            counts[counted] += 1
        total = sum(counts.values())
        if total and not self._fires(node, index, counts, total):
            blocked = node.rule in (
                "all_success",
                "one_success",
                "none_failed",
                "none_failed_min_one_success",
            )
            return "upstream_failed" if blocked and counts["failed"] else "skipped"
        return "starts"

    def _gates(self, node: AnyNode) -> list[str]:
        """What must have succeeded and is not counted: setups, and conditions that are only waited for."""
        depth = self._depth(node.id)
        guards = {guard.node for guard in node.guards if self._depth(guard.node) == depth}
        edges = {edge.source: edge.kind for edge in node.upstream}
        gates = [name for name, kind in edges.items() if kind == "gate" or (kind == "order" and name in guards)]
        return gates + sorted(guards - set(edges))

    def _counted(self, node: AnyNode, index: MapIndex) -> list[str]:
        chained = {axis.source.node for axis in getattr(node, "axes", ()) if axis.chained}
        openings = {self._nodes[member].scope for member in chained}
        counted = []
        for source in openings:
            state = self._at(source, index)
            opened = TaskKey(source, index) in self._sizes
            counted.append("ok" if opened else "skipped" if state == "skipped" else "failed")
        gates = self._gates(node)
        for edge in node.upstream:
            if edge.source in gates:
                continue
            state = self._at(edge.source, index)
            if state == "succeeded" or edge.kind == "outcome":
                counted.append("ok")
            else:
                counted.append("skipped" if state == "skipped" else "failed")
        return counted

    def _fires(self, node: AnyNode, index: MapIndex, counts: dict[str, int], total: int) -> bool:
        ok, failed, skipped = counts["ok"], counts["failed"], counts["skipped"]
        match node.rule:
            case "all_success":
                return ok == total
            case "all_failed":
                return failed == total
            case "all_skipped":
                return skipped == total
            case "one_success":
                return ok > 0
            case "one_failed":
                return failed > 0
            case "none_failed":
                return failed == 0
            case "none_failed_min_one_success":
                return failed == 0 and ok > 0
            case "none_skipped":
                return skipped == 0
            case "teardown":
                return self._at(node.upstream[0].source, index) == "succeeded"
            case _:
                return True

    def _body(self, node: TaskNode, index: MapIndex) -> str:
        if node.kind == "flow":
            ends = ends_of_flow(self._seed, TaskKey(node.id, index))
            self.states.update(ends)
            return ends[TaskKey(node.id, index)]
        return script_of(self._seed, node, index).ends(retries_of(node))

    # -- maps

    def _map(self, node: MapNode, index: MapIndex) -> str:
        lengths = [self._length(axis, index) for axis in node.axes]
        if None in lengths or (node.mode == "zip" and len(set(lengths)) > 1):
            return "failed"
        size = 1
        for length in lengths if node.mode == "product" else lengths[:1]:
            assert length is not None
            size *= length
        self._sizes[TaskKey(node.id, index)] = size
        members = [member for member in self._nodes.values() if member.scope == node.id]
        for member in members:
            for at in range(size):
                self._settle(member, (*index, at))
        outcomes = [self._index_outcome(node, members, (*index, at)) for at in range(size)]
        self._outcomes[TaskKey(node.id, index)] = outcomes
        failed = sum(outcome in FAILURES for outcome in outcomes)
        if failed > (node.tolerate * size if node.tolerate < 1 else node.tolerate):
            return "failed"
        return "skipped" if size and outcomes.count("skipped") == size else "succeeded"

    def _index_outcome(self, node: MapNode, members: list[AnyNode], index: MapIndex) -> str:
        for member in members:
            if self._is_unhandled(member, index):
                return "failed"
        assert isinstance(node.result, Ref)
        state = self._at(node.result.node, index)
        if state != "succeeded":
            return state
        if all(self._at(member.id, index) == "skipped" for member in members):
            return "skipped"
        return "succeeded"

    def _length(self, axis: Axis, index: MapIndex) -> int | None:
        source: AnyExpr = axis.source
        match source:
            case Ref(node=name) if axis.chained:
                return self._sizes[TaskKey(self._nodes[name].scope, index)]
            case Ref(node=name):
                if self._at(name, index) != "succeeded":
                    return None
                return script_of(self._seed, self._task(name), index).lengths[0]
            case Gather(map=name, holes=holes):
                outcomes = self._outcomes.get(TaskKey(name, index))
                if outcomes is None:
                    return None
                if holes == "ok":
                    return outcomes.count("succeeded")
                if holes == "failures":
                    return sum(outcome in FAILURES for outcome in outcomes)
                return len(outcomes)
            case Const(value=data):
                return _count(data)
            case Param(name=name):
                return _count(PARAMETERS[name])
            case _:
                raise AssertionError(source)

    # -- who answers for a failure

    def _is_unhandled(self, node: AnyNode, index: MapIndex) -> bool:
        state = self._at(node.id, index)
        if state == "upstream_failed":
            outside = [
                edge.source
                for edge in node.upstream
                if edge.kind != "outcome"
                and self._nodes[edge.source].scope != node.scope
                and self._at(edge.source, index) in FAILURES
            ]
            if not outside:
                return False
        elif state not in ("failed", "cancelled"):
            return False
        for reader in self._nodes.values():
            for edge in reader.upstream:
                if edge.source != node.id:
                    continue
                if edge.kind == "outcome":
                    return False
                rescues = reader.rule in ("all_failed", "one_failed") and edge.source not in self._gates(reader)
                if rescues and self.states.get(TaskKey(reader.id, index)) == "succeeded":
                    return False
        return True

    def _at(self, name: str, index: MapIndex) -> str:
        return self.states[TaskKey(name, index[: self._depth(name)])]

    def _depth(self, name: str) -> int:
        depth, scope = 0, self._nodes[name].scope
        while scope:
            depth, scope = depth + 1, self._nodes[scope].scope
        return depth

    def _task(self, name: str) -> TaskNode:
        node = self._nodes[name]
        assert isinstance(node, TaskNode)
        return node


def _count(data: Any) -> int:
    if isinstance(data, dict):
        return len(range(*data["v"])) if data["$"] == "range" else len(data["v"])
    return len(data)
