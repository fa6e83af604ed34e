"""Tasks that block in C code: killed at their timeout, their slot free, their retry started, their neighbours whole."""

from __future__ import annotations

import os

import pytest

from tests.integration.edges.project import Project

BLOCKING = """
import os
import re

def hold_the_gil() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")

def query_for_ever() -> None:
    import duckdb

    numbers = "range(10000000)"
    duckdb.sql(f"SELECT count(*) FROM {numbers} a, {numbers} b WHERE a.range % 7 <> b.range % 11").fetchall()
"""


@pytest.mark.parametrize("blocked", ["hold_the_gil", "query_for_ever"])
def test_it_is_killed_at_its_timeout_its_slot_is_free_and_its_retry_starts(project: Project, blocked: str) -> None:
    project.settings("[pools]\nonly = 1\n")
    project.write("blocking.py", BLOCKING)
    project.pipeline(
        f"""
        import os
        from blocking import hold_the_gil, query_for_ever

        @task(timeout=1, retries=Retry(1, delay=0), pool="only", priority=1)
        def stuck() -> int:
            attempt = context().attempt
            note(f"stuck {{attempt}} {{os.getpid()}}")
            if attempt == 1:
                {blocked}()
            return attempt

        @task(pool="only")
        def waiting() -> None:
            # It has the one slot: whoever held it must be gone.
            (first,) = [line.split()[2] for line in open("notes") if line.startswith("stuck 1 ")]
            note(f"waiting {{os.path.exists('/proc/' + first)}}" if os.path.isdir("/proc/self") else "waiting False")

        @pipeline
        def blocks() -> int:
            waiting()
            return stuck()
        """
    )
    ended = project.run()
    assert ended["state"] == "succeeded"
    assert ended["result"] == 2
    notes = [line.split()[:2] for line in project.notes()]
    assert sorted(notes) == [["stuck", "1"], ["stuck", "2"], ["waiting", "False"]]
    pid = int(project.notes()[0].split()[2])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_its_neighbours_in_a_work_item_lose_no_attempt(project: Project) -> None:
    """Short tasks are handed to a worker in batches, so that some wait behind the one that blocks."""
    project.write("blocking.py", BLOCKING)
    project.pipeline(
        """
        import os
        from blocking import hold_the_gil, query_for_ever

        @task(timeout=1, retries=Retry(1, delay=0))
        def work(i: int) -> int:
            attempt = context().attempt
            note(f"{i} {attempt}")
            if i in (300, 450) and attempt == 1:
                hold_the_gil()
            return attempt

        @task
        def attempts(all: list[int]) -> str:
            return " ".join(f"{i}:{each}" for i, each in enumerate(all) if each != 1)

        @pipeline
        def neighbours() -> str:
            return attempts(work.map(each(range(600))))
        """
    )
    ended = project.run()
    assert ended["result"] == "300:2 450:2"
    begun = project.notes()
    assert len(begun) == 600 + 2


def test_a_timeout_says_so_and_fails_the_run_when_no_retry_is_left(project: Project) -> None:
    project.write("blocking.py", BLOCKING)
    project.pipeline(
        """
        import os
        from blocking import hold_the_gil, query_for_ever

        @task(timeout="500ms")
        def stuck() -> None:
            print("before it blocks")
            hold_the_gil()

        @pipeline
        def blocks() -> None:
            stuck()
        """
    )
    ended = project.run(code=1)
    (failure,) = ended["failures"]
    assert failure["error"]["type"] == "Timeout"
    assert "500ms" in failure["error"]["message"]
    assert "before it blocks" in [line["msg"] for line in project.logs()]


@pytest.mark.parametrize("way", ["cancel", "Ctrl-C"])
def test_a_blocked_task_is_cancelled_by_force(project: Project, way: str) -> None:
    project.write("blocking.py", BLOCKING)
    project.pipeline(
        """
        import os
        from blocking import hold_the_gil, query_for_ever

        @task(retries=3)
        def stuck() -> None:
            tell(os.getpid())
            hold_the_gil()

        @pipeline
        def blocks() -> None:
            stuck()
        """
    )
    running = project.start("run", "flow.py")
    pid = int(project.heard())
    if way == "cancel":
        project.toque("cancel", "latest", "--reason", "enough")
    else:
        running.interrupt()
    assert running.end().code == (1 if way == "cancel" else 130)
    assert project.show()["state"] == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
