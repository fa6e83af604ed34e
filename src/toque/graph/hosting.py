"""Hosted nodes: what a graph may say of tasks that the attempt of another one, their host, runs and reports for.

The host is a task like others: it is dispatched once, holds the slots, has the policy and the code. Its members have
none of that; they are there to be waited for, looked at and run again one by one. When the host starts, whatever any of
its members waits for outside of the group has ended: otherwise the host could get to a member that must not run yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from toque.graph.expr import Const
from toque.graph.ir import AnyNode, TaskNode, TaskPolicy

WAITS_FOR_ALL = frozenset({"all_success", "all_done", "none_failed", "none_failed_min_one_success"})
"""Rules of a host: it starts when all of its upstreams have ended, not before."""


def hosted(nodes: Iterable[AnyNode]) -> dict[str, list[TaskNode]]:
    """Hosts, and the members of each in the order of the graph."""
    found: dict[str, list[TaskNode]] = {}
    for node in nodes:
        if isinstance(node, TaskNode) and node.host:
            found.setdefault(node.host, []).append(node)
    return found


def faults(nodes: Mapping[str, AnyNode]) -> Iterator[tuple[AnyNode, str]]:
    """What is wrong with hosts and members among `nodes`, which stand in their order."""
    groups = hosted(nodes.values())
    if not groups:
        return
    position = {name: at for at, name in enumerate(nodes)}
    for name, members in groups.items():
        host = nodes.get(name)
        for member in members:
            if not isinstance(host, TaskNode):
                yield member, f"its host {name!r} is not a task of the pipeline"
                continue
            if host.scope != member.scope:
                yield member, f"its host {name!r} is in another scope"
            elif position[name] > position[member.id]:
                yield member, f"it stands before its host {name!r}"
            yield from ((member, fault) for fault in _member_faults(member, host))
        if isinstance(host, TaskNode):
            yield from ((host, fault) for fault in _host_faults(host))
            yield from _returning(host, members, nodes)


def _member_faults(member: TaskNode, host: TaskNode) -> Iterator[str]:
    if member.policy != TaskPolicy():
        yield f"it has options of its own, and {host.id} runs it: they belong there"
    if member.inject or any(not isinstance(arg, Const) for arg in (*member.args, *member.kwargs.values())):
        yield f"it has arguments to be evaluated, and {host.id} runs it: they belong there"
    if member.exports or member.lengths:
        yield f"a condition or a map asks for its result, and {host.id} reports for it: nobody would look at the result"
    if member.kind != "task" or member.hook or member.teardown_of:
        yield f"a flow, a hook or a teardown cannot be run by {host.id}"


def _host_faults(host: TaskNode) -> Iterator[str]:
    if host.host:
        yield f"it runs others, and is itself run by {host.host!r}"
    if host.kind != "task" or host.hook or host.teardown_of:
        yield "a flow, a hook or a teardown cannot run other tasks"
    elif host.rule not in WAITS_FOR_ALL:
        yield f"it runs other tasks, and its trigger rule {host.rule} may start it before what they wait for has ended"
    if host.policy.cache is not None:
        yield "it runs other tasks, so its result cannot come from a cache"


def _returning(host: TaskNode, members: list[TaskNode], nodes: Mapping[str, AnyNode]) -> Iterator[tuple[AnyNode, str]]:
    """Whatever a member needs from outside, the host waits for; and nothing that it waits for depends on a member."""
    awaited = {edge.source for edge in host.upstream}
    inside = {member.id for member in members}
    behind = set(inside)
    for node in nodes.values():
        if node.id in inside or node.id == host.id:
            continue
        if any(edge.source in behind for edge in node.upstream) or node.scope in behind:
            behind.add(node.id)
    for member in members:
        for edge in member.upstream:
            if edge.source == host.id:
                yield member, f"it waits for its host {host.id!r}, which ends after it"
            elif edge.source in inside:
                continue
            elif edge.source in behind:
                yield member, f"it waits for {edge.source!r}, which waits for another task that {host.id!r} runs"
            elif edge.source not in awaited:
                yield member, f"it waits for {edge.source!r}, and its host {host.id!r} does not"
    for source in sorted(awaited & behind):
        yield host, f"it waits for {source!r}, which waits for a task that it runs"
