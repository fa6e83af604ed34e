"""Watching: which paths may be code, which directories are watched, and that saves are told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from toque.local.watching import Watching


@pytest.mark.parametrize(
    "path",
    [
        "flow.py",
        "deep/er/flow.py",
        "query.sql",
        "toque.toml",
        ".gitignore",
        "sub/.gitignore",
        "data.csv",
        "new_directory",
        "logs/reader.py",
    ],
)
def test_what_may_belong_to_the_code(path: str, tmp_path: Path) -> None:
    assert Watching(tmp_path).is_relevant(str(tmp_path / path))


@pytest.mark.parametrize(
    "path",
    [
        ".toque/toque.db",
        ".git/index",
        ".venv/lib/x.py",
        "sub/.cache/x.py",
        "__pycache__/flow.cpython-311.pyc",
        "sub/__pycache__/x.py",
        "node_modules/x/index.js",
        "flow.pyc",
        ".flow.py.swp",
        "flow.py~",
        "server.log",
        "server.pid",
        "shop.duckdb",
        "shop.duckdb.wal",
        "shop.db-journal",
        "out/part.parquet",
    ],
)
def test_what_programs_write_beside_it(path: str, tmp_path: Path) -> None:
    assert not Watching(tmp_path).is_relevant(str(tmp_path / path))


def test_what_lies_elsewhere_is_none_of_its_business(tmp_path: Path) -> None:
    assert not Watching(tmp_path / "project").is_relevant(str(tmp_path / "elsewhere" / "flow.py"))


def test_a_project_behind_a_link_is_the_same_project(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Watching(tmp_path / "link").is_relevant(str((tmp_path / "real").resolve() / "flow.py"))


class Seen:
    """Counts what is told, and lets a test wait for it."""

    def __init__(self, project: Path, files: Collection[str]) -> None:
        self.watching = Watching(project)
        self.files = set(files)
        self._told: asyncio.Queue[None] = asyncio.Queue()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for _ in self.watching.changes(lambda: self.files):
            self._told.put_nowait(None)

    async def told(self) -> None:
        async with asyncio.timeout(20):
            await self._told.get()

    async def told_nothing_more_before_the_end(self) -> bool:
        self.watching.stop()
        async with asyncio.timeout(20):
            await self._task
        return self._told.empty()


async def test_a_save_is_told_and_so_is_what_came_before_the_watch(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text("1")
    seen = Seen(tmp_path, ["flow.py"])
    await seen.told()
    (tmp_path / "flow.py").write_text("2")
    await seen.told()
    seen.watching.stop()


async def test_a_new_directory_is_watched_before_it_holds_code(tmp_path: Path) -> None:
    seen = Seen(tmp_path, [])
    await seen.told()
    (tmp_path / "later").mkdir()
    await seen.told()
    await seen.told()  # from now on with the new directory
    (tmp_path / "later" / "flow.py").write_text("1")
    await seen.told()
    seen.watching.stop()


async def test_the_end_of_the_watch_ends_it_without_a_change(tmp_path: Path) -> None:
    seen = Seen(tmp_path, [])
    await seen.told()
    assert await seen.told_nothing_more_before_the_end()
