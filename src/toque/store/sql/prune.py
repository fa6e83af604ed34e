"""Retention: old runs are deleted in chunks small enough that commits between them never wait long."""

from __future__ import annotations

from toque.engine.states import RUN_TERMINAL
from toque.store.sql import schema
from toque.store.sql.asset_tables import ASSET_EVENTS
from toque.store.sql.declared import Table
from toque.store.sql.history import keeping
from toque.store.sql.session import Database, Session

CHUNK_ROWS = 1000
"""Rows of one run and table that one transaction deletes: about 5 ms."""

_CHILDREN = (
    (schema.TASKS, "task, map_index"),
    (schema.ATTEMPTS, "task, map_index, attempt"),
    (schema.FACTS, "first_seq"),
    (schema.STEPS, "task"),
    (ASSET_EVENTS, "task, map_index, attempt, n"),
)

_TERMINAL = schema.states_in("state || ''", RUN_TERMINAL)
"""The concatenation keeps planners from walking an index on states, which would visit the whole history."""


async def prune(database: Database, before_us: int, keep_last: int, limit: int) -> list[str]:
    """See `Store.prune`. The row of a run goes last: a prune that was killed is taken up by the next one."""
    chosen = await database.read(lambda session: expired(session, before_us, keep_last, limit))
    pruned: list[str] = []
    for run_id in chosen:
        for table, key in _CHILDREN:
            while await database.write(lambda s, t=table, k=key, r=run_id: _delete_chunk(s, t, k, r)):  # type: ignore[misc]
                pass
        if await database.write(lambda session, run=run_id: _delete_run(session, run)):  # type: ignore[misc]
            pruned.append(run_id)
    return pruned


def expired(session: Session, before_us: int, keep_last: int, limit: int) -> list[str]:
    """Ended runs that finished before `before_us`, oldest first, but for the newest `keep_last` of each pipeline
    and for those whose results a rerun that still exists has taken over."""
    found = session.rows(
        f"SELECT run_id FROM runs WHERE {schema.ENDED} AND finished_us < ? AND {_TERMINAL}"
        " AND ? <= (SELECT count(*) FROM (SELECT 1 FROM runs AS newer WHERE newer.pipeline = runs.pipeline"
        " AND newer.run_id > runs.run_id LIMIT ?) AS kept)"
        " AND NOT EXISTS (SELECT 1 FROM runs AS rerun WHERE rerun.origin_run = runs.run_id AND rerun.origin_run <> '')"
        " ORDER BY finished_us, run_id LIMIT ?",
        (before_us, keep_last, keep_last, limit),
    )
    return [row[0] for row in found]


def _delete_chunk(session: Session, table: Table, key: str, run_id: str) -> bool:
    """Delete up to `CHUNK_ROWS` rows; says whether there may be more."""
    last = session.rows(
        f"SELECT {key} FROM {table.name} WHERE run_id = ? ORDER BY {key} LIMIT 1 OFFSET ?", (run_id, CHUNK_ROWS - 1)
    )
    if not last:
        session.run(f"DELETE FROM {table.name} WHERE run_id = ?", (run_id,))
        return False
    marks = ", ".join("?" * len(last[0]))
    session.run(f"DELETE FROM {table.name} WHERE run_id = ? AND ({key}) <= ({marks})", (run_id, *last[0]))
    return True


def _delete_run(session: Session, run_id: str) -> bool:
    session.run("DELETE FROM commands WHERE run_id = ?", (run_id,))
    keeping.removed(session, run_id)
    return bool(session.rows("DELETE FROM runs WHERE run_id = ? RETURNING run_id", (run_id,)))
