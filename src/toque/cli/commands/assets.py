"""`toque assets` and `toque materialize`: what data the project makes, and making it."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, state, table
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.errors import NotFound
from toque.graph.assets import Asset
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.local.materializing import Made
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


@click.command()
@click.argument("selection")
@click.option("--partitions", default="", metavar="KEYS", help="all, KEY, KEY..KEY, several with commas.")
@click.option("--missing", is_flag=True, help="Only what was never made.")
@click.option("--at-once", type=click.IntRange(1, 100), default=2, show_default=True, help="Runs at a time.")
@project_options
@json_option
def materialize(
    selection: str, partitions: str, missing: bool, at_once: int, settings: Settings, output: Output
) -> int:
    """Make the assets that SELECTION names: marts.*, +revenue, revenue+, group:marts; here and now.

    Assets with partitions are made by one run for each; what could not be made holds back only what is made from it.
    """
    from toque.local.materializing import Wish, materialize

    wish = Wish(selection=selection, partitions=partitions, missing=missing, at_once=at_once, actor=who())

    def told(made: Made) -> None:
        if not output.as_json:
            click.echo(_line(made))

    made = materialize(settings, wish, told=told)
    output.result([_made_json(each) for each in made], lambda: _summary(made))
    return Exit.OK if all(each.outcome == "succeeded" for each in made) else Exit.RUN_FAILED


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
    }


def _listed(chosen: list[Asset], stands: dict[str, tuple[SliceRow | None, int]]) -> str:
    if not chosen:
        return "no assets: @asset above a function that makes data declares one"
    rows = []
    for asset in chosen:
        newest, made = stands[asset.key]
        when = moment(newest.materialized_us) if newest and newest.materialized_us else "never"
        cut = f"{made}/{_partitions(asset)}" if asset.partitions is not None else ""
        size = f"{newest.rows:,}" if newest and newest.rows is not None else ""
        rows.append((asset.key, asset.group, when, cut, size, ", ".join(each.asset for each in asset.upstream)))
    return table(("ASSET", "GROUP", "MADE", "PARTITIONS", "ROWS", "FROM"), rows)


def _line(made: Made) -> str:
    names = ", ".join(made.assets) + (f" [{made.partition}]" if made.partition else "")
    rest = f"  {made.error.splitlines()[0]}" if made.error else ""
    return f"{state(made.outcome)}  {names}{rest}" + (f"  ({made.run_id})" if made.run_id else "")


def _summary(made: list[Made]) -> str:
    if not made:
        return "nothing to make"
    counts = Counter(each.outcome for each in made)
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def _made_json(made: Made) -> dict[str, Any]:
    return {
        "assets": list(made.assets),
        "partition": made.partition,
        "outcome": made.outcome,
        "run_id": made.run_id,
        "error": made.error,
    }
