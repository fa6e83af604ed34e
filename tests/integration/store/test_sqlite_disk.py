"""SQLite when the disk is full, read-only, damaged or locked: a clear error, nothing half-written, and on it goes."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import store_rows as rows
from toque.engine.states import TaskState
from toque.errors import UserError
from toque.ports.store import SchemaOutdated, Store, StoreUnavailable
from toque.store import open_store
from toque.store.blobs import LocalBlobs
from toque.store.sqlite.store import SqliteStore

SIZE_BYTES = 2_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 2 MB; None where this process may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "toque-test", str(folder)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def opened(path: Path, options: str = "") -> SqliteStore:
    store = SqliteStore(f"sqlite:///{path}{options}")
    await store.open()
    return store


async def fill_until_refused(store: Store) -> tuple[int, StoreUnavailable]:
    """Commit task runs with payloads that do not compress until the store refuses one."""
    for n in range(1, 10_000):
        task = rows.task(index=(n,), state=TaskState.SUCCEEDED, handle=os.urandom(10_000).hex())
        try:
            await store.commit(rows.commit(tasks=[task], facts=[rows.facts(n)], counters={"commits": 1}))
        except StoreUnavailable as error:
            return n, error
    raise AssertionError("the disk never became full")


async def assert_holds_exactly(store: Store, count: int) -> None:
    stored = await store.load_run("r1")
    assert stored is not None
    assert [task.map_index for task in stored.tasks] == [(n,) for n in range(1, count + 1)]
    assert [seq for seq, _ in await store.load_facts("r1")] == list(range(1, count + 1))
    assert await store.counters() == {"commits": count}


async def test_a_full_disk_refuses_commits_whole_and_takes_them_when_there_is_room(
    small_disk: Path | None, tmp_path: Path
) -> None:
    folder = small_disk or tmp_path
    ballast = folder / "ballast"
    store = await opened(folder / "toque.db")
    await store.create_run(rows.run())
    if small_disk is None:
        await _limit_pages(store, 200)
    else:
        ballast.write_bytes(bytes(SIZE_BYTES // 3))
    refused, error = await fill_until_refused(store)
    assert "the disk is full" in str(error)
    assert str(folder / "toque.db") in str(error)
    await assert_holds_exactly(store, refused - 1)
    with pytest.raises(StoreUnavailable):
        await store.commit(rows.commit(tasks=[rows.task(index=(0,), handle=os.urandom(2_000_000).hex())]))
    if small_disk is None:
        await _limit_pages(store, 1_000_000)
    else:
        ballast.unlink()
    await store.commit(
        rows.commit(tasks=[rows.task(index=(refused,))], facts=[rows.facts(refused)], counters={"commits": 1})
    )
    await assert_holds_exactly(store, refused)
    await store.close()
    again = await opened(folder / "toque.db")
    await assert_holds_exactly(again, refused)
    await again.close()


def _remount_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


async def _limit_pages(store: SqliteStore, pages: int) -> None:
    """What SQLite does at this limit is what it does on a full disk: SQLITE_FULL in the middle of a statement."""
    await store._file.on_writer(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())


def test_a_blob_that_finds_no_room_leaves_nothing_behind(small_disk: Path | None, tmp_path: Path) -> None:
    blobs = LocalBlobs(str((small_disk or tmp_path) / "blobs"))
    blobs.put("kept", [b"kept"])

    def more_than_there_is() -> Iterator[bytes]:
        for _ in range(2 * SIZE_BYTES // 100_000):
            yield os.urandom(100_000)
        if small_disk is None:
            raise OSError(errno.ENOSPC, "as a full disk would")

    with pytest.raises(OSError, match="no space left to store the value run/big") as caught:
        blobs.put("run/big", more_than_there_is())
    assert caught.value.errno == errno.ENOSPC
    assert blobs.get("kept") == b"kept"
    with pytest.raises(KeyError):
        blobs.get("run/big")
    # All of the room is there again.
    assert blobs.put("run/big", [bytes(SIZE_BYTES // 2)]) == SIZE_BYTES // 2


async def test_a_disk_that_becomes_read_only_can_be_read_but_not_written(
    small_disk: Path | None, tmp_path: Path
) -> None:
    path = (small_disk or tmp_path) / "toque.db"
    store = await opened(path)
    await store.commit(rows.commit(runs=[rows.run()]))
    await store.close()
    if small_disk:
        _remount_read_only(small_disk)
        with pytest.raises(StoreUnavailable, match=r"read-only|cannot be opened"):
            await opened(path)
        return
    store = await opened(path)
    await store._file.on_writer(lambda connection: connection.execute("PRAGMA query_only = 1"))
    with pytest.raises(StoreUnavailable, match="read-only"):
        await store.commit(rows.commit(runs=[rows.run()]))
    await store.close()


async def test_a_lock_that_stays_is_reported_and_one_that_goes_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "toque.db"
    store = await opened(path, "?timeout_s=0.05")
    await store.commit(rows.commit(runs=[rows.run()]))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another process keeps it locked") as caught:
        await store.commit(rows.commit(tasks=[rows.task()]))
    assert str(path) in str(caught.value)
    assert await store.load_run("r1") is not None
    other.execute("COMMIT")
    await store.commit(rows.commit(tasks=[rows.task()]))
    other.close()
    await store.close()


async def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a SQLite database"):
        await opened(path)
    assert path.read_text() == "not a database\n" * 100


async def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        await opened(path)
    assert path.read_bytes() == before


async def test_a_place_where_no_file_can_be_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        await opened(tmp_path / "file" / "toque.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await opened(tmp_path / "folder.db")


@pytest.mark.parametrize("revision", ["0000", "9999"])
async def test_another_revision_of_the_schema_says_what_to_do(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "toque.db"
    await (await opened(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    with pytest.raises(SchemaOutdated, match="upgrade Toque"):
        await opened(path)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///t.db?synchronous=off", "unknown option"),
        ("sqlite:///t.db?mode=ro", "unknown option"),
        ("sqlite:///t.db?timeout_s=soon", "not a number"),
        ("mysql://host/db", "unknown store"),
        ("toque.db", "unknown store"),
    ],
)
def test_a_url_that_says_nothing_is_refused_with_the_way_to_write_it(url: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint) as caught:
        open_store(url)
    assert caught.value.fix


async def test_a_relative_and_an_absolute_path_mean_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore("sqlite:///deep/new folder/toque.db?synchronous=full")
    await store.open()
    assert (tmp_path / "deep" / "new folder" / "toque.db").exists()
    [(level,)] = await store._file.on_writer(lambda connection: connection.execute("PRAGMA synchronous").fetchall())
    assert level == 2
    assert SqliteStore(f"sqlite:///{tmp_path}/x.db").options.path == f"{tmp_path}/x.db"
    await store.close()
