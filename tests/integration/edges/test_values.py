"""Values on their way between tasks: the same type on the other side, or an error that says what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.integration.edges.project import Project

PASSED = """
@task
def make():
    return (1, 2), {1: "a", 2: ("b", 3)}, [(), {(1, 2): None}]

@task
def look(pair, table, nested) -> str:
    assert isinstance(nested[0], tuple)
    return repr((pair, table, nested))

@pipeline
def passed() -> str:
    pair, table, nested = make()
    return look(pair, table, nested)
"""
EXPECTED = """((1, 2), {1: 'a', 2: ('b', 3)}, [(), {(1, 2): None}])"""


@pytest.mark.parametrize("executor", ["process", "inline"])
def test_tuples_and_integer_keys_are_passed_as_they_are(project: Project, executor: str) -> None:
    project.pipeline(PASSED)
    assert project.run("flow.py", "--executor", executor)["result"] == EXPECTED


def test_tuples_and_integer_keys_are_passed_as_they_are_in_a_run_in_process(project: Project) -> None:
    project.pipeline(PASSED)
    project.write("use.py", "import flow; print(flow.passed.run().result)")
    assert _python(project, "use.py").strip() == EXPECTED


def test_a_result_that_cannot_be_pickled_fails_with_its_type_and_a_fix_and_is_not_retried(project: Project) -> None:
    project.pipeline(
        """
        import threading

        @task(retries=3)
        def lock():
            return {"lock": threading.Lock()}

        @task
        def use_it(given): ...

        @task
        def apart() -> int:
            return 1

        @pipeline
        def unpicklable():
            use_it(lock())
            apart()
        """
    )
    ended = project.toque("run", "flow.py", code=1)
    assert "cannot pickle '_thread.lock' object" in ended.out
    assert "Fix: return data; keep locks in the process that made them" in ended.out
    assert project.show()["tasks"] == {
        "lock": {"failed": 1},
        "use_it": {"upstream_failed": 1},
        "apart": {"succeeded": 1},
    }
    assert {line["attempt"] for line in project.logs("latest", "lock")} == {1}


BIG = """
import os
import psutil

MB = 1_000_000

@task
def make(megabytes: int) -> bytes:
    return os.urandom(MB) * megabytes

@task
def measure(data: bytes) -> int:
    return len(data) + (data[:100] == data[MB : MB + 100])

def peak() -> int:
    # The process that owns the run is the parent of the zygote, which is the parent of this worker.
    owner = psutil.Process().parent().parent()
    try:
        status = open(f"/proc/{owner.pid}/status").read()
    except FileNotFoundError:
        return owner.memory_info().rss
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

@task
def memory(size: int) -> int:
    return peak()

@task
def floor() -> int:
    return peak()

@task
def tell(before: int, size: int, after: int) -> str:
    return f"{before} {size} {after}"

@pipeline
def big(megabytes: int) -> str:
    before = floor()
    size = measure(make.after(before)(megabytes))
    return tell(before, size, memory(size))
"""


@pytest.mark.parametrize("megabytes", [300, pytest.param(2000, marks=pytest.mark.heavy)], ids=["300 MB", "2 GB"])
def test_a_large_result_is_a_blob_and_the_server_does_not_grow(project: Project, megabytes: int) -> None:
    project.pipeline(BIG)
    ended = project.run("flow.py", "-p", f"megabytes={megabytes}")
    before, size, after = map(int, ended["result"].split())
    assert size == megabytes * 1_000_000 + 1
    blobs = [path.stat().st_size for path in (project.root / ".toque" / "blobs").rglob("*") if path.is_file()]
    assert max(blobs) >= megabytes * 1_000_000
    assert after - before < 50_000_000


def _python(project: Project, script: str) -> str:
    import subprocess

    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[3] / "src"), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, script],
        cwd=project.root,
        env={**project.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
