"""Values as text that is equal when they are: keys and digests of records."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from toque.graph import constants

_JSON = msgspec.json.Encoder(order="sorted")
_EXACT = 2**53


def key_text(values: Sequence[Any]) -> str:
    """A key as text, from which `key_values` brings it back."""
    return _JSON.encode([_written(value) for value in values]).decode()


def key_values(text: str) -> list[Any]:
    """The values of a key."""
    return [constants.decode(each) for each in msgspec.json.decode(text)]


def digest(fields: Mapping[str, Any]) -> str:
    """Equal for equal fields, whatever number type a warehouse gives them; different for all others."""
    content = _JSON.encode({name: _written(value) for name, value in fields.items()})
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _written(value: Any) -> Any:
    """As JSON. Most values of most tables are what it is at once."""
    kind = type(value)
    if kind is str or value is None or kind is bool or (kind is int and -_EXACT < value < _EXACT):
        return value
    return constants.encode(_plain(value))


def _plain(value: Any) -> Any:
    """1, 1.0 and Decimal("1.00") are one number: the type of a column may change without its values."""
    if isinstance(value, float | Decimal) and math.isfinite(value):
        exact = value if isinstance(value, Decimal) else Decimal(repr(value))
        return int(exact) if exact == exact.to_integral_value() else exact.normalize()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value
