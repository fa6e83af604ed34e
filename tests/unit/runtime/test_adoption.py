"""Adoption: however many runs wait, and what is said about them."""

from __future__ import annotations

import logging

import msgspec
import pytest

from tests.unit.runtime.scenes import Scene, doubles
from toque.engine.inputs import Cancel, Mark, Resume, Suspend
from toque.engine.states import RunState, TaskState
from toque.ports.store import CommandRow, RunFilter
from toque.runtime import adoption


async def test_a_server_takes_over_all_that_waits_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "PAGE", 3)
    scene = Scene(adopt=False)
    rows = [scene.row(doubles, count=1) for _ in range(10)]
    for row in rows:
        await scene.store.create_run(row)
    async with scene.runtime() as runtime:
        ends = [runtime.wait(row.run_id) for row in rows]
        assert await runtime.adopt(from_instances=[]) == adoption.Taken(begun=0, queued=10)
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


async def test_who_adopts_is_told_how_many_had_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "PAGE", 2)
    scene = Scene(adopt=False)
    rows = [scene.row(doubles, count=1) for _ in range(5)]
    for row in rows[:3]:
        await scene.store.create_run(row)
    for row in rows[3:]:
        await scene.store.create_run(msgspec.structs.replace(row, state=RunState.RUNNING, started_us=1))
    async with scene.runtime() as runtime:
        ends = [runtime.wait(row.run_id) for row in rows[:3]]
        found = await runtime.adopt(from_instances=[])
        assert (await runtime.adopt(from_instances=[])).total == 0
        for end in ends:
            await end
    assert (found, found.total) == (adoption.Taken(begun=2, queued=3), 5)


@pytest.mark.parametrize("runs", [0, 1, 2, 3, 4, 7])
async def test_runs_are_taken_page_by_page_and_each_once(runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "PAGE", 2)
    scene = Scene()
    rows = [scene.row(doubles) for _ in range(runs)]
    for row in rows:
        await scene.store.create_run(row)
    pages = [page async for page in adoption.taken(scene.store, "heir", [])]
    assert sorted(run_id for page in pages for run_id in page) == sorted(row.run_id for row in rows)
    assert all(len(page) <= 2 for page in pages)
    assert {run.owner for run in await scene.store.list_runs(RunFilter())} <= {"heir"}


def command(kind: str, **payload: object) -> CommandRow:
    return CommandRow(id=1, run_id="r1", kind=kind, actor="ada", at_us=1, payload=payload)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (command("cancel"), Cancel(run_id="r1", actor="ada")),
        (
            command("cancel", task="load", map_index=[3, 1], reason="too much"),
            Cancel(run_id="r1", actor="ada", reason="too much", task="load", map_index=(3, 1)),
        ),
        (
            command("mark", task="load", state="skipped", reason="done by hand"),
            Mark(run_id="r1", actor="ada", reason="done by hand", task="load", map_index=(), state=TaskState.SKIPPED),
        ),
        (command("suspend", reason="at night"), Suspend(run_id="r1", actor="ada", reason="at night")),
        (command("resume"), Resume(run_id="r1", actor="ada")),
    ],
)
def test_a_stored_command_becomes_what_the_engine_is_told(given: CommandRow, expected: object) -> None:
    assert adoption.to_input(given) == expected


@pytest.mark.parametrize(
    "given", [command("explode"), command(""), command("mark", task="load", state="splendid")], ids=str
)
def test_a_command_of_an_unknown_kind_or_state_is_refused(given: CommandRow) -> None:
    with pytest.raises(ValueError, match=r"unknown command|is not a valid TaskState"):
        adoption.to_input(given)
