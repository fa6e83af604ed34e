"""`toque mark` and `toque cancel`: orders for whoever owns the run, handed over through the store."""

from __future__ import annotations

import time
from typing import Any

import click

from toque.cli.options import json_option, project_options, split_task_run, who
from toque.cli.output import Output
from toque.cli.servers import server_of
from toque.cli.stores import find_run, in_store
from toque.engine.rows import RunRow
from toque.engine.values import MapIndex
from toque.errors import NotFound, UserError
from toque.ports.store import CommandRow, Store
from toque.settings import Settings


@click.command()
@click.argument("run")
@click.argument("task_run")
@click.argument("state", type=click.Choice(["succeeded", "failed", "skipped"]))
@click.option("--reason", default="", help="Kept with the run, beside your name.")
@project_options
@json_option
def mark(run: str, task_run: str, state: str, reason: str, settings: Settings, output: Output) -> None:
    """Declare the outcome of TASK_RUN (`task`, `task[3]`) of RUN, which has not ended; what depends on it goes on."""
    task, index = split_task_run(task_run)
    row, via = _ordered(settings, run, "mark", (task, index), {"state": state, "reason": reason})
    _report(row, f"{task_run} is to be marked {state}", via, output)


@click.command()
@click.argument("run")
@click.argument("task_run", default="")
@click.option("--reason", default="", help="Kept with the run, beside your name.")
@project_options
@json_option
def cancel(run: str, task_run: str, reason: str, settings: Settings, output: Output) -> None:
    """Cancel RUN, or only TASK_RUN of it: first kindly, then by force."""
    task, index = split_task_run(task_run)
    row, via = _ordered(settings, run, "cancel", (task, index), {"reason": reason})
    _report(row, f"{task_run or 'the run'} is to be cancelled", via, output)


def _ordered(
    settings: Settings, name: str, kind: str, target: tuple[str, MapIndex], payload: dict[str, Any]
) -> tuple[RunRow, str]:
    """Given to the server if one runs, else left in the store for whoever owns the run."""
    with server_of(settings) as server:
        if server is None:
            return in_store(settings, lambda store: _order(store, name, kind, target, payload)), "store"
        row = in_store(settings, lambda store: find_run(store, name))
        task, index = target
        body = {**payload, "task": task, "index": ".".join(map(str, index))}
        server.post("runs", row.run_id, kind, body=body)
        return row, "server"


async def _order(store: Store, name: str, kind: str, target: tuple[str, MapIndex], payload: dict[str, Any]) -> RunRow:
    row = await find_run(store, name)
    task, index = target
    if row.state.is_terminal:
        raise UserError(f"run {row.run_id} has ended: it {row.state}", fix=f"toque rerun {row.run_id} starts a new one")
    if task:
        await _require_task(store, row, task)
    command = CommandRow(
        run_id=row.run_id,
        kind=kind,
        payload={**payload, "task": task, "map_index": list(index)},
        actor=who(),
        at_us=time.time_ns() // 1000,
    )
    await store.put_command(command)
    return row


async def _require_task(store: Store, row: RunRow, task: str) -> None:
    """An order for a task that does not exist would be rejected where nobody looks."""
    from toque.graph import canonical

    version = await store.get_version(row.version)
    known = set(await store.count_tasks(row.run_id))
    if version is not None:
        known |= {node.id for node in canonical.decode(version.ir).nodes}
    if task not in known:
        raise NotFound(f"run {row.run_id} has no task {task!r}", fix=f"it has: {', '.join(sorted(known))}")


def _report(row: RunRow, what: str, via: str, output: Output) -> None:
    owner = "" if row.owner else " as soon as a server or `toque resume` takes the run"
    output.result(
        {"run_id": row.run_id, "ordered": what, "owned": bool(row.owner), "via": via}, lambda: f"{what}{owner}"
    )
