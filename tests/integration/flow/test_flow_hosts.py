"""Flow hosts: real processes, killed, cancelled, evicted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.flow import hosted_flows as flows
from tests.integration.flow.hosting import HERE, Bench
from toque.authoring.flows import Flow
from toque.engine.inputs import (
    AttemptCancelled,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    FlowEvicted,
)
from toque.engine.values import ErrorInfo
from toque.worker.lease import LeaseFile, now_s


@pytest.mark.parametrize("flow", [flows.two_steps, flows.two_steps_sync])
async def test_a_body_runs_in_a_process_of_its_own_and_its_steps_are_answered(
    bench: Bench, flow: Flow[..., list[int]]
) -> None:
    body = bench.begin(flow)
    bench.end(await bench.step(body, 0), 10)
    bench.end(await bench.step(body, 1), 20)
    one, two, pid = await bench.result(body)
    assert [one, two] == [10, 20]
    assert pid == await bench.process_of(body) != os.getpid()


@pytest.mark.parametrize("flow", [flows.two_steps, flows.two_steps_sync])
async def test_a_body_whose_process_is_killed_goes_on_in_another_one(bench: Bench, flow: Flow[..., list[int]]) -> None:
    body = bench.begin(flow)
    bench.end(await bench.step(body, 0), 10)
    await bench.step(body, 1)
    killed = await bench.process_of(body)
    await bench.kill_process_of(body)
    lost = await bench.over(body)
    assert isinstance(lost, AttemptLost)
    assert "SIGKILL" in lost.reason
    again = bench.begin_again(body)
    bench.end(await bench.step(again, 1), 20)
    one, two, pid = await bench.result(again)
    assert [one, two] == [10, 20]
    assert pid != killed


async def test_bodies_that_waited_are_not_to_blame_for_the_death_of_their_process(bench: Bench) -> None:
    waiting = bench.begin(flows.two_steps)
    await bench.step(waiting)
    guilty = bench.begin(flows.crashing)
    bench.end(await bench.step(guilty), 1)
    lost = await bench.over(guilty)
    assert isinstance(lost, AttemptLost)
    assert not lost.blameless
    assert "code 3" in lost.reason
    bystander = await bench.over(waiting)
    assert isinstance(bystander, AttemptLost)
    assert bystander.blameless


async def test_a_cancelled_body_runs_its_finally(bench: Bench, tmp_path: Path) -> None:
    body = bench.begin(flows.tidy, marker=str(tmp_path / "marker"))
    await bench.step(body)
    bench.host.cancel(body.token, grace_s=60)
    assert isinstance(await bench.over(body), AttemptCancelled)
    assert (tmp_path / "marker").read_text() == "finally"


async def test_a_body_that_ignores_its_cancel_is_dropped_and_its_neighbours_go_on(bench: Bench) -> None:
    neighbour, stubborn = bench.begin(flows.two_steps), bench.begin(flows.stubborn)
    await bench.step(neighbour)
    await bench.step(stubborn)
    bench.host.cancel(stubborn.token, grace_s=0)
    assert isinstance(await bench.over(stubborn), AttemptCancelled)
    bench.end(await bench.step(neighbour, 0), 10)
    bench.end(await bench.step(neighbour, 1), 20)
    assert (await bench.result(neighbour))[:2] == [10, 20]


@pytest.mark.parametrize("flow", [flows.busy, flows.busy_sync])
async def test_a_body_that_is_busy_costs_its_process_and_its_neighbours_nothing_but_a_replay(
    bench: Bench, flow: Flow[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toque.executors.flow.forcing.FORCE_AFTER_S", 0.05)
    neighbour, busy = bench.begin(flows.two_steps), bench.begin(flow)
    await bench.step(neighbour)
    bench.end(await bench.step(busy), 1)
    await bench.progress(busy)
    bench.host.cancel(busy.token, grace_s=0)
    assert isinstance(await bench.over(busy), AttemptCancelled)
    lost = await bench.over(neighbour)
    assert isinstance(lost, AttemptLost)
    assert lost.blameless


async def test_a_body_is_ended_at_its_timeout(bench: Bench) -> None:
    body = bench.begin(flows.bounded)
    failed = await bench.over(body)
    assert isinstance(failed, AttemptFailed)
    assert failed.timed_out
    assert failed.error.type == "Timeout"


async def test_a_body_that_waits_long_leaves_memory_and_comes_back(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(TOQUE_FLOW_EVICT_AFTER_S="0.02")
    await bench.host.start(bench)
    body = bench.begin(flows.napping, marker=str(tmp_path / "marker"))
    sleep = await bench.step(body)
    evicted = await bench.over(body)
    assert isinstance(evicted, FlowEvicted)
    assert evicted.seen == 0
    assert not (tmp_path / "marker").exists()
    bench.end(sleep)
    assert await bench.result(bench.begin_again(body)) == "awake"
    assert (tmp_path / "marker").exists()


async def test_a_process_that_has_dropped_many_bodies_gets_no_new_ones(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toque.executors.flow.processes.RETIRE_AFTER", 1)
    first = bench.begin(flows.stubborn)
    await bench.step(first)
    bench.host.cancel(first.token, grace_s=0)
    await bench.over(first)
    second = bench.begin(flows.two_steps)
    assert await bench.process_of(second) != await bench.process_of(first)


async def test_each_bundle_has_a_process_and_bodies_of_one_share_it(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "hosted_flows.py").write_text((HERE / "hosted_flows.py").read_text())
    bodies = [
        bench.begin(flows.two_steps),
        bench.begin(flows.two_steps_sync),
        bench.begin(flows.two_steps, bundle=str(other)),
    ]
    pids = [await bench.process_of(body) for body in bodies]
    assert pids[0] == pids[1] != pids[2]


async def test_sets_are_iterated_in_one_order_by_all_processes(bench: Bench) -> None:
    first = bench.begin(flows.looping_over_a_set)
    before = await bench.result(first)
    await bench.host.stop(grace_s=0)
    fresh = Bench(Path(bench.logs).parent)
    await fresh.host.start(fresh)
    second = fresh.begin(flows.looping_over_a_set)
    assert await fresh.result(second) == before
    assert await fresh.process_of(second) != await bench.process_of(first)
    await fresh.host.stop(grace_s=0)


async def test_what_a_body_prints_is_in_its_log(bench: Bench) -> None:
    body = bench.begin(flows.two_steps)
    await bench.step(body)
    (line,) = Path(body.log_path).read_text().splitlines()
    assert json.loads(line)["msg"] == "begun"


async def test_code_that_does_not_load_fails_the_body(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "hosted_flows.py").write_text("import nowhere_to_be_found\n")
    failed = await bench.over(bench.begin(flows.two_steps, bundle=str(broken)))
    assert isinstance(failed, AttemptFailed)
    assert failed.error.type == "ModuleNotFoundError"
    assert not failed.error.retryable


async def test_a_stop_gives_bodies_back_blameless_and_leaves_no_process(bench: Bench) -> None:
    body = bench.begin(flows.two_steps)
    pid = await bench.process_of(body)
    await bench.step(body)
    await bench.host.stop(grace_s=5)
    lost = await bench.over(body)
    assert isinstance(lost, AttemptLost)
    assert lost.blameless
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_unknown_environment_is_refused_with_the_fix(bench: Bench) -> None:
    body = bench.begin(flows.two_steps, environment="gpu")
    failed = await bench.over(body)
    assert isinstance(failed, AttemptFailed)
    assert "there is no environment 'gpu'" in failed.error.message
    assert "Fix: add it to toque.toml" in failed.error.message


async def test_a_body_is_begun_once_however_often_it_is_submitted(bench: Bench) -> None:
    body = bench.submit(bench.begin(flows.two_steps))
    bench.end(await bench.step(body, 0), 10)
    bench.end(await bench.step(body, 1), 20)
    await bench.result(body)
    bench.submit(body)
    other = bench.begin(flows.two_steps)
    await bench.started(other)
    assert len([said for said in bench.said if isinstance(said, AttemptStarted)]) == 2
    assert await bench.host.reconcile([body.token, other.token]) == [other.token]


@pytest.mark.parametrize("flow", [flows.failing, flows.failing_sync])
async def test_a_failed_step_is_reported_at_the_line_of_the_body_that_asked_for_it(
    bench: Bench, flow: Flow[..., None]
) -> None:
    body = bench.begin(flow)
    bench.end(await bench.step(body), error=ErrorInfo(kind="data", type="ValueError", message="negative"))
    failed = await bench.over(body)
    assert isinstance(failed, AttemptFailed)
    assert (failed.error.kind, failed.error.type, failed.error.retryable) == ("data", "ValueError", False)
    line = flow.__toque_function__.__code__.co_firstlineno + 2
    assert (failed.error.file, failed.error.line) == ("hosted_flows.py", line)
    logged = json.loads(Path(body.log_path).read_text().splitlines()[-1])["msg"]
    first_frame = logged.splitlines()[1]
    assert "hosted_flows.py" in first_frame, logged
    assert "step failing" in logged


async def test_no_body_begins_after_the_end_of_the_lease(make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    lease = LeaseFile(tmp_path)
    bench = make_bench(lease=str(lease.path))
    await bench.host.start(bench)
    assert isinstance(await bench.over(bench.begin(flows.two_steps)), AttemptReturned)
    lease.extend(now_s() + 1000)
    body = bench.begin(flows.two_steps)
    await bench.step(body)
    lease.close()
