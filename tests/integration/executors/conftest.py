"""The process executor with real processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import HERE, PATIENCE_S, Bench
from toque.executors.process import ProcessExecutor, ProcessOptions
from toque.worker import sessions

Benches = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def benches(tmp_path: Path) -> AsyncIterator[Benches]:
    """Makes started executors; they are stopped at the end."""
    made: list[Bench] = []

    async def make(**options: Any) -> Bench:
        bundle = options.pop("bundle", None)
        defaults = {
            "project": str(HERE),
            "state_dir": str(tmp_path / "state"),
            "blobs_url": str(tmp_path / "blobs"),
            "workers": 1,
            "kill_grace_s": 0.3,
        }
        executor = ProcessExecutor(ProcessOptions(**{**defaults, **options}))
        bench = Bench(executor, tmp_path, **({"bundle": bundle} if bundle else {}))
        await executor.start(bench.sink)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        await bench.executor.stop(grace_s=0)


@pytest.fixture
def fifo(tmp_path: Path) -> Callable[[str], str]:
    def make(name: str) -> str:
        path = str(tmp_path / name)
        os.mkfifo(path)
        return path

    return make


async def release(path: str, text: str = "go") -> None:
    """Let go whoever waits for the FIFO."""

    def write() -> None:
        with open(path, "w") as file:
            file.write(text)

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.to_thread(write)


async def listen(path: str) -> str:
    """What is written into the FIFO."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.to_thread(lambda: Path(path).read_text())


async def eventually(condition: Callable[[], Any]) -> Any:
    """For what no event tells: the file system and the process table."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := condition()):
            await asyncio.sleep(0.005)
        return found


def pid_of(worker: str) -> int:
    """From the name of a worker."""
    return int(worker.rpartition(":")[2])


def lives(pid: int) -> bool:
    fields = sessions._stat(pid)
    return bool(fields) and fields[0] not in "ZX"


async def pid_of_started(bench: Bench, spec: Any) -> int:
    return pid_of((await bench.started(spec))[0].worker)
