"""Pages of task runs: their cursors."""

from __future__ import annotations

from toque.engine.rows import TaskRow
from toque.ports.pages import TaskPage, TaskQuery


def page(query: TaskQuery, found: list[TaskRow]) -> TaskPage:
    """`found` has one more than the page if there are more; in the order of the query's direction."""
    rest = len(found) > query.limit
    shown = found[: query.limit]
    if query.before is not None:
        shown.reverse()
    if not shown:
        return TaskPage(tasks=[])
    first, last = (shown[0].task, shown[0].map_index), (shown[-1].task, shown[-1].map_index)
    if query.before is not None:
        return TaskPage(tasks=shown, next=last, previous=first if rest else None)
    return TaskPage(tasks=shown, next=last if rest else None, previous=first if query.after is not None else None)
