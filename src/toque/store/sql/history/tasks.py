"""Task runs for pages: grids, pages within one run, failures, timelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.engine.values import MapIndex
from toque.ports.pages import NO_CELL, Grid, NodeCounts, TaskPage, TaskQuery, TimelineBar
from toque.store.history import bars as folding
from toque.store.history.searching import parse
from toque.store.history.tasking import page
from toque.store.sql import schema
from toque.store.sql.codec import pack_index, unpack_index
from toque.store.sql.commit import TASK
from toque.store.sql.history import summaries
from toque.store.sql.history.bars import BAR, bar
from toque.store.sql.history.summaries import Summary
from toque.store.sql.session import Session

_TASK = ", ".join(TASK.names)
MOST_OTHERS = 2_000
"""Tasks of a grid that were not asked for."""
_DEEPEST = b"\xff" * 64
"""After the bytes of an index: beyond all that are nested in it."""


def grid(
    session: Session,
    pipeline: str,
    tasks: Sequence[str],
    limit: int,
    before: str,
    known: Mapping[str, Sequence[NodeCounts]],
) -> Grid:
    """See `History.grid`."""
    text, values = (" AND run_id < ?", [before]) if before else ("", [])
    found = session.rows(
        f"SELECT {BAR} FROM runs WHERE pipeline = ?{text} ORDER BY run_id DESC LIMIT ?", (pipeline, *values, limit + 1)
    )
    runs = [*map(bar, found[:limit])]
    shown = {run.run_id: summaries.glance(known[run.run_id]) for run in runs if run.run_id in known}
    shown |= summaries.load(session, [run.run_id for run in runs if run.run_id not in known])
    rows = [*dict.fromkeys(tasks)]
    names = {summary.names: summaries.names_of(summary) for summary in shown.values()}
    others = set().union(*names.values()).difference(rows)
    rows += sorted(others)[:MOST_OTHERS]
    readers = {packed: _reader(listed, rows) for packed, listed in names.items()}
    return Grid(
        tasks=rows,
        runs=runs,
        cells=[_cells(shown[run.run_id], readers) for run in runs],
        older=runs[-1].run_id if len(found) > limit else "",
    )


def _reader(names: Sequence[str], rows: Sequence[str]) -> Callable[[str], Any]:
    """Takes the cells of a summary, and one that stands for none, into the order of the rows."""
    at = {name: position for position, name in enumerate(names)}
    positions = [at.get(name, -1) for name in rows]
    return itemgetter(*positions) if positions else lambda cells: ""


def _cells(summary: Summary, readers: dict[bytes, Callable[[str], Any]]) -> str:
    return "".join(readers[summary.names](summary.cells + NO_CELL))


def task_runs(session: Session, query: TaskQuery) -> TaskPage:
    """See `History.task_runs`. Walks the table of task runs in order, within the run."""
    search = parse(query.search)
    if search.nothing:
        return TaskPage(tasks=[])
    conditions = ["run_id = ?"]
    parameters: list[Any] = [query.run_id]

    def where(text: str, *values: Any) -> None:
        conditions.append(text)
        parameters.extend(values)

    if query.task:
        where("task = ?", query.task)
    if query.states:
        where(session.among("state"), session.listed(state.value for state in query.states))
        if schema.TROUBLED_STATES.issuperset(query.states):
            where(schema.TROUBLED)
    if search.path:
        packed = pack_index(search.path)
        where("map_index >= ? AND map_index <= ?", packed, packed + _DEEPEST)
    if search.text:
        escaped = "".join(f"!{letter}" if letter in "!%_" else letter for letter in search.text)
        where("lower(task) LIKE ? ESCAPE '!'", f"%{escaped}%")
    for sign, cursor in ((">", query.after), ("<", query.before)):
        if cursor is not None and cursor[0] == query.task:
            # SQLite would not look at a comparison of pairs of which one is known.
            where(f"map_index {sign} ?", pack_index(cursor[1]))
        elif cursor is not None:
            where(f"(task, map_index) {sign} (?, ?)", cursor[0], pack_index(cursor[1]))
    direction = "DESC" if query.before is not None else "ASC"
    found = session.rows(
        f"SELECT {_TASK} FROM tasks WHERE {' AND '.join(conditions)}"
        f" ORDER BY task {direction}, map_index {direction} LIMIT ?",
        (*parameters, query.limit + 1),
    )
    return page(query, [*map(TASK.decode, found)])


def task_run(session: Session, run_id: str, task: str, map_index: MapIndex) -> TaskRow | None:
    """See `History.task_run`."""
    found = session.rows(
        f"SELECT {_TASK} FROM tasks WHERE run_id = ? AND task = ? AND map_index = ?",
        (run_id, task, pack_index(map_index)),
    )
    return TASK.decode(found[0]) if found else None


def first_failures(session: Session, run_id: str, limit: int) -> list[TaskRow]:
    """See `History.first_failures`."""
    found = session.rows(
        f"SELECT {_TASK} FROM tasks{session.by_index('tasks_troubled')}"
        f" WHERE run_id = ? AND state = ? AND {schema.TROUBLED}"
        " ORDER BY finished_us, task, map_index LIMIT ?",
        (run_id, TaskState.FAILED.value, limit),
    )
    return [*map(TASK.decode, found)]


def timeline(session: Session, run_id: str, limit: int, known: Sequence[NodeCounts] | None) -> list[TimelineBar]:
    """See `History.timeline`."""
    nodes = summaries.nodes(session, run_id) if known is None else known
    tasks = folding.unfolded(nodes, limit)
    found = (
        session.rows(
            "SELECT task, map_index, state, ready_us, started_us, finished_us FROM tasks"
            f" WHERE run_id = ? AND {session.among('task')}",
            (run_id, session.listed(tasks)),
        )
        if tasks
        else []
    )
    single = (
        TimelineBar(
            task=task,
            map_index=unpack_index(bytes(packed)),
            state=TaskState(state),
            ready_us=ready_us,
            started_us=started_us,
            finished_us=finished_us,
        )
        for task, packed, state, ready_us, started_us, finished_us in found
    )
    return folding.arrange(nodes, single, tasks, limit)
