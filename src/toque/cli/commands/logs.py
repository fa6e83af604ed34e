"""`toque logs`: what the attempts of a run printed and logged."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

import click
import msgspec

from toque.cli.log_files import Line, Wanted, attempt_logs, follow, read
from toque.cli.options import project_options, split_task_run
from toque.cli.stores import LATEST, find_run, in_store
from toque.cli.times import clock
from toque.engine.rows import RunRow
from toque.engine.values import TaskKey
from toque.errors import NotFound
from toque.ports.store import Store
from toque.settings import Settings

LEVELS = ["debug", "info", "warning", "error", "critical"]
POLL_S = 0.2
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red", "debug": "bright_black"}


@click.command()
@click.argument("run", default=LATEST)
@click.argument("task_run", default="")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on until the run ends.")
@click.option("-n", "--tail", type=click.IntRange(1), help="Only the last lines.")
@click.option("--attempt", type=click.IntRange(1), help="Only this attempt.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="This level and above.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
@project_options
def logs(
    run: str,
    task_run: str,
    follows: bool,
    tail: int | None,
    attempt: int | None,
    level: str,
    as_json: bool,
    settings: Settings,
) -> None:
    """Print the logs of RUN (default: the latest), of all tasks or of TASK_RUN: `task`, `task[3]`."""
    task, index = split_task_run(task_run)
    wanted = Wanted(task, index, attempt)
    row, tasks = in_store(settings, lambda store: _found(store, run))
    directory = settings.home / "logs" / row.run_id
    if follows:

        def has_ended() -> bool:
            return in_store(settings, lambda store: find_run(store, row.run_id)).state.is_terminal

        lines = follow(lambda: attempt_logs(directory, wanted), has_ended, lambda: time.sleep(POLL_S))
    else:
        files = attempt_logs(directory, wanted)
        if not files and task and task not in tasks:
            raise NotFound(f"run {row.run_id} has no task {task!r}", fix=f"toque runs {row.run_id}")
        lines = read(files)
    loud = (line for line in lines if _is_loud(line, level))
    if not _echo(deque(loud, tail) if tail and not follows else loud, as_json):
        # Of an empty answer nobody knows whether it is one: beside the lines, so that a script reads none.
        at = "" if level == LEVELS[0] else f" at {level} or above"
        click.echo(f"nothing was logged by {task_run or row.run_id}{at}", err=True)


async def _found(store: Store, name: str) -> tuple[RunRow, set[str]]:
    row = await find_run(store, name)
    return row, set(await store.count_tasks(row.run_id))


def _is_loud(line: Line, level: str) -> bool:
    return line.level not in LEVELS or LEVELS.index(line.level) >= LEVELS.index(level)


def _echo(lines: Iterable[Line], as_json: bool) -> int:
    """How many there were."""
    count = 0
    for line in lines:
        count += 1
        if as_json:
            click.echo(msgspec.json.encode(line).decode())
        else:
            click.echo(formatted(line))
    return count


def formatted(line: Line) -> str:
    """`12:00:01.250  extract#2  text`, in the colour of its level."""
    attempt = f"#{line.attempt}" if line.attempt > 1 else ""
    source = click.style(f"{TaskKey(line.task, line.map_index)}{attempt}", fg="cyan")
    colour = _COLOURS.get(line.level)
    text = click.style(line.msg, fg=colour) if colour else line.msg
    return f"{clock(line.t)}  {source}  {text}"
