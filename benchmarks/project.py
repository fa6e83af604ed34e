"""A temporary project with one of `benchmarks/pipelines` in it: nothing of the user's is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import processes

PIPELINES = Path(__file__).parent / "pipelines"


@dataclass(frozen=True)
class Project:
    """A folder with a `toque.toml`, pipeline files, and whatever they leave."""

    path: Path
    env: Mapping[str, str]

    def toque(self, *arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command of Toque to its end; raises what it said when it failed."""
        return processes.run(self._command(arguments), cwd=self.path, env=dict(self.env), timeout_s=timeout_s)

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command of Toque that runs beside the block, and is asked to end when the block does."""
        with open(self.path / "started.log", "ab") as log:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self.path,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            processes.end(process)

    def kill_everything(self) -> None:
        """`kill -9` of all that runs for this project."""
        processes.kill_all_of(self.path)

    def read(self, name: str) -> Any:
        """The JSON that a task of the pipeline wrote."""
        return json.loads((self.path / name).read_text())

    def stored_bytes(self) -> int:
        """What the state of the project takes on disk, without the snapshots of its code."""
        home = self.path / ".toque"
        return sum(
            file.stat().st_size
            for file in home.rglob("*")
            if file.is_file() and file.relative_to(home).parts[0] != "bundles"
        )

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [str(Path(sys.executable).parent / "toque"), *arguments]


@contextmanager
def project(*pipelines: str, store_url: str = "") -> Iterator[Project]:
    """A project with these files of `benchmarks/pipelines` and two workers, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        settings = 'name = "bench"\nworkers = 2\n' + (f'store = "{store_url}"\n' if store_url else "")
        (folder / "toque.toml").write_text(settings)
        for name in pipelines:
            shutil.copy(PIPELINES / f"{name}.py", folder)
        yield Project(folder, _clean_environment(folder))
    finally:
        processes.kill_all_of(folder)
        shutil.rmtree(folder, ignore_errors=True)


def existing(folder: Path) -> Project:
    """A project that stays when it has been measured."""
    return Project(folder.absolute(), _clean_environment(folder.absolute()))


def _clean_environment(home: Path) -> dict[str, str]:
    """The environment without settings of the user's; `HOME` in the project keeps their files out of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOQUE_", "PYTHON"))}
    return {**kept, "HOME": str(home)}


def wait_for(what: str, holds: Any, *, timeout_s: float = 60, every_s: float = 0.005) -> None:
    """Look every `every_s` until `holds()`; raises after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"after {timeout_s:.0f} s still waiting for {what}")
        time.sleep(every_s)
