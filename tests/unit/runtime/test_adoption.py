"""Adoption: however many runs wait, and what is said about them."""

from __future__ import annotations

import logging

import msgspec
import pytest

from tests.unit.runtime.scenes import Scene, doubles
from toque.engine.states import RunState
from toque.ports.store import RunFilter
from toque.runtime import adoption


async def test_a_server_takes_over_all_that_waits_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "PAGE", 3)
    scene = Scene(adopt=False)
    rows = [scene.row(doubles, count=1) for _ in range(10)]
    for row in rows:
        await scene.store.create_run(row)
    async with scene.runtime() as runtime:
        ends = [runtime.wait(row.run_id) for row in rows]
        assert await runtime.adopt(from_instances=[]) == 10
        for end in ends:
            assert (await end).state is RunState.SUCCEEDED


async def test_what_had_not_begun_is_started_and_what_had_is_adopted(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(adopt=True, bury_s=0.0)
    queued, begun = scene.row(doubles, count=1), scene.row(doubles, count=1)
    await scene.store.create_run(queued)
    await scene.store.create_run(msgspec.structs.replace(begun, state=RunState.RUNNING, started_us=1))
    with caplog.at_level(logging.INFO, "toque.runtime"):
        async with scene.runtime() as runtime:
            await runtime.wait(queued.run_id)
    said = [record.message for record in caplog.records if "run(s)" in record.message]
    assert said == ["started 1 run(s)", "adopted 1 run(s)"]
    assert len(await scene.store.list_runs(RunFilter())) == 2
