"""Workers: what they share, what they see, what they cost."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.attempts import HERE, value
from tests.integration.executors.conftest import Benches, eventually, listen, pid_of, pid_of_started, release
from toque.engine.inputs import AttemptFailed, AttemptLost, AttemptReturned, AttemptSucceeded
from toque.graph.ir import CodeRef, Inject
from toque.ports.executor import BundleRef, WorkItem
from toque.worker.lease import LeaseFile, now_s

Fifo = Callable[[str], str]


async def test_an_idle_worker_is_used_again(benches: Benches) -> None:
    bench = await benches()
    assert value(await bench.run("pid")) == value(await bench.run("pid"))


async def test_io_bound_tasks_share_a_process_and_do_not_wait_for_each_other(benches: Benches, fifo: Fifo) -> None:
    bench = await benches(thread_limit=4)
    gates = [fifo(f"gate{n}") for n in range(4)]
    waiting = [bench.begin("wait_for", gate, policy={"io_bound": True}) for gate in gates]
    pids = {await pid_of_started(bench, each) for each in waiting}
    assert len(pids) == 1
    assert bench.executor.room(waiting[0].node) == 0
    for gate, each in reversed(list(zip(gates, waiting, strict=True))):
        await release(gate, "opened")
        assert value(await bench.end(each)) == "opened"


async def test_a_thread_that_can_be_interrupted_is(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    announced = fifo("announced")
    other = bench.begin("wait_for", fifo("other"), policy={"io_bound": True})
    spinning = bench.begin("spin", announced, policy={"io_bound": True})
    await listen(announced)
    bench.executor.cancel(spinning.token, grace_s=20)
    await bench.end(spinning)
    assert bench.sink.end(other.token) is None


async def test_two_bundles_share_one_worker_slot(benches: Benches, tmp_path: Path) -> None:
    bench = await benches()
    first = value(await bench.run("pid"))
    copy = tmp_path / "copy"
    shutil.copytree(HERE, copy)
    (copy / "jobs.py").write_text((copy / "jobs.py").read_text() + "\ndef only_here():\n    return __file__\n")
    bench.bundle = BundleRef(hash="copy", path=str(copy), project=str(copy))
    assert value(await bench.run("only_here")) == str(copy / "jobs.py")
    assert value(await bench.run("pid")) != first


async def test_a_busy_bundle_lets_another_one_in(benches: Benches, fifo: Fifo, tmp_path: Path) -> None:
    bench = await benches()
    gate = fifo("gate")
    busy = bench.begin("wait_for", gate)
    await bench.started(busy)
    copy = tmp_path / "copy"
    shutil.copytree(HERE, copy)
    bench.bundle = BundleRef(hash="copy", path=str(copy), project=str(copy))
    waiting = bench.begin("echo", 1)
    await release(gate)
    assert value(await bench.end(waiting)) == 1


async def test_a_named_environment_has_its_own_interpreter(benches: Benches) -> None:
    bench = await benches(environments={"other": sys.executable})
    made = bench.prepared("echo", 5, policy={"environment": "other"})

    bench.executor.submit(WorkItem(bundle=bench.bundle, environment="other", attempts=(made,)))
    assert value(await bench.end(made)) == 5
    unknown = bench.prepared("echo", 5)
    bench.executor.submit(WorkItem(bundle=bench.bundle, environment="nowhere", attempts=(unknown,)))
    report = await bench.end(unknown)
    assert not report.error.retryable
    assert "other" in report.error.message


async def test_an_interpreter_without_toque_says_so(benches: Benches, tmp_path: Path) -> None:

    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named toque' >&2\nexit 1\n")
    broken.chmod(0o755)
    bench = await benches(environments={"broken": str(broken)})
    made = bench.prepared("echo", 5)
    bench.executor.submit(WorkItem(bundle=bench.bundle, environment="broken", attempts=(made,)))
    report = await bench.end(made)
    assert isinstance(report, AttemptFailed)
    assert "No module named toque" in report.error.message
    assert "broken" in report.error.message


async def test_a_worker_that_is_killed_before_it_is_up_loses_what_it_was_to_run(
    benches: Benches, tmp_path: Path
) -> None:
    """Once is no reason to fail an attempt; again and again is."""
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    bench = await benches(environments={"killed": str(killed)})
    ends = []
    for _ in range(4):
        made = bench.prepared("echo", 5)
        bench.executor.submit(WorkItem(bundle=bench.bundle, environment="killed", attempts=(made,)))
        ends.append(await bench.end(made))
    assert [type(end) for end in ends] == [AttemptLost] * 3 + [AttemptFailed]
    assert "could be started: its process was ended by SIGKILL" in ends[-1].error.message


async def test_a_resource_of_the_worker_is_opened_once_and_closed_at_its_end(benches: Benches, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    bench = await benches(environ={"TOQUE_TEST_CLOSED": str(closed)})
    inject = {"thing": Inject(kind="resource", name="", code=CodeRef(module="jobs", qualname="opened"))}
    await bench.run("use_opened", inject=inject)
    assert value(await bench.run("use_opened", inject=inject)) == ["opened", "used", "used"]
    await bench.executor.stop(grace_s=0)
    assert closed.read_text() == "opened,used,used\n"


async def test_a_module_that_is_not_in_the_bundle_is_refused(benches: Benches, tmp_path: Path) -> None:
    project, bundle = tmp_path / "project", tmp_path / "bundle"
    for folder in (project, bundle):
        folder.mkdir()
    (bundle / "jobs.py").write_text("import ignored\ndef nothing(): pass\n")
    (project / "ignored.py").write_text("")
    ref = BundleRef(hash="b", path=str(bundle), project=str(project))
    bench = await benches(bundle=ref, environ={"PYTHONPATH": str(project)})
    report = await bench.run("nothing")
    assert isinstance(report, AttemptFailed)
    assert "'ignored' was imported from the project instead of the run's snapshot" in report.error.message
    assert not report.error.retryable


async def test_the_bundle_leads_and_the_project_is_the_working_directory(benches: Benches, tmp_path: Path) -> None:
    project, bundle = tmp_path / "project", tmp_path / "bundle"
    for folder, text in ((project, "wrong"), (bundle, "right")):
        folder.mkdir()
        (folder / "jobs.py").write_text(f"import os, json\ndef where(): return ['{text}', os.getcwd(), __file__]\n")
    ref = BundleRef(hash="b", path=str(bundle), project=str(project))
    bench = await benches(bundle=ref, project=str(project), environ={"PYTHONPATH": str(project)})
    assert value(await bench.run("where")) == ["right", str(project), str(bundle / "jobs.py")]


async def test_an_attempt_that_changes_directory_does_not_move_the_next(benches: Benches) -> None:
    bench = await benches()
    assert value(await bench.run("go_to_root")) == "/"
    assert value(await bench.run("where_am_i")) == str(HERE)


async def test_exit_handlers_of_user_code_run_when_its_worker_stops(benches: Benches, tmp_path: Path) -> None:
    bench = await benches()
    farewell = tmp_path / "farewell"
    await bench.run("say_good_bye", str(farewell))
    await bench.executor.stop(grace_s=0)
    assert farewell.read_text() == "good-bye"


async def test_what_is_printed_is_in_the_log_while_the_attempt_runs(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    gate = fifo("gate")
    made = bench.begin("speak_then_wait", gate)
    await eventually(lambda: set(bench.messages(made)) == {"printed", "written"})
    assert bench.sink.end(made.token) is None
    await release(gate)
    await bench.end(made)
    assert sorted(bench.messages(made)) == ["printed", "written"]


async def test_output_of_children_and_of_c_code_belongs_to_its_attempt(benches: Benches) -> None:
    bench = await benches()
    first = bench.begin("speak_from_outside")
    await bench.end(first)
    lines = {(line["stream"], line["msg"]) for line in bench.log(first)}
    assert lines == {("stdout", "from a child"), ("stderr", "its error"), ("stdout", "from write(2)")}
    second = bench.begin("print_in_c", "from printf")
    await bench.end(second)
    assert bench.messages(second) == ["from printf"]
    third = bench.begin("speak_from_thread")
    await bench.end(third)
    assert bench.messages(third) == ["from a thread speak_from_thread"]


async def test_output_of_children_is_kept_in_shared_processes_too(benches: Benches, fifo: Fifo) -> None:
    bench = await benches()
    gate = fifo("gate")
    waiting = bench.begin("wait_for", gate, policy={"io_bound": True})
    await bench.started(waiting)
    speaking = bench.begin("speak_from_outside", policy={"io_bound": True})
    await bench.end(speaking)
    assert "from a child" in bench.messages(speaking)
    await release(gate)
    await bench.end(waiting)
    assert bench.messages(waiting) == []


async def test_the_roots_that_a_bundle_names_lead(benches: Benches, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "src").mkdir(parents=True)
    (bundle / "src" / "jobs.py").write_text("def where(): return __file__\n")
    (bundle / ".toque-bundle.json").write_text('{"files": {}, "roots": ["", "src"], "python": "3"}')
    ref = BundleRef(hash="b", path=str(bundle), project=str(bundle))
    bench = await benches(bundle=ref, project=str(bundle))
    assert value(await bench.run("where")) == str(bundle / "src" / "jobs.py")


async def test_a_flood_of_output_is_all_there(benches: Benches) -> None:
    bench = await benches()
    made = bench.begin("flood", 100_000, 100)
    await bench.end(made)
    assert len(bench.messages(made)) == 100_000


async def test_secrets_of_the_project_are_masked_everywhere(benches: Benches, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(HERE, project)
    (project / "toque.toml").write_text('[secrets]\ndb = "env:DB_PASSWORD"\n')
    (project / "jobs.py").write_text(
        (project / "jobs.py").read_text()
        + "\ndef tell():\n    os.system('echo raw $DB_PASSWORD')\n    secret_in_print(os.environ['DB_PASSWORD'])\n"
        + "\ndef tell_and_die():\n    os.write(1, os.environ['DB_PASSWORD'].encode() + b'\\n')\n"
        + "    os.kill(os.getpid(), 9)\n"
    )
    ref = BundleRef(hash="b", path=str(project), project=str(project))
    bench = await benches(bundle=ref, project=str(project), environ={"DB_PASSWORD": "hunter2!"})
    for function in ("tell", "tell_and_die"):
        made = bench.begin(function)
        report = await bench.end(made)
        text = Path(made.log_path).read_text()
        assert "hunter2!" not in text
        assert "***" in text
        assert b"hunter2!" not in msgspec.json.encode(report)


async def test_a_result_of_any_size_does_not_pass_the_server(benches: Benches) -> None:
    bench = await benches()
    made = await bench.run("big_result", 200 * 2**20)
    assert isinstance(made, AttemptSucceeded)
    assert made.result.blob
    assert made.result.size_bytes > 200 * 2**20
    assert made.result.inline is None


def proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


async def test_an_empty_worker_is_small(benches: Benches) -> None:
    bench = await benches()
    report = (await bench.run("nothing"), bench.sink.reports[0])[1]
    assert proportional_bytes(pid_of(report.worker)) < 40 * 2**20


async def test_workers_of_a_bundle_that_nobody_asks_for_go_away(benches: Benches, tmp_path: Path) -> None:
    bench = await benches(workers=2, idle_s=0.02)
    old = value(await bench.run("pid"))
    copy = tmp_path / "copy"
    shutil.copytree(HERE, copy)
    bench.bundle = BundleRef(hash="copy", path=str(copy), project=str(copy))
    await bench.run("echo", 1)
    await eventually(lambda: not os.path.exists(f"/proc/{old}"))


@pytest.mark.parametrize("function", ["pid", "echo_async"])
async def test_nothing_begins_after_the_end_of_the_lease(benches: Benches, tmp_path: Path, function: str) -> None:
    """A server that is starved has lost its runs and does not know; its workers see the clock."""
    lease = LeaseFile(tmp_path)
    lease.extend(now_s() + 1000)
    bench = await benches(lease=str(lease.path))
    arguments = () if function == "pid" else (1,)
    assert isinstance(await bench.run(function, *arguments), AttemptSucceeded)
    lease.extend(now_s() - 1)
    late = bench.begin(function, *arguments)
    assert isinstance(await bench.end(late), AttemptReturned)
    assert len(bench.sink.about(late.token)) == 1
    lease.extend(now_s() + 1000)
    assert isinstance(await bench.run(function, *arguments), AttemptSucceeded)
    lease.close()
