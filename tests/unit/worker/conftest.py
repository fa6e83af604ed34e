"""Attempts without any executor."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import HERE
from toque.ports.executor import Signal
from toque.settings import load
from toque.store.blobs import MemoryBlobs
from toque.worker.environment import Environment


@pytest.fixture(autouse=True)
def user_code_is_importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(HERE))
    yield
    sys.modules.pop("jobs", None)


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def signals() -> list[Signal]:
    return []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def env(blobs: MemoryBlobs, signals: list[Signal], project: Path) -> Any:
    clock = iter(range(1_000_000, 2_000_000))
    return Environment(
        open_blobs=lambda: blobs,
        load_settings=lambda: load(project, environ={}),
        signal=signals.append,
        bundle=str(HERE),
        project=str(HERE),
        worker="test",
        now_us=lambda: next(clock),
    )
