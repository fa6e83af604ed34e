"""Secrets: named values that never appear in the graph, the facts, the logs or the API's answers."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """Where secrets come from. Read by workers only."""

    def get(self, name: str) -> str:
        """The secret. Raises `KeyError` with its name."""
        ...
