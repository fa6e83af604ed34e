"""How commands reach the store: opened for one command, closed at its end; and how they name a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from toque.engine.rows import RunRow
from toque.errors import NotFound
from toque.ports.store import RunFilter, Store
from toque.settings import Settings
from toque.store import open_store

T = TypeVar("T")

LATEST = "latest"


def in_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` returns for the open store of the project."""

    async def main() -> T:
        async with opened(settings) as store:
            return await work(store)

    return asyncio.run(main())


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The open store. Raises `NotFound` where nothing ever ran: looking must not create a database."""
    path = settings.store_url.removeprefix("sqlite:///").partition("?")[0]
    if settings.store_url.startswith("sqlite:") and not Path(path).exists():
        raise NotFound(f"nothing ran in {settings.project} yet: there is no {path}", fix="toque run FILE")
    store = open_store(settings.store_url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def find_run(store: Store, name: str) -> RunRow:
    """The run that `name` means: its id, the unique end or beginning of it, or `latest`. Raises `NotFound`."""
    recent = await store.list_runs(RunFilter(limit=1 if name == LATEST else 1000))
    if name == LATEST:
        if not recent:
            raise NotFound("there is no run yet", fix="toque run FILE")
        return recent[0]
    stored = await store.load_run(name)
    if stored is not None:
        return stored.run
    matches = [run for run in recent if run.run_id.endswith(name) or run.run_id.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(run.run_id for run in matches[:5])
        raise NotFound(f"{name!r} could be any of {len(matches)} runs: {listed}", fix="write more of the id")
    raise NotFound(f"there is no run {name!r}", fix="toque runs lists them")
