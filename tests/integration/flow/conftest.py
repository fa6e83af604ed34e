"""A started flow host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.integration.flow.hosting import Bench


@pytest.fixture
async def make_bench(tmp_path: Path) -> AsyncIterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**environ: str) -> Bench:
        made.append(Bench(tmp_path, **environ))
        return made[-1]

    yield make
    for bench in made:
        await bench.host.stop(grace_s=0)


@pytest.fixture
async def bench(make_bench: Callable[..., Bench]) -> Bench:
    bench = make_bench()
    await bench.host.start(bench)
    return bench
