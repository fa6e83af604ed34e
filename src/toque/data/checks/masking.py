"""Which columns hold what only their owner should see, and rows without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from types import NoneType
from typing import Any, Final
from uuid import UUID

MASK: Final = "***"
LONGEST: Final = 200
"""Characters of a text in a sample: samples are stored with the end of an attempt."""

_STORED: Final = frozenset({NoneType, bool, int, float, Decimal, date, datetime, time, timedelta, UUID})
"""These and no types derived from them, such as the times of pandas."""

_WORDS: Final = frozenset(
    {
        "email",
        "mail",
        "phone",
        "mobile",
        "fax",
        "ssn",
        "iban",
        "passport",
        "birthdate",
        "birthday",
        "birth",
        "dob",
        "salary",
    }
    | {"password", "passwd", "secret", "token", "credential", "credentials", "address", "street", "surname"}
)
_PAIRS: Final = frozenset(
    {"api key", "private key", "access key", "card number", "credit card", "account number", "tax id", "national id"}
    | {"first name", "last name", "full name", "middle name", "family name", "birth date", "date birth"}
    | {"ip address", "social security"}
)
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_sensitive(column: str, declared: Iterable[str] = ()) -> bool:
    """Declared so, or named like personal data or a secret: `Email`, `billing_phone2`, `userApiKey`.

    >>> is_sensitive("BillingEmail"), is_sensitive("emailed"), is_sensitive("notes", ["Notes"])
    (True, False, True)
    """
    if column.lower() in {name.lower() for name in declared}:
        return True
    words = [word.lower() for word in _PART.findall(column) if not word.isdigit()]
    pairs = {" ".join(pair) for pair in pairwise(words)}
    joined = {"".join(pair.split()) for pair in _PAIRS}
    singular = {word.removesuffix("s") for word in words}
    return bool(_WORDS & singular or _WORDS & set(words) or _PAIRS & pairs or joined & set(words))


def masked(
    rows: Iterable[Mapping[str, Any]], declared: Sequence[str] = (), *, all_columns: bool = False
) -> list[dict[str, Any]]:
    """The rows with the values of sensitive columns hidden; null stays, since that it is null is often the point."""
    return [
        {
            name: MASK if item is not None and (all_columns or is_sensitive(name, declared)) else _inner(item, declared)
            for name, item in row.items()
        }
        for row in rows
    ]


def _inner(item: Any, declared: Sequence[str]) -> Any:
    """Structures have columns of their own; what is long or has no place in JSON is shown shortened, as text."""
    if isinstance(item, Mapping):
        return masked([{str(name): inside for name, inside in item.items()}], declared)[0]
    if isinstance(item, list | tuple):
        return [_inner(each, declared) for each in item]
    if type(item) in _STORED:
        return item
    if isinstance(item, bytes | bytearray | memoryview):
        return f"{len(item):,} bytes"
    text = str(item)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
