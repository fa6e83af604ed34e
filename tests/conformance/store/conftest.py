"""The three stores, each as a place that can be opened several times, as several processes would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from toque.ports.store import Store
from toque.store import open_store
from toque.store.memory import MemoryStore

KINDS = ("memory", "sqlite", "postgresql")


class Place:
    """Where a store keeps its data. `open` gives another handle on it (for memory: the same one)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._memory = MemoryStore() if url == "memory:" else None
        self._opened: list[Store] = []

    async def open(self) -> Store:
        """A handle as another process would have it."""
        store = self._memory or open_store(self._url)
        await store.open()
        self._opened.append(store)
        return store

    async def end(self, store: Store, instance: str) -> None:
        """End the process that has `store` open and lives under the name `instance`."""
        if isinstance(store, MemoryStore):
            store.lose(instance)
        else:
            await store.close()

    async def close(self) -> None:
        """Close every handle."""
        for store in self._opened:
            await store.close()


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """An empty store of each kind."""
    match request.param:
        case "memory":
            url = "memory:"
        case "sqlite":
            url = f"sqlite:///{tmp_path}/toque.db"
        case _:
            url = request.getfixturevalue("postgres_url")
    place = Place(url)
    yield place
    await place.close()


@pytest.fixture
async def store(place: Place) -> Store:
    """The first handle on it."""
    return await place.open()
