"""`toque assets`: what data the project makes, and how it stands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output, table
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.errors import NotFound
from toque.graph.assets import Asset
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.ports.assets import SliceRow
    from toque.ports.store import Store


@click.command()
@click.argument("selection", default="*")
@project_options
@json_option
def assets(selection: str, settings: Settings, output: Output) -> int:
    """List the assets of the project, or those that SELECTION names: marts.*, +revenue, group:marts, tag:daily."""
    from toque.graph.selection import Selectable, select
    from toque.local.loading import candidates, load

    loaded = load(settings.project, candidates(settings))
    known = {asset.key: asset for each in loaded for asset in _all_of(each)}
    chosen = [known[key] for key in select(selection, map(Selectable.of, known.values()))] if known else []

    async def standing(store: Store) -> dict[str, tuple[SliceRow | None, int]]:
        newest = await store.assets.standings([asset.key for asset in chosen])
        counted = {}
        for asset in chosen:
            slices = await store.assets.slices(asset.key, limit=100_000) if asset.partitions is not None else []
            counted[asset.key] = (newest.get(asset.key), sum(1 for each in slices if each.materialized_us))
        return counted

    try:
        stands = in_store(settings, standing)
    except NotFound:  # nothing ran yet, so nothing was made
        stands = {asset.key: (None, 0) for asset in chosen}
    output.result([_as_json(asset, *stands[asset.key]) for asset in chosen], lambda: _listed(chosen, stands))
    return Exit.USAGE if any(each.problems for each in loaded) else Exit.OK


def _all_of(loaded: Any) -> list[Asset]:
    """Those of a file, and what its pipelines only read."""
    return [*loaded.assets, *(asset for pipeline in loaded.pipelines for asset in pipeline.assets if not asset.node)]


def _partitions(asset: Asset) -> int:
    from toque.schedule.partitions import Known, count

    return count(asset.partitions, Known(time.time_ns() // 1000)) if asset.partitions is not None else 0


def _as_json(asset: Asset, newest: SliceRow | None, made: int) -> dict[str, Any]:
    return {
        "key": asset.key,
        "group": asset.group,
        "tags": list(asset.tags),
        "owner": asset.owner,
        "doc": asset.doc,
        "upstream": [each.asset for each in asset.upstream],
        "io": asset.io,
        "partitions": _partitions(asset) if asset.partitions is not None else None,
        "materialized_partitions": made if asset.partitions is not None else None,
        "materialized_us": newest.materialized_us if newest else 0,
        "rows": newest.rows if newest else None,
        "run_id": newest.run_id if newest else "",
        "failing_checks": sorted(newest.failing) if newest else [],
        "freshness": _freshness(asset, newest),
    }


def _freshness(asset: Asset, newest: SliceRow | None) -> dict[str, Any] | None:
    from toque.runtime.ageing import freshness_of
    from toque.schedule.deadlines import policy_words

    if asset.freshness is None:
        return None
    found = freshness_of(asset.freshness, newest, time.time_ns() // 1000)
    return {
        "state": found.state,
        "deadline_us": found.deadline_us,
        "updated_us": found.updated_us,
        "words": found.words,
        "policy": policy_words(asset.freshness),
    }


def _fresh_words(asset: Asset, newest: SliceRow | None) -> str:
    """Short enough for a table."""
    found = _freshness(asset, newest)
    if found is None:
        return ""
    if found["state"] == "unknown":
        return "no data yet"
    word = {"fresh": "until", "due": "by", "overdue": "since"}[found["state"]]
    return f"{found['state']} {word} {moment(found['deadline_us'])}" if found["deadline_us"] else str(found["state"])


def _listed(chosen: list[Asset], stands: dict[str, tuple[SliceRow | None, int]]) -> str:
    if not chosen:
        return "no assets: @asset above a function that makes data declares one"
    rows = []
    for asset in chosen:
        newest, made = stands[asset.key]
        when = moment(newest.materialized_us) if newest and newest.materialized_us else "never"
        cut = f"{made}/{_partitions(asset)}" if asset.partitions is not None else ""
        size = f"{newest.rows:,}" if newest and newest.rows is not None else ""
        fresh = _fresh_words(asset, newest)
        made_from = ", ".join(each.asset for each in asset.upstream)
        rows.append((asset.key, asset.group, when, fresh, cut, size, made_from))
    return table(("ASSET", "GROUP", "MADE", "FRESHNESS", "PARTITIONS", "ROWS", "FROM"), rows)
