"""Hosts: what an attempt that runs many task runs says of each, fixed by the seed, and how they must end.

An attempt that succeeds reports every member but those that the seed has it forget. One that fails or defers reports
only the quick ones before. So whatever comes in between, all attempts together report the same members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from tests.simulation.scripts import Act, Script, retries_of, script_of
from toque.engine.values import MapIndex, TaskKey
from toque.graph.ir import TaskNode

End: TypeAlias = Literal["succeeded", "failed", "skipped"]


@dataclass(frozen=True)
class Say:
    """The end of one member."""

    key: TaskKey
    attempt: int
    end: End
    begins: bool
    """Its beginning is told apart."""


def says_of(
    seed: int, nodes: dict[str, TaskNode], members: Sequence[tuple[str, int]], index: MapIndex, act: Act
) -> tuple[Say, ...]:
    """What an attempt with this act reports, in order, of the members that it was told of."""
    return tuple(
        Say(TaskKey(name, index), attempt, end_of(seed, nodes[name], index), _drawn(seed, name, index, "begins") < 0.5)
        for name, attempt in members
        if is_told(seed, name, index, act)
    )


def is_told(seed: int, name: str, index: MapIndex, act: Act) -> bool:
    """Whether an attempt with this act reports the member."""
    drawn = _drawn(seed, name, index, "told")
    if act == "skip":
        return False
    return drawn < 0.9 if act == "succeed" else drawn < 0.5


def end_of(seed: int, node: TaskNode, index: MapIndex) -> End:
    """How a member ends that its host gets to."""
    ends = script_of(seed, node, index).ends(0)
    assert ends in ("succeeded", "failed", "skipped")
    return ends  # type: ignore[return-value]


def acts_of(script: Script, retries: int) -> Iterator[Act]:
    """The acts of the attempts of a host, up to its end."""
    for position in range(len(script.acts) + retries):
        act = script.act(position)
        yield act
        if act in ("succeed", "skip", "fatal"):
            return
        if act != "defer":
            if not retries:
                return
            retries -= 1


def ends_of_members(
    seed: int,
    host: TaskNode,
    members: Sequence[TaskNode],
    index: MapIndex,
    state: str,
    *,
    starts: bool,
    verdict: Callable[[TaskNode, dict[str, str]], str],
) -> dict[str, str]:
    """The states in which the members must end. `state` is that of the host, `starts` that it has run. `verdict` is
    `waits`, `starts` or the state that its rule leads a member to, by the ends of the members before it."""
    ends: dict[str, str] = {}
    script = script_of(seed, host, index)
    for act in acts_of(script, retries_of(host)) if starts else ():
        for member in members:
            if member.id in ends:
                continue
            said = verdict(member, ends)
            if said == "starts" and is_told(seed, member.id, index, act):
                ends[member.id] = end_of(seed, member, index)
            elif said not in ("starts", "waits"):
                ends[member.id] = said
    for member in members:
        if member.id not in ends:
            said = verdict(member, ends)
            ends[member.id] = said if said != "starts" else _WITH_ITS_HOST[state]
    return ends


_WITH_ITS_HOST = {
    "succeeded": "failed",
    "failed": "upstream_failed",
    "upstream_failed": "upstream_failed",
    "skipped": "skipped",
}


def _drawn(seed: int, name: str, index: MapIndex, what: str) -> float:
    return Random(f"host/{seed}/{name}/{index}/{what}").random()
