"""A feed: one topic, for all streams that watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.patches import Kind
from toque.engine.values import TaskKey
from toque.ports.clock import Clock
from toque.ports.history import History
from toque.ports.store import Store
from toque.runtime.owned import OwnedRun
from toque.runtime.versions import Versions


class Watcher(Protocol):
    """A stream, as its feeds see it."""

    def wake(self) -> None:
        """Something changed, and it is time to say so."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What feeds read from."""

    store: Store
    history: History
    versions: Versions
    clock: Clock
    owned: Callable[[str], OwnedRun | None]
    """Runs in the memory of this process."""
    log_path: Callable[[str, TaskKey, int], str]
    attention: Callable[[], Awaitable[Sequence[BaseModel]]] | None = None
    """What needs a person now."""


@dataclass(eq=False)
class Feed:
    """What changed in a topic. Each kind of row has its changes; a stream says up to which change it has them."""

    name: str
    sources: Sources
    since: int
    """The change after which it began to watch."""
    streams: set[Watcher] = field(default_factory=set)
    idle_since_us: int = 0
    """When its last stream left."""
    opened: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.kinds: dict[Kind, Changes[Any]] = {}
        self.position = 0
        """What a client that has everything has, after a restart too; 0 when a restart means a reset."""

    @property
    def last(self) -> int:
        """Number of its last change."""
        return max((changes.last for changes in self.kinds.values()), default=self.since)

    async def open(self) -> None:
        """Read what is needed to understand changes. Those that come meanwhile are taken note of already."""

    def patches(self, after: int) -> list[bytes] | None:
        """What changed after `after`; None when only a reset can tell."""
        if after < self.since:
            return None
        found = []
        for kind, changes in self.kinds.items():
            if changes.last > after:
                rows = changes.since(after)
                if rows is None:
                    return None
                found.append(patches.patch(self.name, kind, rows))
        return found

    async def reset(self) -> bytes:
        """The whole state, as one patch."""
        raise NotImplementedError

    async def catch_up(self, position: int) -> list[bytes] | None:
        """What changed since `position`, which another process (or the client itself) remembers; None when only a
        reset can tell."""
        return None

    async def look(self, number: Callable[[], int]) -> bool:
        """Look for what no commit of this process tells; `number` draws the number of a change. Whether anything
        changed."""
        return False
