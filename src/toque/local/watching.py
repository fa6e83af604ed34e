"""Watching: says when the files of a project changed, within a moment of the save.

Only directories that hold files of the bundle are watched, each by itself: not `.toque`, where every run makes new
ones, no caches, no environments, no output that git ignores.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path, PurePosixPath

STEP_MS = 20
"""A save is several events, which come within so long of each other."""
LONGEST_MS = 200
"""A save is never told later than this, whatever else goes on."""
LOOK_MS = 500
"""How long a watcher waits before it says that nothing happened."""
ENDINGS = (
    *(".pyc", ".swp", ".swx", ".swo", ".tmp", "~", ".pid", ".lock"),
    *(".log", ".out", ".db", ".db-wal", ".db-shm", ".db-journal", ".sqlite", ".duckdb", ".wal", ".parquet", ".arrow"),
)
"""Of what editors and programs write beside the code."""
CACHES = frozenset({"__pycache__", "node_modules"})


class Watching:
    """The files of one project."""

    def __init__(self, project: Path) -> None:
        self._project = project.resolve()
        self._new: set[Path] = set()
        """Directories that were made and hold no file of the bundle yet."""
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End `changes`."""
        self._stop.set()

    async def changes(self, files: Callable[[], Collection[str]]) -> AsyncIterator[None]:
        """One item after each change, and one soon after it began to watch, for what came before. `files` are those of
        the bundle, asked for anew after each item."""
        while not self._stop.is_set():
            async for _ in self._while_fitting(files):
                yield

    async def _while_fitting(self, files: Callable[[], Collection[str]]) -> AsyncIterator[None]:
        """Until there are other directories to watch."""
        import watchfiles

        watched = self._directories(files())
        is_first = True
        async for found in watchfiles.awatch(
            *watched,
            watch_filter=lambda change, path: self.is_relevant(path),
            step=STEP_MS,
            debounce=LONGEST_MS,
            recursive=False,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            stop_event=self._stop,
        ):
            if found or is_first:
                is_first = False
                self._new |= {Path(path) for _, path in found if Path(path).is_dir()}
                yield
                if self._directories(files()) != watched:
                    return

    def is_relevant(self, path: str) -> bool:
        """Whether a path may belong to the code."""
        try:
            parts = Path(path).relative_to(self._project).parts
        except ValueError:
            return False
        hidden = [part for part in parts if part.startswith(".") and part != ".gitignore"]
        return not hidden and not CACHES.intersection(parts) and not path.endswith(ENDINGS)

    def _directories(self, files: Iterable[str]) -> set[Path]:
        found = {PurePosixPath(".")}
        for file in files:
            if not file.startswith("."):
                found.update(PurePosixPath(file).parents)
        self._new = {each for each in self._new if each.is_dir()}
        return {directory for each in found if (directory := self._project / each).is_dir()} | self._new
