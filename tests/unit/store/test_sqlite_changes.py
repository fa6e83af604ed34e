"""Whether somebody else wrote: asked 20 times a second, so that looking must be cheap and nothing may be missed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import store_rows as rows
from toque.store.sqlite.database import SqliteDatabase
from toque.store.sqlite.store import SqliteStore


@pytest.fixture
async def mine(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async for store in opened(tmp_path):
        yield store


@pytest.fixture
async def theirs(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async for store in opened(tmp_path):
        yield store


async def opened(folder: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(f"sqlite:///{folder}/toque.db")
    await store.open()
    yield store
    await store.close()


async def test_a_quiet_store_is_not_asked(mine: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    while await mine.changed() or not mine._is_quiet:
        pass
    await mine.changed()
    trips: list[str] = []
    monkeypatch.setattr(SqliteDatabase, "version", lambda self: trips.append("asked"))
    assert not await mine.changed()
    assert trips == []


async def test_a_write_within_the_same_tick_of_the_clock_is_noticed(
    mine: SqliteStore, theirs: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteDatabase, "log_stamp", lambda self: (1, 1))
    await mine.changed()
    await theirs.create_run(rows.run())
    assert await mine.changed()


async def test_a_write_after_a_long_quiet_is_noticed(mine: SqliteStore, theirs: SqliteStore) -> None:
    for _ in range(5):
        await mine.changed()
    await theirs.create_run(rows.run())
    assert await mine.changed()
