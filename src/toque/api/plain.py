"""Tagged JSON as plain JSON, for people and browsers: what JSON has no type for becomes text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 4000
"""Of one string."""
EXACT = 2**53
"""Beyond it, JavaScript rounds whole numbers."""
MAX_BITS = 2048


def plain(data: Any) -> Any:
    """`data` (see `toque.graph.constants`) without its tags; nothing is imported for it."""
    match data:
        case list():
            return [plain(item) for item in data]
        case dict():
            tag = data.get("$")
            return {key: plain(item) for key, item in data.items()} if tag is None else _special(tag, data)
        case _:
            return shown(data)


def _special(tag: Any, data: dict[str, Any]) -> Any:
    payload = data.get("v")
    match tag:
        case "dict" if isinstance(payload, list):
            return {_key(plain(key)): plain(item) for key, item in payload}
        case "tuple" | "set" | "frozenset" | "timedelta" if isinstance(payload, list):
            if tag == "timedelta":
                days, seconds, micros = payload
                return f"{days * 86400 + seconds + micros / 1e6:g} s"
            return [plain(item) for item in payload]
        case "range" if isinstance(payload, list):
            return f"range({', '.join(map(str, payload))})"
        case "datetime" | "time" if "zone" in data:
            return f"{payload} {data['zone']}"
        case "bytes" if isinstance(payload, str):
            return f"{len(payload) // 2} bytes: {payload[:64]}{'…' if len(payload) > 64 else ''}"
        case "model":
            return plain(payload)
        case _:
            return payload


def shown(value: Any) -> Any:
    """A scalar that JSON and a page can hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if -EXACT <= value <= EXACT:
            return value
        # Python refuses to write more than some thousand digits (CVE-2020-10735).
        return str(value) if value.bit_length() <= MAX_BITS else f"a whole number of {value.bit_length():,} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        text = value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value):,} characters)"
        return text.encode("utf-8", "replace").decode()
    return shown(str(value))


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a run."""
    return {name: plain(value) for name, value in parameters.items()}
