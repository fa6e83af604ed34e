"""Keys of assets: names joined by dots, which order graphs and find data again."""

from __future__ import annotations

import re
from typing import Any, Final

from toque.authoring import sites

_KEY: Final = re.compile(r"[^\W\d][\w-]*(\.[^\W\d][\w-]*)*")


def is_key(text: object) -> bool:
    """`marts.delays`."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def check_key(key: object) -> None:
    """Refuse what is no key of an asset."""
    if not is_key(key):
        raise sites.refuse(f"{key!r} cannot be the key of an asset.", fix='names joined by dots: "marts.delays"')


def key_of(io: Any, name: str) -> str:
    """Of an asset whose author states none: an IO manager that keeps values where others find them names them, too."""
    return str(io.key_of(name)) if hasattr(io, "key_of") else name
