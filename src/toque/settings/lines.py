"""Finds the line of a key in a TOML text: `tomllib` does not keep it, and an error without it is half an error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TABLE = re.compile(r"\s*\[\[?(.+?)\]\]?\s*(?:#.*)?$")


def locate(text: str, path: Sequence[str]) -> int:
    """Line (from 1) where the key at `path` is set; that of its nearest written parent or first child, or 0.

    Lines inside of multi-line strings and arrays may be taken for keys: they only ever match by their full path.
    """
    wanted = tuple(path)
    best = (0, 0)
    inside = 0
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _TABLE.match(line)
        if header:
            table = _split(header.group(1))
            found = table
        else:
            key = _KEY.match(line)
            if not key:
                continue
            found = table + _split(key.group(1))
        if len(found) > best[0] and wanted[: len(found)] == found:
            best = (len(found), number)
        if not inside and found[: len(wanted)] == wanted:
            inside = number
    return best[1] or inside


def _split(dotted: str) -> tuple[str, ...]:
    """`a."b.c"` as `("a", "b.c")`."""
    try:
        data: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return (dotted,)
    parts = []
    while isinstance(data, dict):
        key = next(iter(data))
        parts.append(key)
        data = data[key]
    return tuple(parts)
