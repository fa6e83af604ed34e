"""What is synced to the disk, and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import store_rows as rows
from toque.engine.states import RunState
from toque.store.sqlite.store import SqliteStore


async def statements_of(store: SqliteStore, trace: list[str]) -> None:
    await store._file.on_writer(lambda connection: connection.set_trace_callback(trace.append))


async def test_a_boot_number_is_synced_before_it_is_answered_and_commits_are_not(tmp_path: Path) -> None:
    store = SqliteStore(f"sqlite:///{tmp_path}/toque.db")
    await store.open()
    trace: list[str] = []
    await statements_of(store, trace)
    await store.new_boot("a", pid=1, host="", role="run", now_us=1)
    assert [trace[0], trace[1], trace[-2], trace[-1]] == [
        "PRAGMA synchronous = extra",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "PRAGMA synchronous = normal",
    ]
    trace.clear()
    await store.commit(rows.commit(counters={"n": 1}))
    assert not any("synchronous" in line for line in trace)
    await store.close()


@pytest.mark.parametrize(("option", "level"), [("", 1), ("?synchronous=full", 2)])
async def test_the_level_of_the_url_is_back_after_a_boot(tmp_path: Path, option: str, level: int) -> None:
    store = SqliteStore(f"sqlite:///{tmp_path}/toque.db{option}")
    await store.open()
    await store.new_boot("a", pid=1, host="", role="run", now_us=1)
    [(found,)] = await store._file.on_writer(lambda connection: connection.execute("PRAGMA synchronous").fetchall())
    assert found == level
    await store.close()


async def test_pruning_gives_the_room_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "toque.db"
    store = SqliteStore(f"sqlite:///{path}")
    await store.open()
    for n in range(4):
        tasks = [rows.task("t", (k,), f"r{n}", handle=os.urandom(600).hex()) for k in range(1_000)]
        ended = rows.run(f"r{n}", state=RunState.SUCCEEDED, finished_us=1)
        await store.commit(rows.commit(runs=[rows.run(f"r{n}")], tasks=tasks))
        await store.commit(rows.commit(runs=[ended]))

    async def size() -> int:
        await store._file.on_writer(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        return path.stat().st_size

    before = await size()
    assert len(await store.prune(before_us=100, keep_last=1, limit=10)) == 3
    assert await size() < before / 2
    await store.close()
