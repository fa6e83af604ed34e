"""All assets with rules, those first that others are made from, and what of them is asked for together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from toque.graph.assets import Asset
from toque.schedule.automation.deciding import Verdict, decide
from toque.schedule.automation.world import Memory, Slices, World


class Request(NamedTuple):
    """Assets that one plan makes, and the slices of each of them."""

    verdicts: tuple[Verdict, ...]
    keys: tuple[str, ...]


def decide_all(world: World, memories: Mapping[str, Memory]) -> list[Verdict]:
    """For each asset with a memory, in an order in which they could be made."""
    subjects = {key: world.assets[key] for key in memories if key in world.assets}
    order, cyclic = _ordered(subjects)
    verdicts = []
    wave: dict[str, Slices] = {}
    for key in order:
        memory = memories[key]
        if key in cyclic:
            verdicts.append(
                Verdict(
                    key,
                    memory.dealt,
                    memory.cursor_us,
                    "waits",
                    reason=f"is made from itself: {' → '.join(cyclic[key])}",
                )
            )
            continue
        verdict = decide(world, subjects[key], memory, wave)
        if verdict.keys:
            wave[key] = frozenset(verdict.keys)
        verdicts.append(verdict)
    return verdicts


def requests(world: World, verdicts: Sequence[Verdict]) -> list[Request]:
    """What is asked for, assets that are cut alike and of which the same is wanted together."""
    groups: dict[tuple[object, Slices], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.keys:
            groups.setdefault((world.cut(verdict.asset), frozenset(verdict.keys)), []).append(verdict)
    return [Request(tuple(group), group[0].keys) for group in groups.values()]


def _ordered(subjects: Mapping[str, Asset]) -> tuple[list[str], dict[str, list[str]]]:
    """Those upstream first; and those that are made from themselves, with the way round."""
    order: list[str] = []
    cyclic: dict[str, list[str]] = {}
    done: set[str] = set()
    for start in sorted(subjects):
        path: list[str] = []
        stack = [(start, False)]
        while stack:
            key, is_left = stack.pop()
            if is_left:
                path.pop()
                if key not in done:
                    done.add(key)
                    order.append(key)
                continue
            if key in path:
                way = [*path[path.index(key) :], key]
                cyclic.update(dict.fromkeys(way, way))
                continue
            if key in done:
                continue
            path.append(key)
            stack.append((key, True))
            above = sorted({each.asset for each in subjects[key].sources} & subjects.keys())
            stack += [(each, False) for each in above]
    return order, cyclic
