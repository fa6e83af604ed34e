"""Backfills: durable plans, advanced by compare and set."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState, SliceState
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.store.plans import dedup_of, with_runs, with_slices
from toque.store.sql import schema
from toque.store.sql.codec import RowCodec
from toque.store.sql.session import Session
from toque.store.sql.trigger_tables import BACKFILL_SLICES, BACKFILLS, RUNNING
from toque.store.sql.triggers import insert_runs

BACKFILL = RowCodec(BACKFILLS, BackfillRow)
SLICE = RowCodec(BACKFILL_SLICES, BackfillSlice)

_BACKFILL = ", ".join(BACKFILL.names)
_SLICE = ", ".join(SLICE.names)


def create(session: Session, row: BackfillRow, slices: Sequence[BackfillSlice] = ()) -> None:
    """A new plan."""
    session.insert(BACKFILLS, BACKFILL.names, [BACKFILL.encode(row)])
    if slices:
        session.insert(BACKFILL_SLICES, SLICE.names, map(SLICE.encode, slices))


def get(session: Session, id: str) -> BackfillRow | None:  # noqa: A002
    """With its counts."""
    found = session.rows(f"SELECT {_BACKFILL} FROM backfills WHERE id = ?", (id,))
    return _counted(session, BACKFILL.decode(found[0])) if found else None


def list_backfills(session: Session, pipeline: str, limit: int, before: str) -> list[BackfillRow]:
    """Newest first."""
    conditions = [text for text, value in (("pipeline = ?", pipeline), ("id < ?", before)) if value]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    values = [value for value in (pipeline, before) if value]
    found = session.rows(f"SELECT {_BACKFILL} FROM backfills{where} ORDER BY id DESC LIMIT ?", (*values, limit))
    return [_counted(session, row) for row in map(BACKFILL.decode, found)]


def running(session: Session) -> list[BackfillRow]:
    """Oldest first, without counts."""
    found = session.rows(f"SELECT {_BACKFILL} FROM backfills WHERE {RUNNING} ORDER BY id")
    return [*map(BACKFILL.decode, found)]


def advance(
    session: Session, row: BackfillRow, runs: Sequence[RunRow] = (), slices: Sequence[BackfillSlice] = ()
) -> bool:
    """See `Backfills.advance`."""
    found = session.rows(f"SELECT revision FROM backfills WHERE id = ?{session.lock_rows}", (row.id,))
    if not found or found[0][0] != row.revision:
        return False
    after = msgspec.structs.replace(row, revision=row.revision + 1)
    session.upsert(BACKFILLS, BACKFILL.names, [BACKFILL.encode(after)])
    insert_runs(session, ((run, dedup_of(row, run)) for run in runs))
    if slices:
        session.upsert(BACKFILL_SLICES, SLICE.names, map(SLICE.encode, slices))
    return True


def progress(session: Session, id: str) -> dict[RunState, int]:  # noqa: A002
    """Runs by state, from an index alone."""
    found = session.rows(
        "SELECT state, count(*) FROM runs WHERE backfill_id = ? AND backfill_id <> '' GROUP BY state ORDER BY state",
        (id,),
    )
    return {RunState(state): count for state, count in found}


def unfinished(session: Session, id: str, limit: int) -> list[str]:  # noqa: A002
    """Runs that have not ended."""
    found = session.rows(
        f"SELECT run_id FROM runs WHERE backfill_id = ? AND backfill_id <> '' AND {schema.UNFINISHED}"
        " ORDER BY run_id LIMIT ?",
        (id, limit),
    )
    return [row[0] for row in found]


def slices(session: Session, id: str, where: SliceQuery) -> list[BackfillSlice]:  # noqa: A002
    """In the order of the plan; each state is a walk through the index."""
    if not where.states:
        found = session.rows(
            f"SELECT {_SLICE} FROM backfill_slices WHERE backfill = ? AND n > ? ORDER BY n LIMIT ?",
            (id, where.after, where.limit),
        )
        return [*map(SLICE.decode, found)]
    rows: list[BackfillSlice] = []
    for state in where.states:
        found = session.rows(
            f"SELECT {_SLICE} FROM backfill_slices WHERE backfill = ? AND state = ? AND n > ? ORDER BY n LIMIT ?",
            (id, state.value, where.after, where.limit),
        )
        rows += map(SLICE.decode, found)
    return sorted(rows, key=lambda each: each.n)[: where.limit]


def slice_counts(session: Session, id: str) -> dict[SliceState, int]:  # noqa: A002
    """By state, from an index alone."""
    found = session.rows(
        "SELECT state, count(*) FROM backfill_slices WHERE backfill = ? GROUP BY state ORDER BY state", (id,)
    )
    return {SliceState(state): count for state, count in found}


def prune(session: Session, before_us: int) -> int:
    """Delete ended backfills of that age; they are few."""
    found = session.rows(f"SELECT {_BACKFILL} FROM backfills WHERE NOT ({RUNNING})")
    old = [row.id for row in map(BACKFILL.decode, found) if row.finished_us < before_us]
    if old:
        session.run(f"DELETE FROM backfills WHERE {session.among('id')}", (session.listed(old),))
        session.run(f"DELETE FROM backfill_slices WHERE {session.among('backfill')}", (session.listed(old),))
    return len(old)


def _counted(session: Session, row: BackfillRow) -> BackfillRow:
    if row.state is not BackfillState.RUNNING:
        return row
    if row.stages:
        return with_slices(row, slice_counts(session, row.id))
    return with_runs(row, progress(session, row.id))
