"""Commands about runs that are there: retry, rerun, mark, debug, logs, prune, doctor, connections."""

from __future__ import annotations

from tests.integration.edges.project import Project

CHAIN = """
import os

@task
def extract(n: int) -> int:
    note(f"extract {n}")
    return n

@task
def transform(n: int) -> int:
    note(f"transform {n}")
    if not os.path.exists("repaired"):
        raise ValueError("not repaired")
    return n * 2

@task
def load(n: int) -> int:
    note(f"load {n}")
    return n + 1

@task
def aside() -> None:
    note("aside")

@pipeline
def chain(n: int = 5) -> int:
    aside()
    return load(transform(extract(n)))
"""


def test_a_failed_run_is_retried_from_its_failure_and_rerun_from_any_task_with_its_inputs(project: Project) -> None:
    project.pipeline(CHAIN)
    failed = project.run("flow.py", "-p", "n=7", code=1)
    (project.root / "notes").unlink()
    (project.root / "repaired").touch()

    retried = project.toque("retry", "--json").json
    assert (retried["state"], retried["result"]) == ("succeeded", 15)
    assert project.notes() == ["transform 7", "load 14"]
    assert project.show()["origin_run"] == failed["run_id"]
    assert "nothing failed" in project.toque("retry", code=2).out

    (project.root / "notes").unlink()
    again = project.toque("rerun", failed["run_id"], "--from", "aside", "--json").json
    assert sorted(project.notes()) == ["aside", "load 14", "transform 7"]
    assert again["result"] == 15
    (project.root / "notes").unlink()
    assert project.toque("rerun", "--from", "load", "--json").json["result"] == 15
    assert project.notes() == ["load 14"]
    assert "chain has no task 'lod'" in project.toque("rerun", "--from", "lod", code=None).out


def test_debug_makes_one_attempt_again_with_recorded_inputs_and_stops_in_the_debugger(project: Project) -> None:
    project.pipeline(CHAIN)
    project.run("flow.py", "-p", "n=7", code=1)
    before = project.toque("runs", "latest", "--json").json
    assert "ValueError: not repaired" in project.toque("debug", "transform", code=None).out
    debugger = project.start("debug", "transform", "--pdb", typed="p n * 1000\nq\n").end()
    assert "7000" in debugger.out
    assert 'raise ValueError("not repaired")' in debugger.out
    (project.root / "repaired").touch()
    assert "succeeded: 14" in project.toque("debug", "transform").out
    assert project.toque("runs", "latest", "--json").json == before


def test_an_outcome_is_declared_and_what_depends_on_it_goes_on(project: Project) -> None:
    project.pipeline(
        """
        @task
        def stuck() -> None:
            tell("stuck")
            wait()

        @task
        def behind() -> str:
            return "went on"

        @pipeline
        def marks() -> str:
            return behind.after(stuck())()
        """
    )
    running = project.start("run", "flow.py", "--json")
    assert project.heard() == "stuck"
    project.toque("mark", "latest", "stuck", "succeeded", "--reason", "seen by eye")
    ended = running.end()
    assert (ended.code, ended.json["result"]) == (0, "went on")
    assert project.show("latest", "stuck")["state"] == "succeeded"


def test_history_is_pruned_with_its_logs_and_values_and_the_project_is_healthy(project: Project) -> None:
    project.settings(
        """
        [connections.files]
        type = "file"
        path = "data"
        [connections.away]
        type = "http"
        url = "http://127.0.0.1:1"
        """
    )
    (project.root / "data").mkdir()
    project.pipeline(
        """
        import os

        @task
        def large() -> bytes:
            print("made")
            metric("bytes", 100_000)
            return os.urandom(100_000)

        @pipeline
        def makes() -> None:
            large()
        """
    )
    runs = [project.run()["run_id"] for _ in range(3)]
    state = project.root / ".toque"
    assert {path.name for path in (state / "logs").iterdir()} == set(runs)
    project.toque("prune", "--older-than", "0s", "--keep-last", "1")
    assert [each["run_id"] for each in project.toque("runs", "--json").json] == runs[-1:]
    assert [path.name for path in (state / "logs").iterdir()] == runs[-1:]
    blobs = [str(path) for path in (state / "blobs").rglob("*") if path.is_file()]
    assert [path for path in blobs if runs[-1] in path] == blobs != []

    assert "toque.db" in project.toque("doctor").out
    tested = project.toque("connections", "test", code=1).out
    assert "data exists" in tested
    assert "refused" in tested


def test_logs_are_chosen_by_task_attempt_and_level(project: Project) -> None:
    project.pipeline(
        """
        import logging

        @task(retries=Retry(1, delay=0))
        def says(i: int) -> None:
            print("printed", i, context().attempt)
            logging.getLogger("lib").warning("warned %d", i)
            if context().attempt == 1:
                raise ValueError("once")

        @pipeline
        def talks() -> None:
            says.map(each(range(2)))
        """
    )
    project.run()
    prints = [line["msg"] for line in project.logs("latest", "says[1]") if line["stream"] == "stdout"]
    assert prints == ["printed 1 1", "printed 1 2"]
    assert {line["attempt"] for line in project.logs("latest", "says", "--attempt", "2")} == {2}
    assert {line["level"] for line in project.logs("--level", "warning")} == {"warning", "error"}
    assert len(project.logs("-n", "3")) == 3
