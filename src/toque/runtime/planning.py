"""Planning: which runs make the wanted slices of some assets, as a backfill that is not stored yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from toque.engine.states import BackfillState, SliceState
from toque.errors import UserError
from toque.graph.ir import Pipeline
from toque.ports.backfills import BackfillRow, BackfillSlice, BackfillStage, SliceQuery
from toque.ports.store import Store
from toque.runtime.backfill_orders import FAILED, PAGE
from toque.runtime.ids import new_run_id
from toque.runtime.standing import Looking, cuts_of, known_of, made_by
from toque.schedule.partitions import Known, keys, keys_of, selected
from toque.schedule.partitions.ranges import Strategy, grouped, read_strategy

PIPELINE = "materialize"
"""What runs of a selection are called in the history."""
LARGEST = 100_000
"""Runs of one backfill."""
MOST_ACTIVE = 1000
LOOKED_BACK = 20
"""Backfills in which a slice that failed is looked for."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made, as somebody says it."""

    selection: str
    partitions: str = ""
    """Of the assets that are cut; "" where none is, or where one of the next three says which."""
    missing: bool = False
    """Only slices that were never made."""
    failed: bool = False
    """Only slices that failed, or were held back, in a backfill, and were not made since."""
    stale: bool = False
    """Only slices that would be made differently now; asset by asset, so that what comes out as it was stops the
    wave."""
    strategy: str = "per_key"
    max_active: int = 2
    actor: str = ""
    reason: str = ""
    ending: str = ""
    """Of the id that the backfill gets: nine characters that stand for a request, so that it is made once."""

    @property
    def is_narrowed(self) -> bool:
        """Not all of the chosen partitions are meant."""
        return self.missing or self.failed or self.stale


class Stage(NamedTuple):
    """A version whose runs make some assets that are cut alike."""

    version: str
    pipeline: Pipeline


async def plan(
    store: Store, wish: Wish, stages: Sequence[Stage], now_us: int
) -> tuple[BackfillRow, list[BackfillSlice]]:
    """Raises `UserError` for what cannot be planned, and where there is nothing to make an empty plan (`total` 0)."""
    _check(wish, stages)
    drawn = new_run_id(now_us)
    id = drawn[: -len(wish.ending)] + wish.ending if wish.ending else str(drawn)  # noqa: A001
    strategy = read_strategy(wish.strategy)
    planned: list[BackfillStage] = []
    slices: list[BackfillSlice] = []
    coming: dict[str, set[str]] = {}
    for stage in stages:
        made = made_by(stage.pipeline)
        cut = next(iter(made.values())).partitions
        known = await known_of(store, now_us, cuts_of(stage.pipeline).values())
        chosen = _chosen(wish, stage, known)
        wanted = await _wanted(store, wish, stage, chosen, known, coming) if wish.is_narrowed else chosen
        for key in made:
            coming[key] = set(wanted)
        if not wanted:
            continue
        runs = grouped(cut, wanted, strategy) if cut is not None else [("", 1)]
        _check_ranges(stage, runs, strategy)
        slices += [
            BackfillSlice(
                backfill=id,
                n=len(slices) + at,
                state=SliceState.WAITING,
                stage=len(planned),
                partition=partition,
                count=count,
            )
            for at, (partition, count) in enumerate(runs)
        ]
        planned.append(BackfillStage(version=stage.version, assets=tuple(made), partitions=cut, total=len(runs)))
    if len(slices) > LARGEST:
        raise UserError(f"These are more than {LARGEST:,} runs.", fix="fewer partitions, or --strategy 'ranges(30)'")
    return _row(id, wish, planned, len(slices), now_us), slices


def _row(id: str, wish: Wish, stages: Sequence[BackfillStage], total: int, now_us: int) -> BackfillRow:  # noqa: A002
    return BackfillRow(
        id=id,
        pipeline=PIPELINE,
        schedule="",
        version=stages[0].version if stages else "",
        state=BackfillState.RUNNING,
        from_us=0,
        to_us=0,
        max_active=wish.max_active,
        total=total,
        created_us=now_us,
        actor=wish.actor,
        reason=wish.reason,
        selection=wish.selection,
        partitions=wish.partitions,
        strategy=wish.strategy or "per_key",
        stages=tuple(stages),
        only_stale=wish.stale,
    )


def _check(wish: Wish, stages: Sequence[Stage]) -> None:
    if not 1 <= wish.max_active <= MOST_ACTIVE:
        raise UserError(f"a backfill runs 1 to {MOST_ACTIVE} at a time, not {wish.max_active}", fix="4")
    if wish.partitions not in ("", "all") and all(cut is None for stage in stages for cut in _cuts_made(stage)):
        raise UserError("Nothing of the selection has partitions.", fix="leave out --partitions")


def _cuts_made(stage: Stage) -> list[object]:
    return [asset.partitions for asset in made_by(stage.pipeline).values()]


def _chosen(wish: Wish, stage: Stage, known: Known) -> tuple[str, ...]:
    made = made_by(stage.pipeline)
    cut = next(iter(made.values())).partitions
    if cut is None:
        return ("",)
    if wish.partitions:
        return selected(cut, wish.partitions, known)
    if wish.is_narrowed:
        return tuple(keys(cut, known))
    raise UserError(
        f"{', '.join(made)}: which partitions?", fix="--partitions all, --partitions KEY..KEY, --missing or --stale"
    )


async def _wanted(
    store: Store, wish: Wish, stage: Stage, chosen: Sequence[str], known: Known, coming: dict[str, set[str]]
) -> tuple[str, ...]:
    """Those of the chosen keys that are missing, failed or stale, as far as that is asked for."""
    looking = Looking(store, stage.pipeline, known)
    there = await looking.made()
    wanted: set[str] = set()
    if wish.missing:
        wanted |= set(chosen) - there
    if wish.failed:
        wanted |= await _failed(store, set(made_by(stage.pipeline)))
    if wish.stale:
        wanted |= await looking.stale()
        rest = [key for key in chosen if key in there and key not in wanted]
        wanted |= await asyncio.to_thread(looking.reading, rest, coming)
    return tuple(key for key in chosen if key in wanted)


async def _failed(store: Store, assets: set[str]) -> set[str]:
    """Keys of slices that failed in one of the last backfills, and that no run has made since."""
    found: dict[str, set[str]] = {asset: set() for asset in assets}
    for row in await store.backfills.list_backfills(pipeline=PIPELINE, limit=LOOKED_BACK):
        ours = {n: stage for n, stage in enumerate(row.stages) if assets & set(stage.assets)}
        if not ours:
            continue
        for each in await store.backfills.slices(row.id, SliceQuery(states=FAILED, limit=PAGE)):
            if each.stage in ours:
                stage = ours[each.stage]
                for asset in assets & set(stage.assets):
                    rows = await store.assets.pick(asset, keys_of(stage.partitions, each.partition))
                    found[asset] |= {
                        key
                        for key in keys_of(stage.partitions, each.partition)
                        if key not in rows or rows[key].materialized_us < row.created_us
                    }
    return set().union(*found.values())


def _check_ranges(stage: Stage, runs: Sequence[tuple[str, int]], strategy: Strategy) -> None:
    """A run of several partitions has to be one of assets that take several."""
    if strategy.is_per_key or all(count == 1 for _, count in runs):
        return
    nodes = {node.id: node for node in stage.pipeline.nodes}
    for key, asset in made_by(stage.pipeline).items():
        injected = getattr(nodes[asset.node], "inject", {})
        if not any(each.kind == "context" and each.name == "Span" for each in injected.values()):
            raise UserError(
                f"{key} is made of one partition at a time.", fix="a parameter `span: Span = use(Span)`, or per_key"
            )
