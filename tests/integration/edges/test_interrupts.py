"""Ctrl-C once, Ctrl-C twice, `toque cancel`; teardowns run all the same."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.edges.project import Project

HELD = """
import re

@task
def make() -> str:
    return "cluster"

@task
def drop(cluster: str) -> None:
    note(f"dropped {cluster}")

@task
def kind(cluster: str) -> None:
    try:
        tell(os.getpid())
        wait()
    finally:
        note("cleaned up")

@task
def deaf(cluster: str) -> None:
    tell(os.getpid())
    re.match(r"(a+)+$", "a" * 64 + "b")

@task
def told(report: RunReport) -> None:
    note(f"hook {report.state}")

@pipeline(on_failure=told, on_success=told)
def kindly() -> None:
    with setup(make(), teardown=drop) as cluster:
        kind(cluster)

@pipeline
def deafly() -> None:
    with setup(make(), teardown=drop) as cluster:
        deaf(cluster)
"""


@pytest.mark.parametrize("way", ["Ctrl-C", "toque cancel"])
def test_a_cancel_lets_bodies_clean_up_and_runs_teardowns(project: Project, way: str) -> None:
    project.pipeline("import os\n" + HELD)
    running = project.start("run", "flow.py:kindly")
    pid = int(project.heard())
    if way == "Ctrl-C":
        running.interrupt()
    else:
        project.toque("cancel", "latest", "--reason", "not today")
    ended = running.end()
    assert ended.code == (130 if way == "Ctrl-C" else 1)
    assert project.notes()[:2] == ["cleaned up", "dropped cluster"]
    shown = project.show()
    assert shown["state"] == "cancelled"
    assert shown["reason"] == ("interrupted at the terminal" if way == "Ctrl-C" else "not today")
    assert shown["tasks"]["drop"] == {"succeeded": 1}
    assert not lives(pid)


def test_a_second_ctrl_c_ends_at_once_and_leaves_the_run_to_be_resumed(project: Project) -> None:
    project.pipeline("import os\n" + HELD)
    running = project.start("run", "flow.py:deafly")
    pid = int(project.heard())
    running.interrupt()
    running.wait_for("cancelling; Ctrl-C again leaves the run as it is")
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert "interrupted; to go on: toque resume" in ended.out
    assert not lives(pid)
    assert project.show()["state"] == "running"
    assert project.notes() == []
    # It was to be cancelled, and that is how it ends: nothing but the teardown runs.
    assert "cancelled" in project.toque("resume", code=None).out
    assert project.notes() == ["dropped cluster"]
    assert project.show()["state"] == "cancelled"


def test_what_waits_is_cancelled_without_a_worker_and_one_task_run_alone(project: Project) -> None:
    project.pipeline(
        """
        @task
        def first() -> int:
            tell("first")
            wait()
            return 1

        @task
        def later(i: int, x: int) -> int:
            note(i)
            return i

        @task
        def independent() -> int:
            return 2

        @pipeline
        def waits() -> None:
            later.map(each(range(3)), first())
            independent()
        """
    )
    running = project.start("run", "flow.py")
    assert project.heard() == "first"
    project.toque("cancel", "latest", "first", "--reason", "only this")
    assert running.end().code == 1
    shown = project.show()
    assert shown["tasks"]["independent"] == {"succeeded": 1}
    assert shown["tasks"]["first"] == {"cancelled": 1}
    assert project.notes() == []


def test_a_deferred_task_is_cancelled_and_its_external_job_is_stopped(project: Project) -> None:
    project.pipeline(
        """
        def stop(handle: dict) -> None:
            note(f"stopped {handle['job']}")

        @task(on_cancel=stop)
        def submit() -> None:
            tell("submitted")
            raise NotYet("1h", handle={"job": "j-17"})

        @pipeline
        def defers() -> None:
            submit()
        """
    )
    running = project.start("run", "flow.py")
    assert project.heard() == "submitted"
    running.wait_for("submit: not yet")
    assert project.show()["tasks"]["submit"] == {"deferred": 1}
    running.interrupt()
    assert running.end().code == 130
    assert project.notes() == ["stopped j-17"]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return True
