"""Time, randomness and ids of a flow: derived from the run and its record, so that a replay sees the same."""

from __future__ import annotations

import hashlib
import random
import uuid

from toque.ports.executor import AttemptSpec


class Derived:
    """The clock, the generator and the ids of one body."""

    def __init__(self, spec: AttemptSpec) -> None:
        self._identity = f"{spec.run_id}/{spec.task}/{'.'.join(map(str, spec.map_index))}"
        self._ids = 0
        self._random: random.Random | None = None
        self.now_us = spec.created_us or spec.logical_us
        """When the run was created, or the last step that the body knows of ended."""

    def advance(self, at_us: int) -> None:
        """The body is told of something that happened at `at_us`. Its clock never goes back."""
        self.now_us = max(self.now_us, at_us)

    def generator(self) -> random.Random:
        """One generator for the body."""
        if self._random is None:
            self._random = random.Random(self._digest("random"))
        return self._random

    def uuid(self) -> uuid.UUID:
        """The next id (of the form of version 4)."""
        self._ids += 1
        return uuid.UUID(bytes=self._digest(f"uuid/{self._ids}")[:16], version=4)

    def _digest(self, purpose: str) -> bytes:
        return hashlib.sha256(f"{self._identity}/{purpose}".encode()).digest()
