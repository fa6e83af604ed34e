"""Pages of runs. Each branch of a query walks one index in order, so that a rare state costs no scan of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.engine.rows import RunRow
from toque.engine.run_ids import first_run_id
from toque.engine.states import RunState
from toque.ports.pages import SEARCH_DEPTH, RunPage, RunQuery
from toque.store.history.paging import fits, page
from toque.store.history.words import BRANCHES, LAST, folded
from toque.store.sql.commit import RUN
from toque.store.sql.session import Session

_RUN = ", ".join(RUN.names)
_FETCH = 100
"""Runs that a search reads at once."""


def runs(session: Session, query: RunQuery) -> RunPage:
    """See `History.runs`."""
    if query.search:
        return _search(session, query)
    found = _select(session, query, query.limit + 1)
    return page(query, found)


def get_runs(session: Session, run_ids: Sequence[str]) -> dict[str, RunRow]:
    """See `History.get_runs`."""
    found = session.rows(
        f"SELECT {_RUN} FROM runs WHERE {session.among('run_id')}", (session.listed(dict.fromkeys(run_ids)),)
    )
    return {run.run_id: run for run in map(RUN.decode, found)}


def bounds(query: RunQuery) -> tuple[list[str], list[Any]]:
    """Conditions on the id: where the page begins, and when runs were created."""
    given = [
        ("run_id < ?", query.before),
        ("run_id > ?", query.after),
        ("run_id >= ?", first_run_id(query.from_us) if query.from_us else ""),
        ("run_id < ?", first_run_id(query.to_us) if query.to_us else ""),
    ]
    return [text for text, value in given if value], [value for _, value in given if value]


def _filters(query: RunQuery) -> list[tuple[list[str], list[Any]]]:
    """Conditions that fit one index each; together they are the filter."""
    common: list[str] = []
    values: list[Any] = []
    states: tuple[RunState | None, ...] = tuple(dict.fromkeys(query.states)) or (None,)
    if query.backfill_id:
        common += ["backfill_id = ?", "backfill_id <> ''"]
        values.append(query.backfill_id)
    # The runs of a backfill are few; the concatenation keeps planners from walking another index.
    suffix = " || ''" if query.backfill_id else ""
    if query.pipeline:
        common.append(f"pipeline{suffix} = ?")
        values.append(query.pipeline)
    if query.trigger:
        common.append(f"trigger{suffix} = ?")
        values.append(query.trigger)
    if (query.trigger or query.backfill_id) and not query.states:
        # Their indexes have the state before the id.
        states = tuple(RunState)
    return [(common, values) if state is None else ([*common, "state = ?"], [*values, state.value]) for state in states]


def _select(session: Session, query: RunQuery, limit: int) -> list[RunRow]:
    """The nearest `limit` runs in the direction of the query.

    Of several branches the ids are compared first, which their indexes hold: else each would read `limit` whole rows,
    and a history in which every state occurs would cost a multiple of one in which runs only succeed.
    """
    direction = "ASC" if query.after else "DESC"
    texts, ids = bounds(query)
    branches: list[str] = []
    parameters: list[Any] = []
    filters = _filters(query)
    columns = _RUN if len(filters) == 1 else "run_id"
    for conditions, values in filters:
        every = [*conditions, *texts]
        where = f" WHERE {' AND '.join(every)}" if every else ""
        branches.append(
            f"SELECT * FROM (SELECT {columns} FROM runs{where} ORDER BY run_id {direction} LIMIT ?) AS branch"
        )
        parameters += [*values, *ids, limit]
    text = " UNION ALL ".join(branches) + f" ORDER BY run_id {direction} LIMIT ?"
    if len(branches) > 1:
        text = (
            f"SELECT {_RUN} FROM runs WHERE run_id IN (SELECT run_id FROM ({text}) AS ids) ORDER BY run_id {direction}"
        )
    return [*map(RUN.decode, session.rows(text, (*parameters, limit)))]


def _search(session: Session, query: RunQuery) -> RunPage:
    """A page usually lies among the newest matches; all that a search may look at is read only if it does not."""
    prefix = folded(query.search)
    if not prefix:
        return RunPage(runs=[])
    words = _words(session, prefix)
    for depth in (2 * query.limit + 2, SEARCH_DEPTH):
        found, horizon = _found(session, query, prefix, words, depth)
        if len(found) > query.limit or not horizon:
            return page(query, found)
    # What lies beyond the horizon is left to the next page.
    result = page(query, found)
    if query.after:
        return RunPage(runs=result.runs, older=result.older or horizon, newer=horizon)
    return RunPage(runs=result.runs, older=horizon, newer=result.newer)


def _found(
    session: Session, query: RunQuery, prefix: str, words: Sequence[str], depth: int
) -> tuple[list[RunRow], str]:
    """Runs that match, at most one more than the page has; and the id that was looked up to, "" if at all."""
    candidates, horizon = _candidates(session, query, prefix, words, depth)
    ordered = sorted(candidates, reverse=not query.after)
    if horizon:
        ordered = [run_id for run_id in ordered if (run_id <= horizon if query.after else run_id >= horizon)]
    found: list[RunRow] = []
    for at in range(0, len(ordered), _FETCH):
        found += _matching(session, query, ordered[at : at + _FETCH])
        if len(found) > query.limit:
            break
    return found, horizon


def _candidates(
    session: Session, query: RunQuery, prefix: str, words: Sequence[str], depth: int
) -> tuple[set[str], str]:
    """Ids of runs that have the word; and where the first branch that was cut off ends, "" if none was."""
    texts, ids = bounds(query)
    direction = "ASC" if query.after else "DESC"
    where = "".join(f" AND {text}" for text in texts)
    order = f" ORDER BY run_id {direction} LIMIT ?"
    branches = [
        session.rows(f"SELECT run_id FROM run_words WHERE word = ?{where}{order}", (word, *ids, depth))
        for word in words
    ]
    branches.append(
        session.rows(
            f"SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ?{where}{order}",
            (prefix, prefix + LAST, *ids, depth),
        )
    )
    cut = [branch[-1][0] for branch in branches if len(branch) == depth]
    nearest = min if query.after else max
    return {run_id for branch in branches for (run_id,) in branch}, nearest(cut) if cut else ""


def _words(session: Session, prefix: str) -> list[str]:
    """The first words that begin with it, each found by one look into the index."""
    words: list[str] = []
    condition, value = "word >= ?", prefix
    while len(words) < BRANCHES:
        found = session.rows(
            f"SELECT word FROM run_words WHERE {condition} AND word < ? ORDER BY word LIMIT 1", (value, prefix + LAST)
        )
        if not found:
            break
        value = found[0][0]
        words.append(value)
        condition = "word > ?"
    return words


def _matching(session: Session, query: RunQuery, run_ids: list[str]) -> list[RunRow]:
    direction = "ASC" if query.after else "DESC"
    found = session.rows(
        f"SELECT {_RUN} FROM runs WHERE {session.among('run_id')} ORDER BY run_id {direction}",
        (session.listed(run_ids),),
    )
    return [run for run in map(RUN.decode, found) if fits(query, run)]
