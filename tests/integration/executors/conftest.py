"""The process executor with real processes."""

from __future__ import annotations

import asyncio
import os
import threading
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
    await _patiently(lambda: Path(path).write_text(text))


async def listen(path: str) -> str:
    """What is written into the FIFO."""
    return await _patiently(Path(path).read_text)


async def _patiently(blocking: Callable[[], Any]) -> Any:
    """The result of what may block for ever: in a daemon thread, so that a test that fails does end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def run() -> None:
        result = blocking()
        loop.call_soon_threadsafe(lambda: done.done() or done.set_result(result))

    threading.Thread(target=run, daemon=True).start()
    async with asyncio.timeout(PATIENCE_S):
        return await done


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
