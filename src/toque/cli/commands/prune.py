"""`toque prune`: remove old history now."""

from __future__ import annotations

import time

import click

from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.cli.stores import in_store
from toque.durations import seconds, text
from toque.errors import UserError
from toque.local.retention import Pruned
from toque.local.retention import prune as prune_store
from toque.ports.store import Store
from toque.settings import Settings
from toque.store.blobs import open_blobs


@click.command()
@click.option("--older-than", help='Ended longer ago than this, as in "30d".  [default: retention.age]')
@click.option(
    "--keep-last", type=click.IntRange(0), help="Runs of each pipeline to keep.  [default: retention.keep_last]"
)
@project_options
@json_option
def prune(older_than: str | None, keep_last: int | None, settings: Settings, output: Output) -> None:
    """Remove old runs with their logs and values, and bundles that nothing needs any more."""
    try:
        age_s = settings.retention.age_s if older_than is None else seconds(older_than)
    except ValueError as error:
        raise UserError(f"--older-than: {error}", fix="toque prune --older-than 30d") from error
    kept = settings.retention.keep_last if keep_last is None else keep_last

    async def work(store: Store) -> Pruned:
        blobs = open_blobs(settings.blobs_url)
        return await prune_store(store, blobs, settings, now_us=time.time_ns() // 1000, age_s=age_s, keep_last=kept)

    pruned = in_store(settings, work)
    output.result(
        {"runs": pruned.runs, "values": pruned.blobs, "bundles": pruned.bundles},
        lambda: (
            f"removed {len(pruned.runs)} runs that ended more than {text(age_s)} ago, {pruned.blobs} values, "
            f"{len(pruned.bundles)} bundles"
        ),
    )
