"""Starting: which queued run may begin, beside those of other processes, and what is written about its place."""

from __future__ import annotations

from typing import Any

import pytest

from toque.engine.rows import RunRow
from toque.engine.run import Decision, new_run
from toque.engine.states import RunState
from toque.graph.ir import CodeRef, Concurrency, Pipeline, TaskNode
from toque.ports.executor import BundleRef
from toque.ports.store import Hold
from toque.runtime.batch import Batch
from toque.runtime.owned import OwnedRun
from toque.runtime.starting import NO_LIMIT, RUNS, Starting

HERE = BundleRef(hash="", path="", project="")


class Stage:
    """The runs of one process, and what is decided about them."""

    def __init__(self) -> None:
        self.owned: dict[str, OwnedRun] = {}
        self.batch = Batch(now_us=1_000)
        self.starting = Starting(self.owned, self._step)

    def _step(self, batch: Batch, owned: OwnedRun, decision: Decision) -> None:
        batch.add(owned, decision.facts)

    def run(
        self,
        run_id: str,
        *,
        limit: int | None = 1,
        overlap: Any = "queue",
        state: RunState = RunState.QUEUED,
        priority: int = 0,
        pipeline: str = "flights",
    ) -> OwnedRun:
        graph = Pipeline(
            name=pipeline,
            nodes=(TaskNode(id="a", code=CodeRef(module="flow", qualname="a")),),
            concurrency=Concurrency(max_active_runs=limit, overlap=overlap),
        )
        row = RunRow(
            run_id=run_id, pipeline=pipeline, version="v", state=state, priority=priority, parameters={}, created_us=1
        )
        self.owned[run_id] = OwnedRun(new_run(graph, row), graph, HERE)
        return self.owned[run_id]

    def request(self, *run_ids: str, **fields: Any) -> None:
        for run_id in run_ids:
            self.starting.request(self.batch, self.run(run_id, **fields))

    def over(self, run_id: str) -> None:
        self.starting.over(self.batch, run_id)
        self.owned.pop(run_id, None)

    @property
    def states(self) -> dict[str, str]:
        return {run_id: str(owned.machine.row.state) for run_id, owned in self.owned.items()}

    def holds(self) -> list[Hold]:
        taken, self.batch.acquire = self.batch.acquire, []
        return taken


def place(run_id: str, limit: int = 1) -> Hold:
    return Hold(pool=f"{RUNS}flights", holder=run_id, slots=1, limit=limit)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_run_without_a_limit_starts_and_takes_no_place(stage: Stage) -> None:
    stage.request("r1", "r2", limit=None)
    assert stage.states == {"r1": "running", "r2": "running"}
    assert stage.holds() == []


def test_a_run_starts_in_the_transaction_that_takes_its_place(stage: Stage) -> None:
    stage.request("r1", limit=2)
    assert stage.states == {"r1": "running"}
    assert stage.holds() == [place("r1", 2)]
    assert [owned.run_id for owned, facts in stage.batch.facts() if facts] == ["r1"]


def test_one_on_top_waits_until_another_is_over(stage: Stage) -> None:
    stage.request("r1", "r2", "r3")
    assert stage.states == {"r1": "running", "r2": "queued", "r3": "queued"}
    assert stage.holds() == [place("r1")]
    stage.over("r1")
    assert stage.batch.release == [(f"{RUNS}flights", "r1")]
    assert stage.states == {"r2": "running", "r3": "queued"}
    assert stage.holds() == [place("r2")]


def test_the_more_important_run_goes_first(stage: Stage) -> None:
    stage.request("r1", "r2")
    stage.request("r3", priority=5)
    stage.over("r1")
    assert stage.states == {"r2": "queued", "r3": "running"}


def test_pipelines_do_not_wait_for_one_another(stage: Stage) -> None:
    stage.request("r1")
    stage.request("r2", pipeline="weather")
    assert stage.states == {"r1": "running", "r2": "running"}


def test_allowed_overlap_counts_nothing(stage: Stage) -> None:
    stage.request("r1", "r2", overlap="allow")
    assert stage.states == {"r1": "running", "r2": "running"}
    assert stage.holds() == []


def test_one_that_is_to_be_skipped_ends_and_says_why(stage: Stage) -> None:
    stage.request("r1", "r2", overlap="skip")
    assert stage.states == {"r1": "running", "r2": "cancelled"}
    assert stage.owned["r2"].machine.row.reason.startswith("1 active of at most 1: r1")


def test_the_newest_run_takes_the_place_of_those_before_it(stage: Stage) -> None:
    stage.request("r1", "r2", "r3", overlap="cancel_older")
    assert stage.states["r2"] == "cancelled", "it had not begun"
    assert stage.states["r3"] == "queued", "until the first has come to its end"
    assert stage.owned["r1"].machine.row.cancel_requested
    stage.over("r1")
    assert stage.states["r3"] == "running"


def test_a_restored_run_keeps_going_even_if_its_place_is_taken(stage: Stage) -> None:
    stage.starting.restored(stage.batch, stage.run("r1", state=RunState.RUNNING))
    stage.starting.restored(stage.batch, stage.run("r2", state=RunState.RUNNING))
    assert stage.holds() == [place("r1", NO_LIMIT), place("r2", NO_LIMIT)]
    stage.request("r3")
    stage.over("r1")
    assert stage.states == {"r2": "running", "r3": "queued"}
    stage.over("r2")
    assert stage.states == {"r3": "running"}


def test_a_restored_run_that_had_not_begun_holds_nothing(stage: Stage) -> None:
    stage.starting.restored(stage.batch, stage.run("r1"))
    assert stage.holds() == []
    stage.request("r2")
    assert stage.states["r2"] == "running"


def test_a_run_that_is_asked_for_twice_is_decided_once(stage: Stage) -> None:
    stage.request("r1", "r2")
    stage.starting.request(stage.batch, stage.owned["r2"])
    stage.over("r1")
    assert stage.holds() == [place("r1"), place("r2")]


def test_runs_of_other_processes_count(stage: Stage) -> None:
    pool = f"{RUNS}flights"
    stage.starting.places_held(pool, 2)
    stage.request("r1", "r2", limit=3)
    assert stage.states == {"r1": "running", "r2": "queued"}
    assert stage.starting.contended == {pool}
    stage.starting.places_held(pool, 2)
    stage.starting.start_pending(stage.batch)
    assert stage.states["r2"] == "running", "one of the two is ours, so that only one is elsewhere"
    stage.starting.places_held(pool, 2)
    assert stage.starting.contended == set()


def test_what_follows_from_a_look_at_the_store_is_decided_in_the_next_batch(stage: Stage) -> None:
    stage.starting.places_held(f"{RUNS}flights", 1)
    stage.request("r1")
    assert stage.states == {"r1": "queued"}
    stage.starting.places_held(f"{RUNS}flights", 0)
    assert stage.states == {"r1": "queued"}
    stage.starting.start_pending(stage.batch)
    stage.starting.start_pending(stage.batch)
    assert stage.states == {"r1": "running"}
    assert stage.holds() == [place("r1")]


def test_a_run_that_is_read_again_leaves_its_place_to_nobody(stage: Stage) -> None:
    stage.request("r1", "r2")
    stage.starting.reread("r1")
    assert stage.states == {"r1": "running", "r2": "queued"}
    stage.starting.restored(stage.batch, stage.run("r1", state=RunState.RUNNING))
    stage.starting.over(stage.batch, "r1")
    assert stage.states["r2"] == "running"


def test_the_end_of_an_unknown_run_changes_nothing(stage: Stage) -> None:
    stage.over("r9")
    assert stage.batch.release == []
    assert stage.batch.is_empty


def test_the_end_of_a_run_without_a_limit_releases_nothing(stage: Stage) -> None:
    stage.request("r1", limit=None)
    stage.over("r1")
    assert stage.batch.release == []
