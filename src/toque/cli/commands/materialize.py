"""`toque materialize`: make assets, as a backfill that outlives the command."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, state, table
from toque.cli.servers import server_of
from toque.cli.stores import in_store
from toque.engine.states import BackfillState, SliceState
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.store import Store
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.local.materializing import Made
    from toque.runtime.planning import Wish

POLL_S = 0.2
SHOWN = 20
ENDED = tuple(each for each in SliceState if each.is_terminal)
ALL = 100_000


@click.command()
@click.argument("selection")
@click.option("--partitions", default="", metavar="KEYS", help="all, KEY, KEY..KEY, several with commas.")
@click.option("--missing", is_flag=True, help="Only what was never made.")
@click.option("--failed", is_flag=True, help="Only what failed in a backfill, and was not made since.")
@click.option("--stale", is_flag=True, help="Only what would be made differently now.")
@click.option("--strategy", default="per_key", show_default=True, help="per_key, ranges(N) or single_run.")
@click.option("--at-once", type=click.IntRange(1, 1000), default=2, show_default=True, help="Runs at a time.")
@click.option("--reason", default="", help="Why, for others.")
@click.option("--dry-run", is_flag=True, help="Only say what it would make.")
@project_options
@json_option
def materialize(settings: Settings, output: Output, dry_run: bool, at_once: int, **wished: Any) -> int:
    """Make the assets that SELECTION names: marts.*, +revenue, revenue+, group:marts.

    Assets with partitions are made by one run for each. The plan is a backfill: the server carries it out, if one runs,
    and else this command, and whoever comes after it. What could not be made holds back only what is made from it.
    """
    from toque.runtime.planning import Wish

    wish = Wish(max_active=at_once, actor=who(), **wished)
    if dry_run:
        from toque.local.materializing import preview

        row, slices = preview(settings, wish)
        output.result(_described(row, slices), lambda: _plan(row, slices))
        return Exit.OK
    served = _at_the_server(settings, wish, output)
    if served is not None:
        return served
    return _here(settings, wish, output)


def _here(settings: Settings, wish: Wish, output: Output) -> int:
    from toque.local import materializing

    row = materializing.materialize(settings, wish, told=teller(output))
    return _report(settings, row, output, "here")


def teller(output: Output) -> Any:
    """Says how each slice ended."""

    def told(made: Made) -> None:
        if not output.as_json:
            click.echo(_line(made))

    return told


def _at_the_server(settings: Settings, wish: Wish, output: Output) -> int | None:
    """Let the running server make it, and follow it to its end; None when no server runs."""
    with server_of(settings) as server:
        if server is None:
            return None
        names = ("selection", "partitions", "missing", "failed", "stale", "strategy", "max_active", "reason")
        found = server.post("backfills", body={name: getattr(wish, name) for name in names})
    if not found["total"]:
        output.result({**found, "via": "server"}, lambda: "nothing to make")
        return Exit.OK
    output.say(f"backfill {found['id']}: {counted(found['total'])}; the server starts them")
    try:
        row = in_store(settings, lambda store: _follow(store, found["id"], teller(output)))
    except KeyboardInterrupt:
        output.say(f"it goes on without you: toque backfills shows it, toque backfills cancel {found['id']} ends it")
        return Exit.INTERRUPTED
    return _report(settings, row, output, "server")


async def _follow(store: Store, id: str, told: Any) -> BackfillRow:  # noqa: A002
    from toque.local.materializing import made_of

    known: set[int] = set()
    while True:
        row = await store.backfills.get(id)
        assert row is not None
        for each in await store.backfills.slices(id, SliceQuery(states=ENDED, limit=ALL)):
            if each.n not in known:
                known.add(each.n)
                told(made_of(row, each))
        if row.state is not BackfillState.RUNNING:
            return row
        await asyncio.sleep(POLL_S)


def _report(settings: Settings, row: BackfillRow, output: Output, via: str) -> int:
    if not row.total:
        output.result({**_described(row, []), "via": via}, lambda: "nothing to make")
        return Exit.OK
    slices = in_store(settings, lambda store: store.backfills.slices(row.id, SliceQuery(limit=ALL)))
    output.result({**_described(row, slices), "via": via}, lambda: summary(row))
    if row.state is BackfillState.CANCELLED:
        return Exit.INTERRUPTED
    return Exit.OK if row.state is BackfillState.SUCCEEDED else Exit.RUN_FAILED


def summary(row: BackfillRow) -> str:
    """How it ended, and what to do next."""
    counts = (
        (row.succeeded, "succeeded"),
        (row.failed, "failed"),
        (row.skipped, "held back"),
        (row.fresh, "fresh already"),
    )
    words = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing was started"
    again = f"; those alone: toque backfills retry {row.id}" if row.failed or row.skipped else ""
    return f"backfill {row.id} {row.state}: {words}{again}"


def _line(made: Made) -> str:
    names = ", ".join(made.assets) + (f" [{made.partition}]" if made.partition else "")
    rest = f"  {made.error}" if made.error else ""
    return f"{state(made.outcome)}  {names}{rest}" + (f"  ({made.run_id})" if made.run_id else "")


def _plan(row: BackfillRow, slices: list[BackfillSlice]) -> str:
    if not slices:
        return "nothing to make"
    lines = [
        (str(each.n + 1), ", ".join(row.stages[each.stage].assets), each.partition, str(each.count))
        for each in slices[:SHOWN]
    ]
    more = f"\n… and {len(slices) - SHOWN:,} more" if len(slices) > SHOWN else ""
    return (
        f"{counted(row.total)}, {row.max_active} at a time:\n"
        + table(("RUN", "ASSETS", "OF", "PARTITIONS"), lines)
        + more
    )


def counted(runs: int) -> str:
    return f"{runs:,} run" + ("" if runs == 1 else "s")


def _described(row: BackfillRow, slices: list[BackfillSlice]) -> dict[str, Any]:
    return {
        "id": row.id if slices else "",
        "state": str(row.state),
        "total": row.total,
        "succeeded": row.succeeded,
        "failed": row.failed,
        "skipped": row.skipped,
        "fresh": row.fresh,
        "slices": [
            {
                "assets": list(row.stages[each.stage].assets),
                "partition": each.partition,
                "outcome": each.state.value,
                "run_id": each.run_id,
                "error": each.error,
            }
            for each in slices
        ],
    }
