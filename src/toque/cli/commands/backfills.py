"""`toque backfills`: how far backfills are; pause, resume, cancel them, and make again what failed."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, table
from toque.cli.servers import server_of
from toque.cli.stores import in_store
from toque.cli.times import moment
from toque.engine.states import BackfillState
from toque.errors import NotFound
from toque.ports.backfills import BackfillRow
from toque.ports.store import Store
from toque.runtime.backfill_orders import cancel_backfill, pause_backfill, retry_backfill
from toque.runtime.clock import SystemClock
from toque.settings import Settings


@click.group(invoke_without_command=True)
@click.option("--pipeline", default="", help="Only those of this pipeline; of assets: materialize.")
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@project_options
@json_option
@click.pass_context
def backfills(context: click.Context, pipeline: str, limit: int, settings: Settings, output: Output) -> None:
    """List backfills and how far they are; pause, resume or cancel one, or make again what failed of it."""
    if context.invoked_subcommand is not None:
        return
    rows = in_store(settings, lambda store: store.backfills.list_backfills(pipeline=pipeline, limit=limit))
    output.result([described(row) for row in rows], lambda: _listed(rows))


@backfills.command()
@click.argument("backfill")
@click.option("--reason", default="", help="Why, for others.")
@project_options
@json_option
def cancel(backfill: str, reason: str, settings: Settings, output: Output) -> None:
    """Start no more of its runs, and cancel those that have not ended."""

    async def work(store: Store) -> BackfillRow:
        found = await _find(store, backfill)
        return await cancel_backfill(store, found, actor=who(), reason=reason, now_us=SystemClock().now_us())

    row = in_store(settings, work)
    output.result(described(row), lambda: f"backfill {row.id} is {row.state}: {_progress(row)}")


@backfills.command()
@click.argument("backfill")
@project_options
@json_option
def pause(backfill: str, settings: Settings, output: Output) -> None:
    """Start nothing more of it for now; what runs goes on."""
    _paused(settings, backfill, output, paused=True)


@backfills.command()
@click.argument("backfill")
@project_options
@json_option
def resume(backfill: str, settings: Settings, output: Output) -> None:
    """Go on with one that was paused. A server carries it out, or `toque resume`."""
    _paused(settings, backfill, output, paused=False)


@backfills.command()
@click.argument("backfill")
@project_options
@json_option
def retry(backfill: str, settings: Settings, output: Output) -> int:
    """Make again what failed of it, and what was held back by that; nothing else. The code is that of the plan."""

    async def work(store: Store) -> BackfillRow:
        return await retry_backfill(store, await _find(store, backfill))

    row = in_store(settings, work)
    with server_of(settings) as server:
        is_served = server is not None
    if is_served:
        output.result(described(row), lambda: f"backfill {row.id}: {row.total - row.started} runs again")
        return Exit.OK
    from toque.cli.commands.materialize import summary, teller
    from toque.local.materializing import go_on

    [ended] = go_on(settings, [row.id], told=teller(output))
    output.result(described(ended), lambda: summary(ended))
    return Exit.OK if ended.state is BackfillState.SUCCEEDED else Exit.RUN_FAILED


def _paused(settings: Settings, backfill: str, output: Output, *, paused: bool) -> None:
    async def work(store: Store) -> BackfillRow:
        return await pause_backfill(store, await _find(store, backfill), paused=paused)

    row = in_store(settings, work)
    words = "paused" if row.paused else str(row.state)
    output.result(described(row), lambda: f"backfill {row.id} is {words}: {_progress(row)}")


async def _find(store: Store, name: str) -> str:
    """The id that `name` is, or is the end of."""
    if await store.backfills.get(name) is not None:
        return name
    matches = [row.id for row in await store.backfills.list_backfills(limit=1000) if row.id.endswith(name)]
    if len(matches) != 1:
        raise NotFound(f"there is no backfill {name!r}", fix="toque backfills lists them")
    return matches[0]


def described(row: BackfillRow) -> dict[str, Any]:
    """As JSON."""
    fields = msgspec.structs.asdict(row)
    for inner in ("definition", "revision", "cursor_us"):
        del fields[inner]
    stages = [{"assets": list(stage.assets), "total": stage.total} for stage in row.stages]
    return {**fields, "stages": stages}


def _listed(rows: list[BackfillRow]) -> str:
    if not rows:
        return "no backfill yet: toque backfill PIPELINE --from … --to …, or toque materialize ASSETS --partitions …"
    lines = [
        (row.id, _of(row), "paused" if row.paused and not row.finished_us else row.state, _progress(row), *_span(row))
        for row in rows
    ]
    return table(("backfill", "of", "state", "runs", "from", "to"), lines)


def _of(row: BackfillRow) -> str:
    return row.selection if row.stages else f"{row.pipeline}/{row.schedule}"


def _span(row: BackfillRow) -> tuple[str, str]:
    if row.stages:
        first, _, last = row.partitions.partition("..")
        return first, last
    return moment(row.from_us), moment(row.to_us)


def _progress(row: BackfillRow) -> str:
    failed = f", {row.failed} failed" if row.failed else ""
    held = f", {row.skipped} held back" if row.skipped else ""
    return f"{row.succeeded + row.fresh} of {row.total} succeeded{failed}{held}"
