"""Materializing: `toque materialize`; runs in this process that make the selected assets, one for each partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from toque.engine.rows import RunRow
from toque.errors import UserError
from toque.graph.assets import Asset
from toque.graph.ir import Pipeline
from toque.graph.partitions import AnyPartitioning, TimeWindows
from toque.local.authored import check_names, new_row, version_row
from toque.local.loading import candidates
from toque.local.running import Watcher
from toque.local.selecting import prepare_selection
from toque.local.site import Site, bundle_ref, opened
from toque.ports.executor import BundleRef
from toque.runtime.messages import Launch
from toque.schedule.partitions import Known, keys, selected, span, upstream_keys
from toque.schedule.partitions.keys import parts
from toque.settings import Settings
from toque.store import bundles

PIPELINE = "materialize"
"""What runs of a selection are called in the history."""

Outcome = Literal["succeeded", "failed", "cancelled", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be made."""

    selection: str
    partitions: str = ""
    """Of the assets that are cut; "" where none is."""
    missing: bool = False
    """Only slices that were never made."""
    at_once: int = 2
    """Runs at a time."""
    actor: str = ""


@dataclass(frozen=True, kw_only=True)
class Made:
    """One run, or one that was left out because what it reads could not be made."""

    assets: tuple[str, ...]
    partition: str
    outcome: Outcome
    run_id: str = ""
    error: str = ""


@dataclass
class _Stage:
    pipeline: Pipeline
    version: str
    keys: tuple[str, ...]
    """`("",)` where nothing is cut."""

    @property
    def made(self) -> dict[str, Asset]:
        return {asset.key: asset for asset in self.pipeline.assets if asset.node}


@dataclass
class _Failures:
    """Slices that could not be made, so that nothing is made from what they were before."""

    slices: set[tuple[str, str]] = field(default_factory=set)
    cuts: dict[str, AnyPartitioning | None] = field(default_factory=dict)

    def behind(self, stage: _Stage, key: str, known: Known) -> str:
        """A failed slice that this run would read; "" when there is none."""
        for asset in stage.made.values():
            for each in asset.upstream:
                if each.asset not in self.cuts or each.asset in stage.made:
                    continue
                theirs = self.cuts[each.asset]
                for part in upstream_keys(each.mapping, asset.partitions, theirs, key, known):
                    if (each.asset, part) in self.slices:
                        return f"{each.asset}[{part}]" if part else each.asset
        return ""

    def note(self, stage: _Stage, key: str, *, failed: bool) -> None:
        for asset in stage.made.values():
            self.cuts[asset.key] = asset.partitions
            if failed:
                self.slices.add((asset.key, key))


def materialize(
    settings: Settings, wish: Wish, *, told: Callable[[Made], None], watcher: Watcher | None = None
) -> list[Made]:
    """Make what `wish` selects; `told` hears of each run as it ends. Raises `UserError` before the first run."""

    async def main() -> list[Made]:
        bundle = bundles.snapshot(settings.project, settings.bundle)
        files = [bundle.path / file.relative_to(settings.project) for file in candidates(settings)]
        planned = await asyncio.to_thread(prepare_selection, bundle.path, files, wish.selection, PIPELINE)
        async with opened(settings, role="run") as site:
            if watcher is not None:
                site.runtime.listen(watcher.listener, watcher.signal)
            stages = [await _stage(site, bundle, wish, pipeline) for pipeline in planned.stages]
            _check(wish, stages)
            return await _run(site, bundle_ref(settings, bundle.hash), wish, stages, told)

    return asyncio.run(main())


async def _stage(site: Site, bundle: bundles.Bundle, wish: Wish, pipeline: Pipeline) -> _Stage:
    check_names(pipeline, site.settings)
    now_us = site.clock.now_us()
    row = version_row(pipeline, bundle, now_us, actor=wish.actor)
    await site.store.put_version(row, make_current=False)
    stage = _Stage(pipeline, row.version, ())
    stage.keys = await _keys(site, wish, stage, Known(now_us))
    return stage


async def _keys(site: Site, wish: Wish, stage: _Stage, known: Known) -> tuple[str, ...]:
    cut = next(iter(stage.made.values())).partitions
    if cut is None:
        chosen: tuple[str, ...] = ("",)
    elif wish.partitions:
        chosen = selected(cut, wish.partitions, known)
    elif wish.missing:
        chosen = tuple(keys(cut, known))
    else:
        names = ", ".join(stage.made)
        raise UserError(f"{names}: which partitions?", fix="--partitions all, --partitions KEY..KEY, or --missing")
    if not wish.missing:
        return chosen
    there = [await _materialized(site, asset) for asset in stage.made]
    return tuple(key for key in chosen if any(key not in each for each in there))


async def _materialized(site: Site, asset: str) -> set[str]:
    found: set[str] = set()
    after: str | None = None
    while page := await site.store.assets.slices(asset, after=after):
        found.update(each.partition for each in page if each.materialized_us)
        after = page[-1].partition
    return found


def _check(wish: Wish, stages: list[_Stage]) -> None:
    if wish.partitions and all(asset.partitions is None for stage in stages for asset in stage.made.values()):
        raise UserError("Nothing of the selection has partitions.", fix="leave out --partitions")


async def _run(
    site: Site, bundle: BundleRef, wish: Wish, stages: list[_Stage], told: Callable[[Made], None]
) -> list[Made]:
    failures, slots, made = _Failures(), asyncio.Semaphore(wish.at_once), list[Made]()

    async def one(stage: _Stage, key: str) -> None:
        cause = failures.behind(stage, key, Known(site.clock.now_us()))
        if cause:
            ended = Made(assets=tuple(stage.made), partition=key, outcome="skipped", error=f"{cause} was not made")
        else:
            async with slots:
                row = await site.runtime.launch(Launch(_row(site, wish, stage, key), stage.pipeline, bundle))
            ended = Made(
                assets=tuple(stage.made),
                partition=key,
                outcome=str(row.state),  # type: ignore[arg-type]
                run_id=row.run_id,
                error=row.error.message if row.error is not None else "",
            )
        failures.note(stage, key, failed=ended.outcome != "succeeded")
        made.append(ended)
        told(ended)

    for stage in stages:
        site.versions.learn(stage.version, stage.pipeline, bundle)
        await asyncio.gather(*(one(stage, key) for key in stage.keys))
    return made


def _row(site: Site, wish: Wish, stage: _Stage, key: str) -> RunRow:
    row = new_row(stage.pipeline.name, stage.version, {}, site.clock.now_us())
    row.actor, row.partition_key = wish.actor, key
    cut = next(iter(stage.made.values())).partitions
    for dimension, part in parts(cut, key) if cut is not None else ():
        if isinstance(dimension, TimeWindows):
            row.interval_start_us, row.interval_end_us = span(dimension, part)
            row.logical_us = row.interval_end_us
    return row
