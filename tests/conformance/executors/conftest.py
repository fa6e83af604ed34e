"""Each test of this folder runs with every executor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attempts import HERE, Bench
from toque.executors.inline import InlineExecutor
from toque.executors.process import ProcessExecutor, ProcessOptions
from toque.ports.executor import Executor
from toque.store.blobs import open_blobs


@pytest.fixture(params=["inline", "process"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    executor: Executor
    if request.param == "inline":
        executor = InlineExecutor(lambda: open_blobs(str(tmp_path / "blobs")))
    else:
        executor = ProcessExecutor(
            ProcessOptions(
                project=str(HERE), state_dir=str(tmp_path / "state"), blobs_url=str(tmp_path / "blobs"), workers=2
            )
        )
    made = Bench(executor, tmp_path)
    await executor.start(made.sink)
    yield made
    await executor.stop(grace_s=0)
