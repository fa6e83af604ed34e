"""Keeps secrets out of logs and errors: their values are replaced wherever they would be written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"
SHORTEST = 4
"""A shorter secret would blot out half of every line."""


class Masker:
    """Replaces the values that it was told. Grows while an attempt opens secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Mask these too, whole and line by line (a private key is printed in lines)."""
        new = {part for secret in secrets for part in (secret, *secret.splitlines()) if len(part) >= SHORTEST}
        if new <= self._known:
            return
        self._known |= new
        # Longest first: a secret may contain another one.
        ordered = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)))

    @property
    def known(self) -> frozenset[str]:
        """All that is masked."""
        return frozenset(self._known)

    def mask(self, text: str) -> str:
        """`text` without secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def mask_data(self, data: Any) -> Any:
        """JSON-like data without secrets."""
        if self._pattern is None:
            return data
        match data:
            case str():
                return self.mask(data)
            case dict():
                return {self.mask_data(key): self.mask_data(item) for key, item in data.items()}
            case list():
                return [self.mask_data(item) for item in data]
            case _:
                return data
