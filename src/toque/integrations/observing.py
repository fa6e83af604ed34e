"""Looks at a table, or at what a query says of one: the code of `external(…, observe=app.table("public.events"))`."""

from __future__ import annotations

from typing import Any

from toque.errors import UserError
from toque.graph.loads import TableName
from toque.ports.warehouse import Warehouse
from toque.worker.observing import saw


def look(*, key: str, end: dict[str, Any], connection: Warehouse) -> dict[str, Any]:
    """One query: of a table its rows and the newest value of its cursor, else the only row of a query, by column."""
    sql = end["options"].get("sql") or _of_table(end, connection)
    with connection.session() as session:
        found = [row for part in session.stream(sql) for row in part.to_pylist()]
    if len(found) != 1:
        raise UserError(f"looking at {key} gave {len(found)} rows", fix='one row: "SELECT COUNT(*) AS rows FROM …"')
    return saw(key, {str(name).lower(): value for name, value in found[0].items()})


def _of_table(end: dict[str, Any], connection: Warehouse) -> str:
    dialect, cursor = connection.dialect, end["options"].get("cursor", "")
    newest = f", MAX({dialect.own(cursor)}) AS {dialect.quote('updated_at')}" if cursor else ""
    return f"SELECT COUNT(*) AS {dialect.quote('rows')}{newest} FROM {dialect.table(TableName.parse(end['path']))}"
