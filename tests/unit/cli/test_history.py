"""`runs`, `cancel`, `mark`, `prune`: reading and steering what the store holds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import DAY, Toque, in_store, run_row, version
from toque.cli.commands.run import report_runs
from toque.cli.output import Output
from toque.cli.progress import Progress, Silent
from toque.engine.assets import Checked, Materialized
from toque.engine.rows import AssetEventRow, RunRow
from toque.local.result import Run
from toque.ports.store import CommandRow, Commit, Store


def test_runs_are_listed_newest_first(toque: Toque, history: Path) -> None:
    listed = toque("runs").out.splitlines()
    assert [line.split()[0] for line in listed] == ["RUN", "r3", "r2", "r1"]
    assert "failed" in listed[2]
    assert "2.0 s" in listed[3]


def test_runs_can_be_chosen_by_pipeline_and_state(toque: Toque, history: Path) -> None:
    assert [row["run_id"] for row in toque("runs", "--json", "--pipeline", "flights").json] == ["r2", "r1"]
    assert [row["run_id"] for row in toque("runs", "--json", "--state", "failed").json] == ["r2"]
    assert len(toque("runs", "--json", "--limit", "1").json) == 1


def test_one_run_is_described_with_its_failures(toque: Toque, history: Path) -> None:
    text = toque("runs", "r2").out
    assert "flights  r2  failed" in text
    assert "load[3]  ValueError: bad row" in text
    assert "flow.py:7" in text
    data = toque("runs", "r2", "--json").json
    assert data["tasks"] == {"extract": {"succeeded": 1}, "load": {"failed": 1}}
    assert data["failures"][0]["error"]["message"] == "bad row"


def test_latest_is_the_newest_run(toque: Toque, history: Path) -> None:
    assert toque("runs", "latest", "--json").json["run_id"] == "r3"


def test_a_run_is_found_by_a_unique_part_of_its_id(toque: Toque, history: Path) -> None:
    assert toque("runs", "2", "--json").json["run_id"] == "r2"
    ambiguous = toque("runs", "r")
    assert (ambiguous.code, "any of 3 runs" in ambiguous.err) == (4, True)


def test_an_unknown_run_is_not_found(toque: Toque, history: Path) -> None:
    assert toque("runs", "nothing").code == 4


def test_without_any_run_there_is_nothing_and_nothing_is_made(toque: Toque, project: Path) -> None:
    answer = toque("runs")
    assert (answer.code, "nothing ran" in answer.err) == (4, True)
    assert not (project / ".toque").exists()


async def commands(store: Store) -> list[CommandRow]:
    await store.adopt("server", from_instances=[])
    return await store.list_commands("server")


def test_a_cancel_is_an_order_to_whoever_owns_the_run(toque: Toque, history: Path) -> None:
    in_store(history, lambda store: store.create_run(run_row("r4", run_row("x").state.RUNNING)))
    answer = toque("cancel", "r4", "load[3]", "--reason", "too slow")
    assert answer.code == 0
    assert "as soon as a server" in answer.out
    (order,) = in_store(history, commands)
    assert (order.run_id, order.kind) == ("r4", "cancel")
    assert order.payload == {"task": "load", "map_index": [3], "reason": "too slow"}
    assert order.actor


def test_a_mark_names_the_state(toque: Toque, history: Path) -> None:
    in_store(history, lambda store: store.create_run(run_row("r4", run_row("x").state.RUNNING)))
    assert toque("mark", "r4", "extract", "succeeded", "--json").json["owned"] is False
    (order,) = in_store(history, commands)
    assert (order.kind, order.payload["state"], order.payload["task"]) == ("mark", "succeeded", "extract")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("cancel", "r1"), 2, "has ended"),
        (("cancel", "r4", "lode"), 4, "no task 'lode'"),
        (("cancel", "r4", "load[x]"), 2, "not a task run"),
        (("mark", "r4", "load", "happy"), 2, "happy"),
    ],
)
def test_an_order_that_could_never_be_carried_out_is_refused(
    toque: Toque, history: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    in_store(history, lambda store: store.create_run(run_row("r4", run_row("x").state.RUNNING)))
    answer = toque(*arguments)
    assert (answer.code, message in answer.err) == (code, True)


def test_prune_removes_old_runs_with_their_logs_values_and_bundles(toque: Toque, project: Path) -> None:
    now_us = time.time_ns() // 1000

    async def two_runs(store: Store) -> None:
        await store.put_version(version("1.old", at_us=1), make_current=False)
        await store.put_version(version("2.new", at_us=now_us), make_current=True)
        for run_id, ended_us in (("old", now_us - 100 * DAY), ("new", now_us)):
            await store.create_run(run_row(run_id, created_us=ended_us, started_us=ended_us, finished_us=ended_us))

    in_store(project, two_runs)
    logs, blobs = project / ".toque/logs", project / ".toque/blobs"
    for run_id in ("old", "new"):
        (logs / run_id / "t").mkdir(parents=True)
        (logs / run_id / "t" / "_-1.jsonl").write_text("")
        (blobs / "runs" / run_id).mkdir(parents=True)
        (blobs / "runs" / run_id / "value").write_bytes(b"x")

    assert toque("prune", "--keep-last", "0", "--json").json == {"runs": ["old"], "values": 1, "bundles": []}
    assert [path.name for path in logs.iterdir()] == ["new"]
    assert toque("prune", "--older-than", "1d", "--json").json["runs"] == []
    assert toque("prune", "--older-than", "soon").code == 2

    async def remaining(store: Store) -> list[RunRow]:
        stored = [await store.load_run(run_id) for run_id in ("old", "new")]
        return [each.run for each in stored if each is not None]

    assert [row.run_id for row in in_store(project, remaining)] == ["new"]


def test_a_run_says_what_its_tasks_told_of_data(toque: Toque, history: Path) -> None:
    async def tell(store: Store) -> None:
        made = Materialized(asset="lake.t", data_version="v", rows=9, metadata={"inserted": 3, "set_aside": 1})
        bad = Checked(asset="lake.t", check="unique", passed=False, failed_rows=2, total_rows=4)
        place: dict[str, Any] = {"run_id": "r2", "task": "extract", "attempt": 1, "pipeline": "flights"}
        about: dict[str, Any] = {**place, "asset": "lake.t", "partition": "", "at_us": 5}
        rows = [AssetEventRow(**about, n=n, kind=f"{n}", event=each) for n, each in enumerate((made, bad))]
        await store.commit(Commit(instance="me", asset_events=rows))

    assert "DATA" not in toque("runs", "r2").out
    in_store(history, tell)
    assert "extract  succeeded  3 inserted, 1 set aside, fails unique (2 rows)" in toque("runs", "r2").out
    assert toque("runs", "r2", "--json").json["data"]["extract"]["set_aside"] == 1
    assert "told         3 inserted" in toque("runs", "r2", "extract").out


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("three rows", "three rows"),
        ({"rows": 3, "bad": []}, '{\n  "rows": 3,\n  "bad": []\n}'),
        (list(range(100)), "… and 62 more lines"),
        (None, ""),
        ({1: "no JSON"}, ""),
    ],
)
def test_what_a_pipeline_returned_is_shown_if_a_person_can_read_it(
    result: object, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Run(run_row("r1"), [], lambda ref: None, result)
    assert report_runs([ended], Progress(Silent()), Output(as_json=False)) == 0
    assert capsys.readouterr().out.strip().endswith(shown)
