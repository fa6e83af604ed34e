"""How a loaded table stands: what an asset's history and its staleness are made of."""

from __future__ import annotations

import msgspec

from toque.data.checks.columns import typed
from toque.data.loads.recipe import Ledger
from toque.data.loads.tables import Tables
from toque.graph.loads import LoadSpec
from toque.integrations.checking.replaying import batches
from toque.integrations.checking.sessions import Desk
from toque.ports.warehouse import Warehouse


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded table as it is now."""

    version: str
    """Another one whenever a load has changed any row."""
    rows: int | None
    """None where there is no table."""
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type."""


def standing(warehouse: Warehouse, spec: LoadSpec) -> Standing:
    """What can be said of the table of a load."""
    tables, target = Tables(spec.table, warehouse.dialect), str(spec.table)
    with warehouse.session() as session:
        columns = session.columns(spec.table)
        if columns is None:
            return Standing(version="0", rows=None)
        ((changed,),) = session.fetch(Ledger(tables).last_change(), [target])
        ((rows,),) = session.fetch(f"SELECT count(*) FROM {warehouse.dialect.table(spec.table)}")
        # Rejects that are replayed come into the table without a load.
        waiting = sum(lines for _, lines in batches(Desk(session, warehouse.dialect), spec.table))
    version = f"{changed}, {waiting} rejects" if waiting else str(changed)
    return Standing(version=version, rows=rows, columns=tuple(typed(columns, warehouse.dialect)))
