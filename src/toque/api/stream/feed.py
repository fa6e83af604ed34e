"""A feed: one topic, for all streams that watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.cursor import Place
from toque.api.stream.patches import Kind
from toque.engine.values import TaskKey
from toque.ports.clock import Clock
from toque.ports.history import History
from toque.ports.store import Store
from toque.runtime.owned import OwnedRun
from toque.runtime.versions import Versions

SHARED_US = 1_000_000
"""How long a whole state is handed out."""


class Watcher(Protocol):
    """A stream, as its feeds see it."""

    def wake(self) -> None:
        """Something changed, and it is time to say so."""
        ...


class AssetLooks(Protocol):
    """How assets stand now, as rows of routes."""

    async def standing(self, told: Iterable[str]) -> Sequence[tuple[str, BaseModel, BaseModel]]:
        """(key, as lists show it, as the graph shows it) of these and of what is made from them."""
        ...

    async def detail(self, key: str) -> tuple[bytes, Sequence[str]]:
        """One asset, encoded, and the keys of what it is made from; b"" if there is none."""
        ...

    async def slices(self, key: str) -> list[tuple[str, bytes]]:
        """Each slice and how it stands, encoded."""
        ...

    async def events(self, key: str) -> list[tuple[str, bytes]]:
        """What was told last, newest first: a name of its own, and the event, encoded."""
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
    assets: AssetLooks | None = None


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
        self._whole: asyncio.Future[tuple[Place, bytes]] | None = None
        self._whole_us = 0
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

    async def whole(self, n: int) -> tuple[Place, bytes]:
        """The whole state, and how far it goes. Shared by those who ask within a second: what changed since is told
        to them in patches."""
        now_us = self.sources.clock.now_us()
        if self._whole is None or now_us - self._whole_us > SHARED_US or not self._may_share():
            self._whole_us = now_us
            self._whole = asyncio.ensure_future(self._made(Place(n, self.position)))
        return await asyncio.shield(self._whole)

    def _may_share(self) -> bool:
        made = self._whole
        if made is None or not made.done():
            return made is not None
        return not made.cancelled() and made.exception() is None and self.patches(made.result()[0].n) is not None

    async def _made(self, place: Place) -> tuple[Place, bytes]:
        return place, await self.reset()

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
