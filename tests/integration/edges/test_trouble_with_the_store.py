"""A disk that is full, a database that is read-only or locked, a second server, a run beside a server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.edges.project import Project

FAT = """
import os

@task
def begin() -> None:
    tell("begun")
    wait()

@task
def fat(i: int) -> bytes:
    return os.urandom(6_000)

@task
def total(all: list[bytes]) -> int:
    return sum(map(len, all))

@pipeline
def fills() -> int:
    return total(fat.after(begin()).map(each(range(300))))
"""


class SmallDisk:
    """Room for the project's state that can be taken and given back: a file system of its own where this process may
    mount one, and otherwise a limit on the size of each of its files (`ulimit -f`), which SQLite meets as the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "toque-test", str(folder)]
        self.is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0

    def fill(self) -> None:
        with open(self.folder / "ballast", "wb") as file:
            free = os.statvfs(self.folder)
            file.write(bytes(free.f_bavail * free.f_frsize - 1_500_000))

    def make_room(self) -> None:
        (self.folder / "ballast").unlink()

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def small_disk(project: Project) -> Iterator[SmallDisk]:
    disk = SmallDisk(project.root / ".toque")
    yield disk
    disk.close()


def test_a_run_waits_while_the_disk_is_full_and_goes_on_when_there_is_room(
    project: Project, small_disk: SmallDisk
) -> None:
    project.pipeline(FAT)
    if not small_disk.is_mounted:
        _assert_that_a_full_database_is_resumed(project)
        return
    running = project.start("run", "flow.py")
    assert project.heard() == "begun"
    small_disk.fill()
    project.let_go()
    running.wait_for("the disk is full. Free some space")
    running.wait_for("nothing is lost, trying again")
    assert project.show()["state"] == "running"
    small_disk.make_room()
    ended = running.end()
    assert ended.code == 0, ended.out
    assert project.show()["tasks"]["fat"] == {"succeeded": 300}
    assert not [each for each in project.show("latest", "fat[299]")["attempts"] if each["attempt"] != 1]


def _assert_that_a_full_database_is_resumed(project: Project) -> None:
    """Without a file system of its own: the process may write no large file; the next one may."""
    limited = ["sh", "-c", 'ulimit -f 1500; exec "$@"', "sh"]
    running = project.start("run", "flow.py", through=limited)
    assert project.heard() == "begun"
    project.let_go()
    running.wait_for("nothing is lost, trying again")
    running.kill()
    assert project.toque("resume", "-q").code == 0
    assert project.show()["tasks"]["fat"] == {"succeeded": 300}


def test_a_value_that_finds_no_room_fails_its_task_and_a_retry_of_the_run_goes_on(
    project: Project, small_disk: SmallDisk
) -> None:
    megabytes = 60 if small_disk.is_mounted else 3
    project.pipeline(
        f"""
        import os

        @task
        def large() -> bytes:
            note("large")
            return os.urandom({megabytes}_000_000) if not os.path.exists("small") else b"1"

        @task
        def before() -> int:
            note("before")
            return 1

        @pipeline
        def values() -> None:
            large.after(before())()
        """
    )
    through = [] if small_disk.is_mounted else ["sh", "-c", 'ulimit -f 4000; exec "$@"', "sh"]
    ended = project.start("run", "flow.py", through=through).end()
    assert ended.code == 1
    assert "no space left to store the value" in ended.out or "File too large" in ended.out
    (project.root / "small").touch()
    assert "succeeded" in project.toque("retry").out
    assert project.notes() == ["before", "large", "large"]


ONE = """
@task
def one() -> int:
    return 1

@task
def held() -> int:
    tell("held")
    wait()
    return 2

@pipeline
def short() -> int:
    return one()

@pipeline
def long() -> int:
    return held()
"""


def test_a_database_that_cannot_be_written_ends_the_command_with_its_path_and_a_fix(project: Project) -> None:
    project.pipeline(ONE)
    project.run("flow.py:short")
    database = project.root / ".toque" / "toque.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with read_only(database):
        ended = project.toque("run", "flow.py:short", code=5)
        assert "toque.db" in ended.out
        assert "read-only" in ended.out
        assert "Traceback" not in ended.out
    assert project.run("flow.py:short")["result"] == 1


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    """The database may be read and not written. Modes are nothing to root, who mounts the file as read-only."""
    bind = [["mount", "--bind", database, database], ["mount", "-o", "remount,ro,bind", database]]
    bound = os.geteuid() == 0 and all(
        subprocess.run(each, check=False, capture_output=True).returncode == 0 for each in bind
    )
    if not bound:
        database.chmod(0o444)
    try:
        yield
    finally:
        if bound:
            subprocess.run(["umount", "--lazy", database], check=True)
        else:
            database.chmod(0o644)


def test_a_run_waits_for_a_database_that_another_program_has_locked(project: Project) -> None:
    project.pipeline(ONE)
    running = project.start("run", "flow.py:long")
    assert project.heard() == "held"
    lock = sqlite3.connect(project.root / ".toque" / "toque.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    project.let_go()
    running.wait_for("nothing is lost, trying again")
    assert "locked" in running.seen
    lock.execute("ROLLBACK")
    lock.close()
    assert running.end().code == 0


def test_a_second_server_ends_with_3_and_names_the_first(project: Project) -> None:
    project.pipeline(ONE)
    first = project.start("server")
    first.wait_for("ready")
    second = project.toque("server", code=3)
    assert f"pid {first.pid}" in second.out
    first.interrupt()
    assert first.end().code == 0
    assert project.toque("server", "--until-idle").code == 0


def test_a_run_beside_a_server_is_its_own_and_the_servers_runs_go_on(project: Project) -> None:
    project.pipeline(ONE)
    server = project.start("server")
    server.wait_for("ready")
    queued = project.toque("trigger", "flow.py:long", "--json").json["run_id"]
    assert project.heard() == "held"
    assert project.run("flow.py:short")["result"] == 1
    assert project.show(queued)["state"] == "running"
    project.let_go()
    followed = project.toque("logs", "-f", queued)
    assert followed.code == 0
    assert project.show(queued)["state"] == "succeeded"
    assert [each["attempt"] for each in project.show(queued, "held")["attempts"]] == [1]
    server.interrupt()
    assert server.end().code == 0


def test_a_server_adopts_the_run_of_a_killed_command_and_says_so(project: Project) -> None:
    project.pipeline(ONE)
    killed = project.start("run", "flow.py:long")
    assert project.heard() == "held"
    killed.kill()
    server = project.start("server", "--until-idle")
    server.wait_for("1 run(s) go on")
    assert project.heard() == "held"
    project.let_go()
    assert server.end().code == 0
    assert project.show()["state"] == "succeeded"
    assert [each["outcome"] for each in project.show("latest", "held")["attempts"]] == ["lost", "succeeded"]


def test_a_server_that_is_told_to_stop_hands_over_what_runs(project: Project) -> None:
    project.pipeline(ONE)
    server = project.start("server")
    server.wait_for("ready")
    project.toque("trigger", "flow.py:long")
    assert project.heard() == "held"
    server.process.terminate()
    assert server.end().code == 0
    assert project.show()["state"] == "running"
    resumed = project.start("resume")
    assert project.heard() == "held"
    project.let_go()
    assert "succeeded" in resumed.end().out
