"""Looks at data that something else makes, on a schedule: the code of the nodes that `external(…, observe=…)` adds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import msgspec

from toque.engine.assets import Observed
from toque.errors import UserError
from toque.graph.ir import CodeRef
from toque.worker import code
from toque.worker.context import context
from toque.worker.instants import instant, microseconds

FIX = 'return {"version": …, "rows": …, "updated_at": …}, or some of these'


def look(*, key: str, place: dict[str, str], **supplied: Any) -> dict[str, Any]:
    """Call the author's function, and tell what it saw."""
    return saw(key, code.resolve(msgspec.convert(place, CodeRef))(**supplied))


def saw(key: str, seen: object) -> dict[str, Any]:
    """Tell of it. `version` says whether the content is another one: where it is not seen, its age and its number of
    rows stand for it. Raises `UserError` for what says nothing."""
    if not isinstance(seen, Mapping):
        raise UserError(f"looking at {key} gave {type(seen).__name__}", fix=FIX)
    rows, updated_us = _rows(key, seen.get("rows")), _updated_us(key, seen.get("updated_at"))
    version = seen.get("version")
    if rows is None and not updated_us and version is None:
        raise UserError(f"looking at {key} says nothing: {', '.join(map(str, seen)) or 'it is empty'}", fix=FIX)
    rest = {str(name): value for name, value in seen.items() if name not in ("version", "rows", "updated_at")}
    told = Observed(
        asset=key,
        data_version=str(version) if version is not None else f"{updated_us}/{'' if rows is None else rows}",
        rows=rows,
        updated_us=updated_us,
        metadata=msgspec.to_builtins(rest, str_keys=True),
    )
    context().tell(told)
    return {
        "asset": key,
        "version": told.data_version,
        **({} if rows is None else {"rows": rows}),
        **({"updated_at": instant(updated_us).isoformat()} if updated_us else {}),
    }


def _rows(key: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise UserError(f"looking at {key}: rows is {value!r}", fix="a number of rows")
    return int(value)


def _updated_us(key: str, value: Any) -> int:
    """0 for None. Times without a zone are UTC."""
    if value is None:
        return 0
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    if not isinstance(found, datetime):
        raise UserError(f"looking at {key}: updated_at is {value!r}", fix="a datetime, a date, or such a text")
    return microseconds(found)
