"""Columns and where they come from, as the pages and scripts see them."""

from __future__ import annotations

from typing import Literal

from toque.api.services import Services
from toque.api.wire.lineage import (
    AssetColumns,
    ColumnCheck,
    ColumnDetail,
    ColumnMade,
    ColumnPaths,
    ColumnRef,
    LineageColumn,
    LineageHop,
)
from toque.data.lineage.stitching import ColumnName, Lineage, Origin
from toque.engine.assets import Checked
from toque.ports.assets import EventQuery

LOOKED_BACK = 500
"""Outcomes of checks among which the last one of each check is looked for."""
ALL = "*"


async def paths(asked: Services, name: str, way: Literal["up", "down", "both"], depth: int | None) -> ColumnPaths:
    """The way of one column. Raises `NotFound`."""
    known = await asked.lineage.now()
    found = []
    if way != "down":
        found.append(known.upstream(name, depth))
    if way != "up":
        found.append(known.downstream(name, depth))
    return _joined(known, known.find(name), found)


def _joined(known: Lineage, start: ColumnName, found: list[Origin]) -> ColumnPaths:
    hops = {(hop.source, hop.target): hop for origin in found for hop in origin.hops}
    ends = {end for origin in found for end in origin.ends}
    names = dict.fromkeys([start, *(name for hop in hops for name in hop)])
    columns = [
        LineageColumn(
            asset=name.table,
            column=name.column,
            made=_made(known, name),
            unknown=known.why_unknown(name),
            is_end=name in ends,
        )
        for name in names
    ]
    return ColumnPaths(
        column=_ref(start),
        columns=columns,
        hops=[LineageHop(source=_ref(hop.source), target=_ref(hop.target), how=hop.how) for hop in hops.values()],
        is_cut=any(origin.is_cut for origin in found),
        unknown_count=sum(1 for column in columns if column.unknown),
    )


async def columns(asked: Services, key: str) -> AssetColumns:
    """The columns of an asset, as they were last made and as lineage knows them."""
    known = await asked.lineage.now()
    standing = (await asked.store.assets.standings([key])).get(key)
    types = dict(standing.columns) if standing is not None else {}
    folded = {name.casefold(): name for name in types}
    names = {name: ColumnName(key, name) for name in types}
    for each in known.columns_of(key):
        if each.column != ALL:
            names[folded.get(each.column.casefold(), each.column)] = each
    checks = await _checks(asked, key)
    found = [
        ColumnDetail(
            name=name,
            type=types.get(name, ""),
            doc=known.docs.get(each, ""),
            checks=checks.get(name.casefold(), []),
            made=_made(known, each),
            upstream=[_ref(other) for other in known.next_to(each, "up")],
            downstream=[_ref(other) for other in known.next_to(each, "down")],
            unknown=known.why_unknown(each),
        )
        for name, each in names.items()
    ]
    unknown = sum(1 for each in found if each.unknown)
    return AssetColumns(
        asset=key, columns=found, unknown_count=unknown, problem=known.why_unknown(ColumnName(key, ALL))
    )


async def _checks(asked: Services, key: str) -> dict[str, list[ColumnCheck]]:
    """The last outcome of each check, by column."""
    found: dict[str, dict[str, ColumnCheck]] = {}
    for row in await asked.store.assets.events(EventQuery(asset=key, kind="checked", limit=LOOKED_BACK)):
        if isinstance(row.event, Checked) and row.event.column:
            said = ColumnCheck(
                check=row.event.check,
                passed=row.event.passed,
                severity=row.event.severity,
                failed_rows=row.event.failed_rows,
                at_us=row.at_us,
            )
            found.setdefault(row.event.column.casefold(), {}).setdefault(said.check, said)
    return {column: list(checks.values()) for column, checks in found.items()}


def _made(known: Lineage, name: ColumnName) -> list[ColumnMade]:
    return [
        ColumnMade(via=each.via, by=each.by, file=each.file, line=each.line, expression=each.expression)
        for each in dict.fromkeys(known.made(name))
    ]


def _ref(name: ColumnName) -> ColumnRef:
    return ColumnRef(asset=name.table, column=name.column)
