"""One asset in full: its slices with their states, one of them with what it is made from, and its history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

from toque.api import assets as shown
from toque.api.asset_automation import automation
from toque.api.asset_freshness import compared
from toque.api.assets import Catalogue
from toque.api.current_checks import of_current
from toque.api.lookups import cursor_of
from toque.api.plain import plain
from toque.api.services import Services
from toque.api.wire.assets import (
    AssetColumn,
    AssetDetail,
    AssetEvent,
    AssetSlice,
    AssetSource,
    PartitionStates,
    SliceSource,
    SliceState,
)
from toque.api.wire.graphs import Origin
from toque.api.wire.model import Page
from toque.engine.assets import AnyAssetEvent, Checked, FreshnessTold, Materialized, Observed, Reviewed
from toque.engine.rows import AssetEventRow
from toque.errors import NotFound
from toque.graph.partitions import Grid
from toque.ports.assets import SliceRow
from toque.schedule.partitions import keys, upstream_keys
from toque.schedule.partitions.keys import MAX_KEYS, has_key
from toque.schedule.partitions.staleness import Source, Standing, stale_slices

LETTERS: Mapping[SliceState, str] = {"missing": ".", "made": "m", "stale": "s", "failing": "f"}
SHOWN_SOURCES = 1000
"""Slices of one source that are looked at for one slice."""


async def detail(asked: Services, known: Catalogue, key: str) -> AssetDetail:
    """One asset; whether it is stale is judged by all slices of what it is made from. Raises `NotFound`."""
    indexed = known.find(key)
    asset = indexed.asset
    standing = await shown.stands(asked, known, [key])
    newest = standing.newest.get(key)
    summary = shown.summary(known, key, standing).model_dump()
    is_there = newest is not None and (
        asset.partitions is None or has_key(asset.partitions, newest.partition, known.known)
    )
    if newest is not None and is_there and newest.materialized_us and not indexed.external:
        stale = await _stale(asked, known, key, {newest.partition: newest})
        why = list(stale.get(newest.partition, ()))
        summary |= {"stale": bool(why), "why": why}
    fresh = await compared(asked, asset, newest)
    return AssetDetail(
        **{**summary, "doc": asset.doc, "freshness": fresh},
        columns=[AssetColumn(name=name, type=kind) for name, kind in (newest.columns if newest is not None else ())],
        sources=[
            AssetSource(asset=each.asset, mapping=_mapping(known, key, each.asset, shown.mapping_words(each.mapping)))
            for each in asset.upstream
        ],
        origin=Origin(file=indexed.file, line=indexed.line) if indexed.file else None,
        code_version=asset.code_version,
        automation=await automation(asked, asset),
    )


def _mapping(known: Catalogue, key: str, source: str, words: str) -> str:
    """There is nothing to choose of an asset that is not cut."""
    return words if known.cut(source) is not None else "the whole"


async def states(asked: Services, known: Catalogue, key: str) -> PartitionStates:
    """Every slice of it. Raises `NotFound`."""
    cut = known.find(key).asset.partitions
    there = keys(cut, known.known) if cut is not None else ("",)
    wanted = set(there)
    rows = await of_current(asked, known.assets, await _slices(asked, key))
    slices = {each.partition: each for each in rows if each.partition in wanted}
    stale = await _stale(asked, known, key, slices)
    cells = "".join(LETTERS[_state(slices.get(each), bool(stale.get(each)))] for each in there)
    grid = cut if isinstance(cut, Grid) else None
    return PartitionStates(
        keys=list(there),
        cells=cells,
        across=list(keys(grid.columns, known.known)) if grid is not None else [],
        names=list(grid.names) if grid is not None else [],
    )


async def one_slice(asked: Services, known: Catalogue, key: str, partition: str) -> AssetSlice:
    """One slice of it, whether or not it was ever made. Raises `NotFound`."""
    indexed = known.find(key)
    cut = indexed.asset.partitions
    if not (partition == "" if cut is None else has_key(cut, partition, known.known)):
        raise NotFound(
            f"{key} has no partition {partition!r}", fix=f"GET /api/v1/assets/{key}/partitions lists its keys"
        )
    picked = await asked.store.assets.pick(key, [partition])
    row = next(iter(await of_current(asked, known.assets, picked.values())), None)
    sources, changed = [], list[Source]()
    for each in indexed.asset.sources:
        theirs = known.cut(each.asset)
        read = upstream_keys(each.mapping, cut, theirs, partition, known.known)
        rows = await asked.store.assets.pick(each.asset, read[-SHOWN_SOURCES:])
        last_us = max((found.changed_us for found in rows.values()), default=0)
        first, last = (read[0], read[-1]) if read else ("", "")
        sources.append(SliceSource(asset=each.asset, count=len(read), first=first, last=last, changed_us=last_us))
        changed.append(Source(each.asset, each.mapping, theirs, _standings(rows)))
    why = []
    if row is not None and not indexed.external:
        standing = {partition: cast(Standing, shown.standing_of(row))}
        stale = stale_slices(cut, indexed.asset.code_version, standing, changed, known.known)
        why = list(stale.get(partition, ()))
    return AssetSlice(
        **shown.made(row or SliceRow(asset=key, partition=partition)).model_dump(),
        state=_state(row, bool(why)),
        why=why,
        changed_us=row.changed_us if row is not None else 0,
        failing_checks=shown.failing(row),
        sources=sources,
    )


def event_page(found: Sequence[AssetEventRow], limit: int) -> Page[AssetEvent]:
    """A page of the history. `found`: one more than its limit, if there are more. What one run told at one moment
    stands on one page, as far as it has room."""
    page = list(found[:limit])
    if len(found) <= limit:
        return Page(items=[event(row) for row in page])
    cut = (found[limit].at_us, found[limit].run_id)
    whole = [row for row in page if (row.at_us, row.run_id) != cut] or page
    return Page(items=[event(row) for row in whole], next=cursor_of([whole[-1].at_us, whole[-1].run_id]))


def event(row: AssetEventRow) -> AssetEvent:
    """On the wire."""
    told = row.event
    checked = told if isinstance(told, Checked) else None
    measured = told if isinstance(told, Materialized | Observed) else None
    return AssetEvent(
        kind=row.kind,  # type: ignore[arg-type]  # one of them, as the tags of events say
        at_us=row.at_us,
        partition=row.partition,
        run_id=row.run_id,
        pipeline=row.pipeline,
        task=row.task,
        index=list(row.map_index),
        attempt=row.attempt,
        rows=measured.rows if measured else None,
        size_bytes=told.size_bytes if isinstance(told, Materialized) else None,
        data_version=measured.data_version if measured else "",
        check=told.check if isinstance(told, Checked | Reviewed) else "",
        passed=checked.passed if checked else None,
        severity=checked.severity if checked else None,
        failed_rows=checked.failed_rows if checked else 0,
        message=_message(told),
        sample=[plain(each) for each in checked.sample] if checked else [],
        metadata={name: plain(value) for name, value in measured.metadata.items()} if measured else {},
    )


def _message(told: AnyAssetEvent) -> str:
    match told:
        case Checked() | FreshnessTold():
            return told.message
        case Reviewed():
            return f"{told.actor or 'somebody'} says that {'it was wrong' if told.was_anomaly else 'it is normal'}"
        case _:
            return ""


async def _slices(asked: Services, key: str) -> list[SliceRow]:
    return await asked.store.assets.slices(key, limit=MAX_KEYS)


async def _stale(
    asked: Services, known: Catalogue, key: str, slices: Mapping[str, SliceRow]
) -> dict[str, tuple[str, ...]]:
    """Those of some slices that are stale, by all slices of what they are made from. Each of them has to exist now."""
    indexed = known.find(key)
    cut = indexed.asset.partitions
    if indexed.external:
        return {}
    sources = [
        Source(each.asset, each.mapping, known.cut(each.asset), _standings(await _by_key(asked, each.asset)))
        for each in indexed.asset.sources
    ]
    return await asyncio.to_thread(
        stale_slices, cut, indexed.asset.code_version, _standings(slices), sources, known.known
    )


async def _by_key(asked: Services, key: str) -> dict[str, SliceRow]:
    return {each.partition: each for each in await _slices(asked, key)}


def _standings(rows: Mapping[str, SliceRow]) -> dict[str, Standing]:
    return {key: Standing(row.materialized_us, row.changed_us, row.code_version) for key, row in rows.items()}


def _state(row: SliceRow | None, stale: bool) -> SliceState:
    if row is not None and row.failing:
        return "failing"
    if row is None or not (row.materialized_us or row.observed_us):
        return "missing"
    return "stale" if stale else "made"
