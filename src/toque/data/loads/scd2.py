"""Every version of each key, with the span in which it held.

Spans are computed anew for each touched key, from all of its versions and deletes: so a version that arrives late is
put between its neighbours, and whatever the order of arrival, the table ends up the same.
"""

from __future__ import annotations

from toque.data.loads.shaped import Shaped, Step, differs
from toque.data.loads.tables import (
    CHANGED_AT,
    DELETED,
    IS_CURRENT,
    ORDER,
    ROW,
    SEQUENCE,
    VALID_FROM,
    VALID_TO,
)


def scd2_steps(load: Shaped, *, is_everything: bool, collapses: bool) -> list[Step]:
    """What Scd2 does. `collapses`: rows have no place of their own, so one that changes nothing is no version."""
    order, sequence = load.own(ORDER), load.own(SEQUENCE)
    ended = ", ".join([*load.keys, order, sequence, load.own(CHANGED_AT)])
    columns = [*load.columns, order, sequence]
    spans = [load.own(VALID_FROM), load.own(VALID_TO), load.own(IS_CURRENT)]
    at_place = f"{load.same_key('t', 's')} AND {load.is_same_place('t', 's')}"
    found = [Step("vanished", load.vanished(f" AND t.{load.own(IS_CURRENT)}"))] if is_everything else []
    found += [
        Step("plan", _collapsing_plan(load) if collapses else _plan(load)),
        Step("end", f"INSERT INTO {load.tombstones} ({ended}) SELECT {ended} FROM {load.planned('delete')} AS s"),
    ]
    if load.values:
        sets = ", ".join(f"{each} = s.{each}" for each in load.values)
        rewritten = f"UPDATE {load.target} AS t SET {sets} FROM {load.planned('update')} AS s WHERE {at_place}"
        found.append(Step("rewrite", rewritten))
    values = [*columns, load.own(CHANGED_AT), "NULL", "TRUE"]
    return [*found, Step("insert", load.insert_planned([*columns, *spans], values)), Step("spans", _spans(load))]


def _plan(load: Shaped) -> str:
    """Each version and each delete is known by its place."""
    row, deleted = load.own(ROW), load.own(DELETED)
    key = load.keys[0]
    one = ", ".join(f"r.{each}" for each in (*load.keys, load.own(ORDER), load.own(SEQUENCE), deleted))
    return (
        f"INSERT INTO {load.plan} SELECT s.{row}, CASE"
        f" WHEN s.{deleted} THEN CASE WHEN g.{key} IS NULL THEN 'delete' ELSE 'ignore' END"
        f" WHEN t.{key} IS NULL THEN 'insert'"
        f" WHEN {differs('s', 't', load.values)} THEN 'update' ELSE 'ignore' END"
        f" FROM (SELECT r.*, row_number() OVER (PARTITION BY {one} ORDER BY r.{row} DESC) AS _toque_rank"
        f" FROM {load.staging} AS r) AS s"
        f" LEFT JOIN {load.target} AS t ON {load.same_key('t', 's')} AND {load.is_same_place('t', 's')}"
        f" LEFT JOIN {load.tombstones} AS g ON {load.same_key('g', 's')} AND {load.is_same_place('g', 's')}"
        f" WHERE s._toque_rank = 1"
    )


def _collapsing_plan(load: Shaped) -> str:
    """The last row of each key against the version that holds."""
    row, deleted = load.own(ROW), load.own(DELETED)
    key = load.keys[0]
    places = ", ".join(f"r.{each} DESC" for each in (load.own(ORDER), load.own(SEQUENCE), deleted, row))
    return (
        f"INSERT INTO {load.plan} SELECT s.{row}, CASE"
        f" WHEN s.{deleted} THEN CASE WHEN t.{key} IS NULL THEN 'ignore' ELSE 'delete' END"
        f" WHEN t.{key} IS NULL OR {differs('s', 't', load.values)} THEN 'insert' ELSE 'ignore' END"
        f" FROM (SELECT r.*, row_number() OVER (PARTITION BY {', '.join(f'r.{each}' for each in load.keys)}"
        f" ORDER BY {places}) AS _toque_rank FROM {load.staging} AS r) AS s"
        f" LEFT JOIN {load.target} AS t ON {load.same_key('t', 's')} AND t.{load.own(IS_CURRENT)}"
        " WHERE s._toque_rank = 1"
    )


def _spans(load: Shaped) -> str:
    """Each version of a touched key holds until the next version or delete of it."""
    order, sequence, valid_to = load.own(ORDER), load.own(SEQUENCE), load.own(VALID_TO)
    keys = ", ".join(load.keys)
    touched = f"WHERE EXISTS (SELECT 1 FROM {load.planned('insert', 'delete')} AS s WHERE {load.same_key('s', 'v')})"
    place = f"{keys}, {order}, {sequence}"
    history = (
        f"SELECT {place}, {load.own(VALID_FROM)} AS _toque_at, 0 AS _toque_dead FROM {load.target} AS v {touched}"
        f" UNION ALL SELECT {place}, {load.own(CHANGED_AT)}, 1 FROM {load.tombstones} AS v {touched}"
    )
    ends = f"lead(_toque_at) OVER (PARTITION BY {keys} ORDER BY {order}, {sequence}, _toque_dead) AS _toque_ends"
    return (
        f"UPDATE {load.target} AS t SET {valid_to} = c._toque_ends, {load.own(IS_CURRENT)} = (c._toque_ends IS NULL)"
        f" FROM (SELECT {keys}, {order}, {sequence}, _toque_dead, {ends} FROM ({history}) AS h) AS c"
        f" WHERE c._toque_dead = 0 AND {load.same_key('t', 'c')} AND {load.is_same_place('t', 'c')}"
        f" AND (t.{valid_to} IS DISTINCT FROM c._toque_ends"
        f" OR t.{load.own(IS_CURRENT)} IS DISTINCT FROM (c._toque_ends IS NULL))"
    )
