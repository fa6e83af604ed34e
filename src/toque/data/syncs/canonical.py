"""Values as text that is equal when they are: keys and digests of records."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from toque.graph import constants


def key_text(values: Sequence[Any]) -> str:
    """A key as text, from which `key_values` brings it back."""
    return _json([constants.encode(_plain(value)) for value in values])


def key_values(text: str) -> list[Any]:
    """The values of a key."""
    return [constants.decode(each) for each in json.loads(text)]


def digest(fields: Mapping[str, Any]) -> str:
    """Equal for equal fields, whatever number type a warehouse gives them; different for all others."""
    content = {name: constants.encode(_plain(value)) for name, value in fields.items()}
    return hashlib.blake2b(_json(content).encode(), digest_size=16).hexdigest()


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


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
