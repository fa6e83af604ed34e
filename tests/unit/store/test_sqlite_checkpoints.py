"""Checkpoints beside the writer: they happen, they do not happen for little, and none of their failures matters."""

from __future__ import annotations

import os
from pathlib import Path

from tests import store_rows as rows
from toque.store.sqlite.checkpoints import DUE_PAGES, LAST_RESORT_PAGES, Checkpoints
from toque.store.sqlite.options import SqliteOptions
from toque.store.sqlite.store import SqliteStore


async def test_much_that_was_written_is_copied_from_the_log_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "toque.db"
    store = SqliteStore(f"sqlite:///{path}")
    await store.open()
    await store.commit(rows.commit(runs=[rows.run()]))
    for n in range(DUE_PAGES // 4 + 1):
        await store.commit(rows.commit(tasks=[rows.task(index=(n,), handle=os.urandom(400).hex())]))
    # Waits for the one that was begun.
    await store._file._checkpoints.close()
    assert path.stat().st_size > 200 * 400
    [(mark,)] = await store._file.on_writer(
        lambda connection: connection.execute("PRAGMA wal_autocheckpoint").fetchall()
    )
    assert mark == LAST_RESORT_PAGES
    await store.close()


async def test_little_that_was_written_starts_no_thread(tmp_path: Path) -> None:
    store = SqliteStore(f"sqlite:///{tmp_path}/toque.db")
    await store.open()
    for _ in range(20):
        await store.commit(rows.commit(counters={"n": 1}))
    assert store._file._checkpoints._thread._thread is None
    await store.close()


async def test_a_checkpoint_that_fails_is_no_error_and_the_next_one_is_tried(tmp_path: Path) -> None:
    checkpoints = Checkpoints(SqliteOptions(str(tmp_path / "nowhere" / "toque.db")))
    checkpoints.written(100 * DUE_PAGES)
    await checkpoints._thread.run(lambda: None)
    assert not checkpoints._running
    checkpoints.written(100 * DUE_PAGES)
    await checkpoints.close()
    assert not checkpoints._running
