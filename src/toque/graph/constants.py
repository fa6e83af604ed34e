"""Tagged JSON: constants of the graph and small results, type-identical on the way back.

Plain JSON turns tuples into lists and integer keys into strings. Here whatever JSON cannot say is an
object with the one key `$`, a type tag, beside its payload `v`; dicts that would be mistaken for one, or
have keys that are not strings, are written as pairs. `encode` raises `NotTagged` for anything else, and the
caller falls back to a blob. Decoding never imports anything but the enum and pydantic types named.
"""

from __future__ import annotations

import enum
import importlib
import math
import pathlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_PURE_PATHS = frozenset({"PurePosixPath", "PureWindowsPath"})


class NotTagged(TypeError):
    """The value has no tagged JSON form; the message names its type."""


def encode(value: Any) -> Any:
    """`value` as JSON-compatible data. Raises `NotTagged` for what would not come back the same."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        # JSON readers in other languages, and SQLite, hold 64 bits.
        return value if -(2**53) < value < 2**53 else {"$": "int", "v": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict:
        if all(type(key) is str for key in value) and "$" not in value:
            return {key: encode(item) for key, item in value.items()}
        return {"$": "dict", "v": [[encode(key), encode(item)] for key, item in value.items()]}
    return _encode_special(value, kind)


def _encode_special(value: Any, kind: type) -> Any:
    if kind is tuple:
        return {"$": "tuple", "v": [encode(item) for item in value]}
    if kind is range:
        return {"$": "range", "v": [value.start, value.stop, value.step]}
    if kind is datetime or kind is date or kind is time:
        if kind is not date and value.tzinfo is not None and not hasattr(value.tzinfo, "key"):
            fixed = type(value.tzinfo).__name__ == "timezone"
            if not fixed:
                raise NotTagged(f"a time with a {type(value.tzinfo).__name__} zone")
        zone = getattr(getattr(value, "tzinfo", None), "key", None)
        if zone is not None:
            bare = value.replace(tzinfo=None, fold=0)
            return {"$": kind.__name__, "v": bare.isoformat(), "zone": zone, "fold": value.fold}
        if getattr(value, "fold", 0):
            return {"$": kind.__name__, "v": value.replace(fold=0).isoformat(), "fold": 1}
        return {"$": kind.__name__, "v": value.isoformat()}
    if kind is timedelta:
        return {"$": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if kind is Decimal or kind is UUID:
        return {"$": kind.__name__, "v": str(value)}
    if kind is bytes and len(value) <= 4096:
        return {"$": "bytes", "v": value.hex()}
    if kind is set or kind is frozenset:
        try:
            items = sorted(value)
        except (TypeError, ArithmeticError):  # ArithmeticError: decimals that are no number
            items = sorted(value, key=repr)
        return {"$": kind.__name__, "v": [encode(item) for item in items]}
    return _encode_named(value, kind)


def _encode_named(value: Any, kind: Any) -> Any:
    """What belongs to a class that is named beside it."""
    if isinstance(value, pathlib.PurePath):
        if kind is not type(pathlib.Path()) and kind.__name__ not in _PURE_PATHS:
            raise NotTagged(f"a path of type {kind.__module__}.{kind.__qualname__}")
        return {"$": kind.__name__ if kind.__name__ in _PURE_PATHS else "Path", "v": str(value)}
    if isinstance(value, enum.Enum) and value.name in kind.__members__:  # flags that are combined have no name
        return {"$": "enum", "c": _type_name(kind), "v": value.name}
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_dump"):
        return {"$": "model", "c": _type_name(kind), "v": _dumped(value, kind)}
    raise NotTagged(f"a value of type {kind.__module__}.{kind.__qualname__}")


def _dumped(value: Any, kind: Any) -> Any:
    """A pydantic model as JSON. Not every model can be read back from its own JSON: aliases may differ between the two
    directions, and a field of type `Any` loses its tuples."""
    try:
        data = value.model_dump(mode="json", round_trip=True, by_alias=True)
        is_same = bool(kind.model_validate(data) == value)
    except Exception as problem:  # validators and serializers are user code
        raise NotTagged(f"a {kind.__qualname__} that cannot be read back from its JSON: {problem}") from problem
    if not is_same:
        raise NotTagged(f"a {kind.__qualname__} that is not the same after a round trip through JSON")
    return data


def decode(data: Any) -> Any:
    """The value that `encode` was given."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        tag = data.get("$")
        if tag is None:
            return {key: decode(item) for key, item in data.items()}
        return _decode_special(tag, data)
    return data


def _decode_special(tag: str, data: dict[str, Any]) -> Any:
    payload = data["v"]
    match tag:
        case "int" | "float":
            return int(payload) if tag == "int" else float(payload)
        case "dict":
            return {decode(key): decode(item) for key, item in payload}
        case "tuple" | "set" | "frozenset":
            return {"tuple": tuple, "set": set, "frozenset": frozenset}[tag](decode(item) for item in payload)
        case "range":
            return range(*payload)
        case "datetime" | "date" | "time":
            return _decode_time(tag, data)
        case "timedelta":
            return timedelta(days=payload[0], seconds=payload[1], microseconds=payload[2])
        case "Decimal":
            return Decimal(payload)
        case "UUID":
            return UUID(payload)
        case "bytes":
            return bytes.fromhex(payload)
        case "Path" | "PurePosixPath" | "PureWindowsPath":
            return getattr(pathlib, tag)(payload)
        case "enum":
            return _type(data["c"])[payload]
        case "model":
            return _type(data["c"]).model_validate(payload)
        case _:
            raise ValueError(f"unknown type tag {tag!r}: written by a newer Toque?")


def _decode_time(tag: str, data: dict[str, Any]) -> date | time:
    if tag == "date":
        return date.fromisoformat(data["v"])
    value = datetime.fromisoformat(data["v"]) if tag == "datetime" else time.fromisoformat(data["v"])
    if "zone" in data:
        from zoneinfo import ZoneInfo

        return value.replace(tzinfo=ZoneInfo(data["zone"]), fold=data["fold"])
    return value.replace(fold=1) if data.get("fold") else value


def _type_name(kind: type) -> str:
    if "<locals>" in kind.__qualname__:
        raise NotTagged(f"a value of the local type {kind.__qualname__}")
    return f"{kind.__module__}:{kind.__qualname__}"


def _type(name: str) -> Any:
    module, _, qualname = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found
