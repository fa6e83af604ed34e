"""The store itself: who holds slots, who lives on it, what it has seen."""

from __future__ import annotations

from collections.abc import Callable

from toque.engine.states import RunState
from toque.ports.pages import Holder, Server, Totals
from toque.store.history.holding import Held, parse
from toque.store.sql import schema
from toque.store.sql.codec import pack_index
from toque.store.sql.history.overview import active_counts, pipelines
from toque.store.sql.history_tables import EVER
from toque.store.sql.session import Session


def holders(session: Session, limit: int) -> list[Holder]:
    """See `History.holders`."""
    found = session.rows("SELECT pool, holder, slots, instance FROM holds ORDER BY pool, holder LIMIT ?", (limit,))
    return [
        Holder(
            pool=pool,
            run_id=held.run_id,
            task=held.task,
            map_index=held.map_index,
            slots=slots,
            since_us=_since(session, held),
            instance=instance,
        )
        for pool, holder, slots, instance in found
        for held in (parse(holder),)
    ]


def _since(session: Session, held: Held) -> int:
    if not held.task:
        found = session.rows("SELECT started_us FROM runs WHERE run_id = ?", (held.run_id,))
    else:
        found = session.rows(
            "SELECT dispatched_us FROM tasks WHERE run_id = ? AND task = ? AND map_index = ?",
            (held.run_id, held.task, pack_index(held.map_index)),
        )
    return int(found[0][0]) if found else 0


def servers(session: Session, is_alive: Callable[[str], bool]) -> list[Server]:
    """See `History.servers`."""
    owned = dict(session.rows(f"SELECT owner, count(*) FROM runs WHERE {schema.UNFINISHED} GROUP BY owner"))
    found = session.rows(
        "SELECT instance, boot, pid, host, role, since_us, lease_until_us FROM instances ORDER BY instance"
    )
    return [
        Server(
            instance=instance,
            boot=boot,
            pid=pid,
            host=host,
            role=role,
            since_us=since_us,
            lease_until_us=lease_until_us,
            alive=is_alive(instance),
            active_runs=owned.get(instance, 0),
        )
        for instance, boot, pid, host, role, since_us, lease_until_us in found
    ]


def revision(session: Session) -> str:
    """Of the schema."""
    [(found,)] = session.rows("SELECT version_num FROM alembic_version")
    return str(found)


def totals(session: Session) -> Totals:
    """See `History.totals`. One row of sums for each pipeline and state."""
    names = pipelines(session)
    sums = session.rows(
        "SELECT state, CAST(sum(runs) AS BIGINT), CAST(sum(tasks) AS BIGINT) FROM run_counts"
        f" WHERE {session.among('pipeline')} AND at_us = ? GROUP BY state ORDER BY state",
        (session.listed(names), EVER),
    )
    active: dict[RunState, int] = {}
    for counts in active_counts(session).values():
        for state, count in counts.items():
            active[state] = active.get(state, 0) + count
    [(versions,)] = session.rows("SELECT count(*) FROM versions")
    return Totals(
        active_runs=active,
        ended_runs={RunState(state): runs for state, runs, _ in sums if runs},
        ended_tasks=sum(tasks for _, _, tasks in sums),
        versions=versions,
        pipelines=len(names),
    )
