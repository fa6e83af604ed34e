"""Bars of a timeline: which tasks are shown index by index, and which as one bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toque.ports.pages import NodeCounts, TimelineBar, worst_state

FOLD_ABOVE = 50
"""Task runs of one task."""


def unfolded(nodes: Sequence[NodeCounts], limit: int) -> list[str]:
    """Tasks that are shown index by index: those with few task runs, unless that makes too many bars."""
    few = [node for node in nodes if node.total <= FOLD_ABOVE]
    bars = sum(node.total for node in few) + len(nodes) - len(few)
    return [node.task for node in few] if bars <= limit else []


def arrange(
    nodes: Sequence[NodeCounts], single: Iterable[TimelineBar], tasks: Sequence[str], limit: int
) -> list[TimelineBar]:
    """The bars of single task runs (of the unfolded `tasks`) and the folded ones, by their start."""
    alone = set(tasks)
    folded = [node for node in nodes if node.started_us and node.task not in alone]
    # No more than `limit` of either kind can be shown.
    folded.sort(key=lambda node: (node.started_us, node.task))
    bars = [
        TimelineBar(
            task=node.task,
            state=worst_state(node.counts),
            ready_us=node.ready_us,
            started_us=node.started_us,
            finished_us=node.finished_us,
            count=node.total,
        )
        for node in folded[:limit]
    ]
    bars += [bar for bar in single if bar.started_us]
    bars.sort(key=lambda bar: (bar.started_us, bar.task, bar.map_index))
    return bars[:limit]
