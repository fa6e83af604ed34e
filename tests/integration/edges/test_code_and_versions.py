"""Code that changes: a run keeps its own, versions say what changed, a rollback goes back."""

from __future__ import annotations

from tests.integration.edges.project import Project

FLOW = """
@task
def first() -> int:
    tell("first")
    wait()
    return 1

@task
def second(x: int) -> str:
    import late  # not imported before the edit
    return f"{VERSION} {late.VERSION} {x}"

@pipeline
def edited() -> str:
    return second(first())
"""


def test_an_edit_in_the_middle_of_a_run_changes_the_next_run_only(project: Project) -> None:
    project.pipeline('VERSION = "old"\n' + FLOW)
    project.write("late.py", 'VERSION = "old"\n')
    running = project.start("run", "flow.py", "--json")
    assert project.heard() == "first"
    project.pipeline('VERSION = "new"\n' + FLOW)
    project.write("late.py", 'VERSION = "new"\n')
    project.let_go(2)
    assert running.end().json["result"] == "old old 1"
    assert project.run()["result"] == "new new 1"

    new, old = [each["version"] for each in project.toque("versions", "edited", "--json").json]
    changed = project.toque("diff", old, new).out
    assert '-VERSION = "old"' in changed
    assert '+VERSION = "new"' in changed


def test_a_killed_run_goes_on_with_its_own_code(project: Project) -> None:
    project.pipeline('VERSION = "old"\n' + FLOW)
    project.write("late.py", 'VERSION = "old"\n')
    running = project.start("run", "flow.py")
    assert project.heard() == "first"
    running.kill()
    project.pipeline("raise SystemExit(1)\n")
    project.write("late.py", 'VERSION = "new"\n')
    resumed = project.start("resume", "--json")
    assert project.heard() == "first"
    project.let_go()
    assert resumed.end().json["result"] == "old old 1"


ADDS = """
@task
def add(n: int) -> int:
    return n + {amount}

@task
def double(n: int) -> int:
    return n * 2

@pipeline
def adds(n: int = 1) -> int:
    return {body}
"""


def test_versions_are_compared_and_rolled_back(project: Project) -> None:
    project.pipeline(ADDS.format(amount=1, body="add(n)"))
    assert project.run()["result"] == 2
    project.pipeline(ADDS.format(amount=10, body="double(add(n))"))
    assert project.run()["result"] == 22
    new, old = project.toque("versions", "adds", "--json").json
    assert (new["current"], old["current"]) == (True, False)
    graph = project.toque("diff", old["version"], "--no-code").out
    assert "double" in graph
    project.toque("rollback", "adds")
    queued = project.toque("trigger", "adds", "-p", "n=5", "--json").json["run_id"]
    project.toque("server", "--until-idle")
    assert project.show(queued)["version"] == old["version"]
    assert project.show(queued)["state"] == "succeeded"
    assert "double" not in project.show(queued)["tasks"]
