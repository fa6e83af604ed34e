"""What the author of an asset says of its columns: `columns=` of `@asset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from toque.authoring import sites
from toque.graph.lineage import AnyColumnOrigins, Queried, Stated

Columns: TypeAlias = str | Mapping[str, str | Sequence[str]]
_FIX = 'columns={"total": ["warehouse.raw.orders.amount"]}, or the SQL that makes them'


def column_origins(said: object) -> AnyColumnOrigins | None:
    """As the graph has it; None where nothing is said. Raises `UserError`."""
    if said is None:
        return None
    if isinstance(said, str):
        if not said.strip():
            raise sites.refuse("columns is empty.", fix=_FIX)
        return Queried(sql=said)
    if not isinstance(said, Mapping):
        raise sites.refuse(f"columns={said!r} does not say what columns are made of.", fix=_FIX)
    return Stated(columns={str(name): _sources(str(name), sources) for name, sources in said.items()})


def _sources(name: str, said: object) -> tuple[str, ...]:
    found = (said,) if isinstance(said, str) else tuple(said) if isinstance(said, Sequence) else (said,)
    for each in found:
        if not isinstance(each, str) or "." not in each.strip("."):
            raise sites.refuse(f"columns: {name} is made of {each!r}, which names no column of an asset.", fix=_FIX)
    return tuple(str(each) for each in found)
