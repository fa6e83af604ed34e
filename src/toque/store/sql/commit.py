"""The one transaction of the runtime: check ownership and slots, then write rows, facts and the rest of a batch."""

from __future__ import annotations

from collections.abc import Iterable

from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.ports.store import Commit, FactBatch, Hold, OutboxRow, OwnershipLost, PoolFull
from toque.store.sql import assets, schema
from toque.store.sql.codec import RowCodec, pack_facts
from toque.store.sql.history import keeping
from toque.store.sql.session import Session

RUN = RowCodec(schema.RUNS, RunRow)
TASK = RowCodec(schema.TASKS, TaskRow)
ATTEMPT = RowCodec(schema.ATTEMPTS, AttemptRow)
STEP = RowCodec(schema.STEPS, StepRow)
OUTBOX = RowCodec(schema.OUTBOX, OutboxRow)


def commit(session: Session, batch: Commit) -> None:
    """Write `batch`. Raises `OwnershipLost` or `PoolFull` before anything is written."""
    before = _check_owner(session, batch)
    if batch.acquire:
        _check_slots(session, batch)
    if batch.release:
        for pool, holder in batch.release:
            session.run("DELETE FROM holds WHERE pool = ? AND holder = ?", (pool, holder))
    if batch.acquire:
        holds = [(hold.pool, hold.holder, hold.slots, batch.instance) for hold in batch.acquire]
        session.upsert(schema.HOLDS, schema.HOLDS.column_names, holds)
    if batch.runs:
        session.upsert(schema.RUNS, RUN.names, map(RUN.encode, batch.runs))
    if batch.tasks:
        session.upsert(schema.TASKS, TASK.names, map(TASK.encode, batch.tasks))
    if batch.attempts:
        session.upsert(schema.ATTEMPTS, ATTEMPT.names, map(ATTEMPT.encode, batch.attempts))
    if batch.steps:
        session.upsert(schema.STEPS, STEP.names, map(STEP.encode, batch.steps))
    if batch.asset_events:
        assets.told(session, batch.asset_events)
    if batch.facts:
        _write_facts(session, batch.facts)
    if batch.runs:
        keeping.committed(session, batch, before)
    _write_messages(session, batch)


def _check_owner(session: Session, batch: Commit) -> dict[str, str]:
    """Every run that is written is owned by the writer, or new in this batch. Answers the states that they had."""
    touched = {facts.run_id for facts in batch.facts}
    for rows in (batch.runs, batch.tasks, batch.attempts, batch.steps, batch.asset_events):
        touched.update(row.run_id for row in rows)
    if not touched:
        return {}
    ordered = sorted(touched)
    found = session.rows(
        f"SELECT run_id, owner, state FROM runs WHERE {session.among('run_id')} ORDER BY run_id{session.lock_rows}",
        (session.listed(ordered),),
    )
    owners: dict[str, str] = {run_id: owner for run_id, owner, _ in found}
    new = {row.run_id for row in batch.runs}
    lost = [run for run in ordered if owners.get(run, batch.instance if run in new else "") != batch.instance]
    if lost:
        raise OwnershipLost(lost)
    return {run_id: state for run_id, _, state in found}


def _check_slots(session: Session, batch: Commit) -> None:
    """Acquired slots, beside what all instances hold after the releases of this batch, stay within each limit."""
    pools = sorted({hold.pool for hold in batch.acquire})
    session.lock_pools(pools)
    held: dict[tuple[str, str], int] = {
        (pool, holder): slots
        for pool, holder, slots in session.rows(
            f"SELECT pool, holder, slots FROM holds WHERE {session.among('pool')}", (session.listed(pools),)
        )
    }
    full = over_limit(held, batch.acquire, batch.release)
    if full:
        raise PoolFull(full)


def over_limit(
    held: dict[tuple[str, str], int], acquire: Iterable[Hold], release: Iterable[tuple[str, str]]
) -> dict[str, int]:
    """Pools whose limit `acquire` would exceed, with the slots now held. `held` maps (pool, holder) to slots."""
    after = dict(held)
    for key in release:
        after.pop(key, None)
    limits: dict[str, int] = {}
    for hold in acquire:
        after[hold.pool, hold.holder] = hold.slots
        limits[hold.pool] = min(hold.limit, limits.get(hold.pool, hold.limit))
    wanted = _sum_by_pool(after)
    now = _sum_by_pool(held)
    return {pool: now.get(pool, 0) for pool, limit in limits.items() if wanted[pool] > limit}


def _sum_by_pool(held: dict[tuple[str, str], int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for (pool, _), slots in held.items():
        total[pool] = total.get(pool, 0) + slots
    return total


def _write_facts(session: Session, batches: list[FactBatch]) -> None:
    rows = [
        (batch.run_id, batch.first_seq, len(batch.facts), batch.at_us, *pack_facts(batch.facts))
        for batch in batches
        if batch.facts
    ]
    session.insert(schema.FACTS, schema.FACTS.column_names, rows)


def _write_messages(session: Session, batch: Commit) -> None:
    if batch.outbox:
        session.upsert(schema.OUTBOX, OUTBOX.names, map(OUTBOX.encode, batch.outbox))
    if batch.outbox_done:
        session.run(f"DELETE FROM outbox WHERE {session.among('dedup')}", (session.listed(batch.outbox_done),))
    for command in batch.commands_done:
        session.run("DELETE FROM commands WHERE id = ?", (command,))
    for name, amount in sorted(batch.counters.items()):
        session.run(
            "INSERT INTO counters (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value",
            (name, amount),
        )
