"""Pages of runs: their cursors, and the part of a filter that each row is held against."""

from __future__ import annotations

from toque.engine.rows import RunRow
from toque.ports.pages import RunPage, RunQuery


def page(query: RunQuery, found: list[RunRow]) -> RunPage:
    """`found` has one run more than the page if there are more; in the order of the query's direction."""
    rest = len(found) > query.limit
    shown = found[: query.limit]
    if query.after:
        shown.reverse()
    first, last = (shown[0].run_id, shown[-1].run_id) if shown else ("", "")
    if query.after:
        return RunPage(runs=shown, older=last, newer=first if rest else "")
    return RunPage(runs=shown, older=last if rest else "", newer=first if query.before else "")


def fits(query: RunQuery, run: RunRow) -> bool:
    """All of the filter that is not about ids and words."""
    return (
        (not query.pipeline or run.pipeline == query.pipeline)
        and (not query.states or run.state in query.states)
        and (not query.trigger or run.trigger == query.trigger)
        and (not query.backfill_id or run.backfill_id == query.backfill_id)
    )
