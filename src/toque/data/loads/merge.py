"""Append, upsert and merge: the newest version of each key against what the target has.

The plan decides once for each key, by joining the staged rows with the target, so that the counts are exact everywhere
(PostgreSQL 16 does not say what its MERGE did), and the changes are a DELETE, an UPDATE and an INSERT that every
warehouse knows. On DuckDB that takes 60 % of the time of one MERGE of a million rows.
"""

from __future__ import annotations

from toque.data.loads.shaped import Shaped, Step, differs
from toque.data.loads.tables import CHANGED_AT, DELETED, ORDER, ROW, SEQUENCE, buries
from toque.graph.loads import Merge


def append_steps(load: Shaped) -> list[Step]:
    """Rows whose key is not there yet."""
    return [Step("plan", _append_plan(load)), Step("insert", load.insert_planned(load.columns))]


def insert_all(load: Shaped) -> str:
    """All staged rows that are no deletes. Sorting them would take the memory of all."""
    columns = ", ".join(load.columns)
    return f"INSERT INTO {load.target} ({columns}) SELECT {columns} FROM {load.staging} WHERE NOT {load.own(DELETED)}"


def _append_plan(load: Shaped) -> str:
    """Of each key the oldest row, unless the target has one."""
    row = load.own(ROW)
    order = ", ".join((load.own(ORDER), load.own(SEQUENCE), row))
    return (
        f"INSERT INTO {load.plan} SELECT s.{row}, CASE WHEN EXISTS (SELECT 1 FROM {load.target} AS t"
        f" WHERE {load.same_key('t', 's')}) THEN 'ignore' ELSE 'insert' END"
        f" FROM (SELECT r.*, row_number() OVER (PARTITION BY {', '.join(load.keys)} ORDER BY {order}) AS _toque_rank"
        f" FROM {load.staging} AS r WHERE NOT r.{load.own(DELETED)}) AS s WHERE s._toque_rank = 1"
    )


def merge_steps(load: Shaped, *, is_everything: bool) -> list[Step]:
    """What Upsert and Merge do."""
    mode = load.mode
    is_soft = isinstance(mode, Merge) and mode.deletes == "soft"
    found = []
    if is_everything and buries(mode):
        living = f" AND NOT COALESCE(t.{load.own(DELETED)}, FALSE)" if is_soft else ""
        found.append(Step("vanished", load.vanished(living)))
    found.append(Step("plan", _merge_plan(load, is_soft=is_soft)))
    if buries(mode):
        found += _burials(load)
    if is_soft:
        found.append(Step("mark deleted", _mark_deleted(load)))
    elif buries(mode):
        found.append(
            Step(
                "delete",
                f"DELETE FROM {load.target} AS t USING {load.planned('delete')} AS s WHERE {load.same_key('t', 's')}",
            )
        )
    places = [load.own(ORDER), load.own(SEQUENCE)]
    sets = [f"{each} = s.{each}" for each in (*load.values, *places)]
    marked = [load.own(DELETED)] if is_soft else []
    sets += [f"{each} = FALSE" for each in marked]
    found.append(
        Step(
            "update",
            f"UPDATE {load.target} AS t SET {', '.join(sets)} FROM {load.planned('update')} AS s"
            f" WHERE {load.same_key('t', 's')}",
        )
    )
    found.append(Step("insert", load.insert_planned([*load.columns, *places, *marked])))
    return found


def _merge_plan(load: Shaped, *, is_soft: bool) -> str:
    """The newest staged version of each key against the version and the tombstone that are there."""
    mode, deleted, row = load.mode, load.own(DELETED), load.own(ROW)
    takes_deletes = buries(mode)
    newest = load.versions(with_deletes=takes_deletes)
    key = load.keys[0]
    cases = []
    if takes_deletes:
        cases.append(f"g.{key} IS NOT NULL AND NOT {load.is_newer('s', 'g')} THEN 'ignore'")
        cases.append(f"t.{key} IS NULL AND s.{deleted} THEN 'absent'")
    cases.append(f"t.{key} IS NULL THEN 'insert'")
    # A table that was filled before its first load has no places: whatever comes is newer.
    is_placed = f"t.{load.own(ORDER)} IS NOT NULL"
    same = load.is_same_place("s", "t")
    cases.append(f"{is_placed} AND NOT ({load.is_newer('s', 't')} OR {same}) THEN 'ignore'")
    if is_soft:
        cases.append(f"{is_placed} AND {same} AND COALESCE(t.{deleted}, FALSE) THEN 'ignore'")
    if takes_deletes:
        cases.append(f"s.{deleted} THEN 'delete'")
    cases.append(f"{is_placed} AND {same} AND NOT {differs('s', 't', load.values)} THEN 'ignore'")
    graves = f" LEFT JOIN {load.tombstones} AS g ON {load.same_key('g', 's')}" if takes_deletes else ""
    decided = " ".join(f"WHEN {each}" for each in cases)
    return (
        f"INSERT INTO {load.plan} SELECT s.{row}, CASE {decided} ELSE 'update' END FROM {newest} AS s"
        f" LEFT JOIN {load.target} AS t ON {load.same_key('t', 's')}{graves} WHERE s._toque_rank = 1"
    )


def _burials(load: Shaped) -> list[Step]:
    """A deleted key has one tombstone, a living one has none."""
    moved = load.planned("delete", "absent", "insert", "update")
    columns = [*load.keys, load.own(ORDER), load.own(SEQUENCE), load.own(CHANGED_AT)]
    listed = ", ".join(columns)
    return [
        Step("exhume", f"DELETE FROM {load.tombstones} AS g USING {moved} AS s WHERE {load.same_key('g', 's')}"),
        Step(
            "bury",
            f"INSERT INTO {load.tombstones} ({listed}) SELECT {listed} FROM {load.planned('delete', 'absent')} AS s",
        ),
    ]


def _mark_deleted(load: Shaped) -> str:
    sets = [f"{each} = s.{each}" for each in (load.own(ORDER), load.own(SEQUENCE))]
    return (
        f"UPDATE {load.target} AS t SET {load.own(DELETED)} = TRUE, {', '.join(sets)}"
        f" FROM {load.planned('delete')} AS s WHERE {load.same_key('t', 's')}"
    )
