"""Assets as lists and pages show them: what the project says of them, and how they stand in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

from toque.api.asset_freshness import stated
from toque.api.current_checks import of_current
from toque.api.services import Services
from toque.api.wire.assets import AssetMade, AssetNode, AssetPartitions, AssetSummary, FailingCheck
from toque.errors import NotFound
from toque.graph.assets import Asset, AssetDependency
from toque.graph.partitions import (
    AllKeys,
    AnyMapping,
    AnyPartitioning,
    DynamicKeys,
    FixedKeys,
    Grid,
    LastKey,
    Matching,
    StaticKeys,
    TimeWindows,
    TrailingWindows,
)
from toque.ports.assets import SliceRow
from toque.ports.project import IndexedAsset
from toque.schedule.partitions import Known, count, dynamic_names, upstream_keys
from toque.schedule.partitions.keys import has_key
from toque.schedule.partitions.staleness import Standing, why_stale

_ADVERBS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}


@dataclass
class Catalogue:
    """All assets at one moment."""

    assets: Mapping[str, IndexedAsset]
    known: Known
    downstream: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[AnyPartitioning, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, each in self.assets.items():
            for source in each.asset.upstream:
                self.downstream.setdefault(source.asset, []).append(key)

    def find(self, key: str) -> IndexedAsset:
        """Raises `NotFound`."""
        if key not in self.assets:
            raise NotFound(f"there is no asset {key!r}", fix="GET /api/v1/assets lists them")
        return self.assets[key]

    def cut(self, key: str) -> AnyPartitioning | None:
        """How an asset is cut; None as well for one that nobody knows."""
        each = self.assets.get(key)
        return each.asset.partitions if each is not None else None

    def count(self, partitioning: AnyPartitioning) -> int:
        """Slices; assets are cut in few ways, and years of hours take a while to count."""
        if partitioning not in self._counts:
            self._counts[partitioning] = count(partitioning, self.known)
        return self._counts[partitioning]


async def catalogue(asked: Services) -> Catalogue:
    """What the project defines, and what runs told of beside it."""
    found = dict(asked.project.state.assets)
    for key in await asked.store.assets.known():
        found.setdefault(key, IndexedAsset(asset=Asset(key=key), external=True))
    names = dynamic_names(each.asset.partitions for each in found.values())
    known = Known(asked.clock.now_us(), await asked.store.assets.dynamic(names))
    return Catalogue(dict(sorted(found.items())), known)


@dataclass(frozen=True)
class Stands:
    """How some assets stand: the newest slice of each and of what it is made from, and how many were made."""

    newest: Mapping[str, SliceRow]
    made: Mapping[str, int]


async def stands(asked: Services, known: Catalogue, wanted: Sequence[str]) -> Stands:
    """Of the `wanted` ones."""
    with_sources = dict.fromkeys(wanted)
    for key in wanted:
        with_sources |= dict.fromkeys(source.asset for source in known.assets[key].asset.upstream)
    standings = await asked.store.assets.standings(list(with_sources))
    newest = {row.asset: row for row in await of_current(asked, known.assets, standings.values())}
    return Stands(newest, await asked.store.assets.made_counts(wanted))


def summary(known: Catalogue, key: str, standing: Stands) -> AssetSummary:
    """An asset in a list."""
    indexed = known.assets[key]
    asset, newest = indexed.asset, standing.newest.get(key)
    why = reasons(known, indexed, standing)
    cut = asset.partitions
    return AssetSummary(
        key=key,
        group=asset.group,
        owner=asset.owner,
        tags=list(asset.tags),
        doc=asset.doc.strip().partition("\n\n")[0],
        io=asset.io,
        external=indexed.external,
        broken=indexed.broken,
        upstream=[source.asset for source in asset.upstream],
        downstream=known.downstream.get(key, []),
        partitions=_partitions(known, cut) if cut else None,
        materialized_count=standing.made.get(key, 0),
        last=made(newest) if newest is not None else None,
        failing_checks=failing(newest),
        stale=bool(why),
        why=list(why),
        pipelines=list(indexed.pipelines),
        freshness=stated(asset, newest, known.known.now_us),
    )


def _partitions(known: Catalogue, cut: AnyPartitioning) -> AssetPartitions:
    return AssetPartitions(
        kind=kind_of(cut), words=words_of(cut), count=known.count(cut), dynamic=list(dynamic_names([cut]))
    )


def reasons(known: Catalogue, indexed: IndexedAsset, standing: Stands) -> tuple[str, ...]:
    """Why the newest slice of an asset is stale, by the newest slices of what it is made from."""
    asset = indexed.asset
    newest = standing.newest.get(asset.key)
    if indexed.external:
        return ()
    changes = []
    for source in asset.sources:
        theirs = standing.newest.get(source.asset)
        if newest is not None and theirs is not None and _is_read(known, asset, source, newest, theirs):
            changes.append((source.asset, theirs.changed_us))
    return why_stale(standing_of(newest), asset.code_version, changes)


def _is_read(known: Catalogue, asset: Asset, source: AssetDependency, ours: SliceRow, theirs: SliceRow) -> bool:
    """Whether one slice is made from another."""
    cut, their_cut = asset.partitions, known.cut(source.asset)
    if their_cut is None or isinstance(source.mapping, AllKeys):
        return True
    if cut is None and isinstance(source.mapping, Matching):
        return True
    if cut is not None and not has_key(cut, ours.partition, known.known):
        return False  # it was cut in another way then
    return theirs.partition in upstream_keys(source.mapping, cut, their_cut, ours.partition, known.known)


def standing_of(row: SliceRow | None) -> Standing | None:
    """As staleness sees it."""
    return Standing(row.materialized_us, row.changed_us, row.code_version) if row is not None else None


def made(row: SliceRow) -> AssetMade:
    """The slice that was made last."""
    return AssetMade(
        partition=row.partition,
        materialized_us=row.materialized_us,
        observed_us=row.observed_us,
        run_id=row.run_id,
        task=row.task,
        pipeline=row.pipeline,
        rows=row.rows,
        size_bytes=row.size_bytes,
        data_version=row.data_version,
    )


def failing(row: SliceRow | None) -> list[FailingCheck]:
    """By name."""
    found = sorted(row.failing.items()) if row is not None else []
    return [FailingCheck(check=check, severity=severity) for check, severity in found]  # type: ignore[arg-type]


def node(known: Catalogue, key: str, standing: Stands) -> AssetNode:
    """An asset in the graph."""
    indexed, newest = known.assets[key], standing.newest.get(key)
    why = reasons(known, indexed, standing)
    state, words = _state(indexed, newest, why)
    cut = indexed.asset.partitions
    if cut is not None and state == "made":
        words = f"{standing.made.get(key, 0):,} of {known.count(cut):,} partitions"
    return AssetNode(
        key=key,
        group=indexed.asset.group,
        external=indexed.external,
        state=state,
        words=words,
        materialized_us=newest.materialized_us if newest is not None else 0,
    )


def _state(
    indexed: IndexedAsset, newest: SliceRow | None, why: Sequence[str]
) -> tuple[Literal["external", "missing", "made", "stale", "failing"], str]:
    if newest is not None and newest.failing:
        return "failing", ", ".join(sorted(newest.failing))
    if indexed.external:
        return "external", "external"
    if newest is None or not newest.materialized_us:
        return "missing", "never made"
    return ("stale", ", ".join(why)) if why else ("made", "made")


def fits(indexed: IndexedAsset, *, search: str, group: str, tag: str, owner: str) -> bool:
    """Whether a list with these filters has it."""
    asset = indexed.asset
    text = " ".join((asset.key, asset.doc, asset.group, *asset.tags)).casefold()
    return (
        (not search or search.casefold() in text)
        and (not group or asset.group == group)
        and (not tag or tag in asset.tags)
        and (not owner or asset.owner == owner)
    )


def kind_of(cut: AnyPartitioning) -> Literal["time", "static", "dynamic", "grid"]:
    """Its kind on the wire."""
    match cut:
        case TimeWindows():
            return "time"
        case StaticKeys():
            return "static"
        case DynamicKeys():
            return "dynamic"
        case Grid():
            return "grid"
        case _:
            assert_never(cut)


def words_of(cut: AnyPartitioning) -> str:
    """How it is cut, for people."""
    match cut:
        case TimeWindows():
            until = f" to {cut.end}" if cut.end else ""
            zone = f", {cut.tz}" if cut.tz != "UTC" else ""
            return f"{_ADVERBS[cut.every]} from {cut.start}{until}{zone}"
        case StaticKeys():
            return _listed(cut.keys)
        case DynamicKeys():
            return f"each of {cut.name}"
        case Grid():
            return f"{cut.names[0]} ({words_of(cut.rows)}) × {cut.names[1]} ({words_of(cut.columns)})"
        case _:
            assert_never(cut)


def mapping_words(mapping: AnyMapping) -> str:
    """Which slices are read, for people."""
    match mapping:
        case Matching():
            return "those that match"
        case TrailingWindows():
            return f"the last {mapping.count} windows"
        case AllKeys():
            return "all"
        case LastKey():
            return "the newest"
        case FixedKeys():
            return _listed(mapping.keys)
        case _:
            assert_never(mapping)


def _listed(found: Iterable[str]) -> str:
    names = list(found)
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
