"""Flows in real runs, with SQLite, workers and flow hosts, disturbed in the middle."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.flow import hosted_flows as flows
from tests.integration.flow.hosting import HERE
from toque.authoring.flows import Flow
from toque.engine.facts import AnyFact, Started, StepAdded, Succeeded
from toque.engine.inputs import Cancel
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.executors.flow.host import FlowHost
from toque.executors.process import ProcessExecutor, ProcessOptions
from toque.graph import canonical
from toque.graph.ir import Pipeline, TaskNode
from toque.ports.executor import BundleRef
from toque.ports.store import TaskFilter
from toque.runtime.clock import SystemClock
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import OwnedRun
from toque.runtime.versions import Versions
from toque.store import open_store
from toque.store.blobs import open_blobs
from toque.worker import values

BUNDLE = BundleRef(hash="h", path=str(HERE), project=str(HERE))


class Site:
    """One server's life on a store that outlives it."""

    def __init__(self, folder: Path, ir: Pipeline, **environ: str) -> None:
        self.folder = folder
        self.ir = ir
        self.facts: list[AnyFact] = []
        self.store = open_store(f"sqlite:///{folder}/toque.db")
        self.blobs = open_blobs(str(folder / "blobs"))
        options = ProcessOptions(
            project=str(HERE),
            state_dir=str(folder / "state"),
            blobs_url=str(folder / "blobs"),
            workers=2,
            environ=environ,
        )
        versions = Versions(self.store, lambda row: BUNDLE)
        self.version = canonical.content_hash(ir)
        versions.learn(self.version, ir, BUNDLE)
        self.runtime = Runtime(
            store=self.store,
            blobs=self.blobs,
            executors={"process": ProcessExecutor(options), "flow": FlowHost(options)},
            versions=versions,
            clock=SystemClock(),
            options=RuntimeOptions(adopt=False),
        )
        self.watch: Callable[[AnyFact], None] = lambda fact: None
        self.runtime.listen(self._heard)

    async def __aenter__(self) -> Site:
        await self.store.open()
        await self.runtime.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.runtime.stop(grace_s=0)
        await self.store.close()

    def launch(self, parameters: dict[str, Any]) -> asyncio.Future[RunRow]:
        now_us = SystemClock().now_us()
        row = RunRow(
            run_id=new_run_id(now_us),
            pipeline=self.ir.name,
            version=self.version,
            state=RunState.QUEUED,
            parameters=parameters,
            created_us=now_us,
            logical_us=now_us,
        )
        self.run_id = row.run_id
        return self.runtime.launch(Launch(row, self.ir, BUNDLE))

    def _heard(self, owned: OwnedRun, facts: Sequence[AnyFact]) -> None:
        for fact in facts:
            self.facts.append(fact)
            self.watch(fact)

    async def rows(self, run_id: str) -> dict[str, TaskRow]:
        rows = await self.store.list_tasks(TaskFilter(run_id=run_id, limit=10_000))
        return {f"{row.task}{list(row.map_index)}": row for row in rows}

    async def result(self, run_id: str) -> Any:
        row = (await self.rows(run_id))[f"{self.ir.name}[]"]
        assert row.result is not None, row
        return values.decode(row.result, self.blobs)


def hosted(flow: Flow[..., Any]) -> Pipeline:
    """Its graph, with the code where the processes find it."""
    (node,) = flow.ir.nodes
    assert isinstance(node, TaskNode)
    code = msgspec.structs.replace(node.code, module="hosted_flows")
    return msgspec.structs.replace(flow.ir, nodes=(msgspec.structs.replace(node, code=code),))


EXPECTED = {
    "journey": [102, 202, "caught", 5, ["a", "b"]],
    "journey_sync": ["caught", 6, 21, 31],
}
RAN = {
    "journey": Counter({100: 1, 101: 1, 200: 1, 201: 1, 0: 1, 1: 1, 2: 1, 3: 1, 4: 1}),
    "journey_sync": Counter({0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 20: 1, 30: 1}),
}


def really_ran(marker: Path) -> Counter[int]:
    return Counter(int(line) for line in marker.read_text().split())


@pytest.mark.parametrize("flow", [flows.journey, flows.journey_sync])
async def test_a_flow_runs_to_its_result_and_each_step_once(flow: Flow[..., Any], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with Site(tmp_path, hosted(flow)) as site, asyncio.timeout(60):
        ended = await site.launch(flow.validate({"marker": str(marker)}))
        assert (ended.state, ended.error) == (RunState.SUCCEEDED, None)
        assert await site.result(site.run_id) == EXPECTED[flow.name]
    assert really_ran(marker) == RAN[flow.name]


@pytest.mark.parametrize("flow", [flows.journey, flows.journey_sync])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_flow_whose_host_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    flow: Flow[..., Any], seed: int, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    draw = random.Random(seed)
    victims: set[int] = set()

    def kill_sometimes(fact: AnyFact) -> None:
        """Hosts are known by the beginnings of the body; some of its steps cost them their life."""
        if isinstance(fact, Started) and fact.task == flow.name:
            victims.add(int(fact.worker.rpartition(":")[2]))
        elif isinstance(fact, StepAdded | Succeeded) and victims and draw.random() < 0.4:
            os.kill(victims.pop(), signal.SIGKILL)

    async with Site(tmp_path, hosted(flow)) as site, asyncio.timeout(60):
        site.watch = kill_sometimes
        ended = await site.launch(flow.validate({"marker": str(marker)}))
        assert (ended.state, ended.error) == (RunState.SUCCEEDED, None)
        assert await site.result(site.run_id) == EXPECTED[flow.name]
        assert len([fact for fact in site.facts if isinstance(fact, Started) and fact.task == flow.name]) > 1
    assert really_ran(marker) == RAN[flow.name]


@pytest.mark.parametrize("flow", [flows.journey, flows.journey_sync])
async def test_a_flow_is_resumed_by_the_next_server(flow: Flow[..., Any], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    reached = asyncio.Event()
    ended = 0

    def at_the_third_end(fact: AnyFact) -> None:
        nonlocal ended
        ended += isinstance(fact, Succeeded)
        if ended == 3:
            reached.set()

    async with asyncio.timeout(60):
        async with Site(tmp_path, hosted(flow)) as first:
            first.watch = at_the_third_end
            first.launch(flow.validate({"marker": str(marker)})).add_done_callback(lambda done: done.exception())
            await reached.wait()
        async with Site(tmp_path, hosted(flow)) as second:
            waiting = second.runtime.wait(first.run_id)
            assert (await second.runtime.adopt()).total == 1
            assert (await waiting).state is RunState.SUCCEEDED
            assert await second.result(first.run_id) == EXPECTED[flow.name]
    # Whatever the first server had committed did not run again; what it had only begun may have.
    committed = Counter(
        fact.result and values.decode(fact.result, first.blobs)
        for fact in first.facts
        if isinstance(fact, Succeeded) and fact.task.endswith("/work")
    )
    assert all(really_ran(marker)[value - 1] == 1 for value in committed)


async def test_a_flow_is_evicted_and_comes_back_within_a_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with (
        Site(tmp_path, hosted(flows.journey), TOQUE_FLOW_EVICT_AFTER_S="0.005") as site,
        asyncio.timeout(60),
    ):
        ended = await site.launch(flows.journey.validate({"marker": str(marker)}))
        assert (ended.state, ended.error) == (RunState.SUCCEEDED, None)
        assert await site.result(site.run_id) == EXPECTED["journey"]
        assert len([fact for fact in site.facts if isinstance(fact, Started) and fact.task == "journey"]) > 1
    assert really_ran(marker) == RAN["journey"]


async def test_a_step_that_the_body_gives_up_is_stopped_and_the_run_succeeds(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with Site(tmp_path, hosted(flows.hurried)) as site, asyncio.timeout(60):
        ended = await site.launch(flows.hurried.validate({"marker": str(marker)}))
        assert (ended.state, ended.error) == (RunState.SUCCEEDED, None)
        assert await site.result(site.run_id) == "gave up, 10"
        assert (await site.rows(site.run_id))["hurried/slow[0]"].state is TaskState.CANCELLED


async def test_a_cancelled_run_runs_the_finally_of_its_flow_and_stops_its_steps(tmp_path: Path) -> None:
    begun = asyncio.Event()

    def at_the_step(fact: AnyFact) -> None:
        if isinstance(fact, Started) and fact.task == "stopped/slow":
            begun.set()

    async with Site(tmp_path, hosted(flows.stopped)) as site, asyncio.timeout(60):
        site.watch = at_the_step
        note = tmp_path / "note"
        ended = site.launch(flows.stopped.validate({"marker": str(tmp_path / "marker"), "note": str(note)}))
        await begun.wait()
        site.runtime.post(Cancel(run_id=site.run_id, actor="me"))
        assert (await ended).state is RunState.CANCELLED
        assert note.read_text() == "finally"
        assert {row.state for row in (await site.rows(site.run_id)).values()} == {TaskState.CANCELLED}


async def test_a_flow_that_fails_stops_what_it_had_submitted(tmp_path: Path) -> None:
    async with Site(tmp_path, hosted(flows.leaving)) as site, asyncio.timeout(60):
        ended = await site.launch(flows.leaving.validate({"marker": str(tmp_path / "marker")}))
        assert ended.state is RunState.FAILED
        rows = await site.rows(site.run_id)
        assert rows["leaving/slow[0]"].state is TaskState.CANCELLED
        assert rows["leaving[]"].error is not None
        assert rows["leaving[]"].error.type == "ValueError"


async def test_steps_are_retried_deferred_and_skipped_like_any_task(tmp_path: Path) -> None:
    async with Site(tmp_path, hosted(flows.varied)) as site, asyncio.timeout(60):
        ended = await site.launch({})
        assert (ended.state, ended.error) == (RunState.SUCCEEDED, None)
        assert await site.result(site.run_id) == [2, 3, "nothing new"]
