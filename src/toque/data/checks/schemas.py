"""Columns and types of a table against those that were declared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from toque.graph.checks import Schema

_SAME: Final = {
    "BIGINT": {"INT8", "LONG"},
    "INTEGER": {"INT", "INT4", "SIGNED"},
    "SMALLINT": {"INT2", "SHORT"},
    "DOUBLE": {"FLOAT8", "DOUBLE PRECISION"},
    "REAL": {"FLOAT4"},
    "VARCHAR": {"TEXT", "STRING", "CHARACTER VARYING", "CHAR", "BPCHAR", "CHARACTER"},
    "BOOLEAN": {"BOOL", "LOGICAL"},
    "DECIMAL": {"NUMERIC", "NUMBER"},
    "TIMESTAMP": {"DATETIME", "TIMESTAMP WITHOUT TIME ZONE", "TIMESTAMP_NTZ"},
    "TIMESTAMP WITH TIME ZONE": {"TIMESTAMPTZ", "TIMESTAMP_TZ", "TIMESTAMP_LTZ"},
    "BLOB": {"BYTEA", "BINARY", "VARBINARY"},
    "JSON": {"JSONB", "VARIANT"},
}
_NAMES: Final = {alias: name for name, aliases in _SAME.items() for alias in aliases}


def type_name(kind: str) -> str:
    """One name for what the dialects call differently: `character varying(20)` is `VARCHAR`. Sizes are left out.

    >>> type_name("int8"), type_name("numeric(10, 2)"), type_name("text[]")
    ('BIGINT', 'DECIMAL', 'VARCHAR[]')
    """
    plain = " ".join(re.sub(r"\(\s*\d+(\s*,\s*\d+)?\s*\)", "", kind).upper().split())
    inner = plain.removesuffix("[]")
    return _NAMES.get(inner, inner) + plain[len(inner) :]


def schema_differences(check: Schema, columns: Sequence[tuple[str, str]]) -> list[str]:
    """What the table has otherwise than declared, in words."""
    actual = dict(columns)
    missing = [f"column {name!r} is missing" for name in check.columns if name not in actual]
    other = [
        f"column {name!r} is {actual[name].lower()} instead of {kind.lower()}"
        for name, kind in check.columns.items()
        if name in actual and kind and type_name(actual[name]) != type_name(kind)
    ]
    extra = [f"column {name!r} is not declared" for name in actual if name not in check.columns and not check.extra]
    return missing + other + extra
