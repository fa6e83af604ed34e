"""Servers without a socket."""

from __future__ import annotations

from pathlib import Path

import pytest_asyncio

from tests.unit.api.served import Served, empty, flying


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> Served:
    """With pipelines, and a run in each state."""
    return await flying(tmp_path)


@pytest_asyncio.fixture
async def bare(tmp_path: Path) -> Served:
    """With nothing at all."""
    return await empty(tmp_path)
