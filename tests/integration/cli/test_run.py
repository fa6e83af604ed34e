"""`toque run`, `resume`, `retry`, `rerun`, `debug`: exit codes, output, Ctrl-C and `kill -9`."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Project

SUM = """\
from toque import each, pipeline, task

@task
def numbers(n: int) -> list[int]:
    print("counting to", n)
    return list(range(n))

@task
def square(x: int) -> int:
    return x * x

@task
def total(xs: list[int]) -> int:
    return sum(xs)

@pipeline
def squares(n: int = 4):
    return total(square.map(x=each(numbers(n))))
"""

FRAGILE = """\
from pathlib import Path
from toque import pipeline, task

@task
def first() -> int:
    with open("first.txt", "a") as file:
        file.write("x")
    return 20

@task
def second(x: int) -> int:
    if not Path("healed").exists():
        raise ValueError("not yet healed")
    return x + 1

@pipeline
def fragile():
    return second(first())
"""

GATED = """\
import os
from pathlib import Path
from toque import pipeline, task

@task
def before() -> int:
    with open("before.txt", "a") as file:
        file.write("x")
    return 1

@task
def waits(x: int) -> int:
    Path(os.environ["GATES"], "gate").read_text()
    return x + 1

@task
def after(x: int) -> str:
    return f"got {x}"

@pipeline
def gated():
    return after(waits(before()))
"""


def test_a_run_that_succeeds_exits_with_0_and_tells_what_happened(project: Project) -> None:
    project.write("flow.py", SUM)
    ended = project.toque("run", "flow.py", "-p", "n=5")
    assert ended.code == 0, ended
    assert "✓ numbers" in ended.out
    assert "✓ square  5 of 5" in ended.out
    assert "squares succeeded in" in ended.out


def test_a_run_as_json_is_one_document(project: Project) -> None:
    project.write("flow.py", SUM)
    data = project.toque("run", "flow.py:squares", "--json").json
    assert (data["state"], data["result"], data["tasks"]["square[3]"]) == ("succeeded", 14, "succeeded")
    assert data["took_us"] > 0
    assert project.toque("runs", data["run_id"], "--json").json["state"] == "succeeded"


def test_a_quiet_run_says_nothing_but_what_failed(project: Project) -> None:
    project.write("flow.py", SUM)
    project.write("fragile.py", FRAGILE)
    ended = project.toque("run", "flow.py", "-q")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    ended = project.toque("run", "fragile.py", "-q")
    assert (ended.code, ended.out) == (1, "")
    assert "not yet healed" in ended.err


def test_the_inline_executor_runs_the_same(project: Project) -> None:
    project.write("flow.py", SUM)
    assert project.toque("run", "flow.py", "--executor", "inline", "--json").json["result"] == 14


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "nothing.py"), 4, "no file"),
        (("run", "flow.py:nothing"), 4, "no pipeline 'nothing'"),
        (("run", "flow.py", "-p", "n=x"), 2, "n='x'"),
        (("run", "broken.py"), 2, "broken.py:2  1 / 0"),
        (("run", "flow.py", "--profile", "prod"), 2, "no profile is named 'prod'"),
        (("run",), 2, "Missing argument"),
    ],
)
def test_what_is_wrong_before_the_run_is_a_usage_error(
    project: Project, arguments: tuple[str, ...], code: int, said: str
) -> None:
    project.write("flow.py", SUM)
    project.write("broken.py", "import toque\n1 / 0\n")
    ended = project.toque(*arguments)
    assert (ended.code, said in ended.err) == (code, True), ended


def test_a_failed_run_is_retried_from_the_failure(project: Project) -> None:
    project.write("flow.py", FRAGILE)
    failed = project.toque("run", "flow.py")
    assert failed.code == 1, failed
    assert "✗ second: ValueError: not yet healed" in failed.out
    assert "flow.py:13" in failed.out
    assert project.toque("retry", "-q").code == 1
    project.write("healed", "")
    again = project.toque("retry", "--json").json
    assert (again["state"], again["result"]) == ("succeeded", 21)
    assert (project.root / "first.txt").read_text() == "x"
    refused = project.toque("retry")
    assert (refused.code, "nothing failed" in refused.err) == (2, True)


def test_a_rerun_repeats_from_a_task_on_with_old_or_new_code(project: Project) -> None:
    project.write("flow.py", SUM)
    assert project.toque("run", "flow.py", "-q").code == 0
    project.write("flow.py", SUM.replace("return sum(xs)", "return -sum(xs)"))
    assert project.toque("rerun", "--from", "total", "--json").json["result"] == 14
    assert project.toque("run", "flow.py", "--json").json["result"] == -14
    project.write("flow.py", SUM.replace("return sum(xs)", "return 0"))
    project.toque("run", "flow.py", "-q")
    first = project.toque("runs", "--json").json[-1]["run_id"]
    assert project.toque("rerun", first, "--from", "total", "--new-code", "--json").json["result"] == 0
    assert project.toque("rerun", first, "--from", "totla").code == 4


def test_an_edit_in_the_middle_of_a_run_changes_nothing_in_it(project: Project) -> None:
    pass_the_gate = project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    command.until("✓ before")
    project.write("flow.py", GATED.replace('f"got {x}"', '"something else"'))
    pass_the_gate()
    ended = command.end()
    assert ended.code == 0
    assert "got 2" in ended.out


def test_ctrl_c_cancels_the_run(project: Project) -> None:
    project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    command.until("✓ before")
    command.interrupt()
    ended = command.end()
    assert ended.code == 130, ended
    assert "gated cancelled" in ended.out
    assert "interrupted at the terminal" in ended.out
    assert project.toque("runs", "latest", "--json").json["state"] == "cancelled"
    assert "the last run was cancelled; this goes on with it: toque retry " in project.toque("resume").out


def test_a_killed_run_goes_on_where_it_was(project: Project) -> None:
    pass_the_gate = project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    command.kill()
    assert project.toque("runs", run_id, "--json").json["state"] == "running"

    resumed = project.start("resume", run_id)
    pass_the_gate()
    ended = resumed.end()
    assert ended.code == 0, ended
    assert "got 2" in ended.out
    assert "✓ before" not in ended.out
    # The summary knows what happened before the crash.
    assert "before" in ended.out
    assert (project.root / "before.txt").read_text() == "x"


def test_a_run_that_somebody_owns_cannot_be_resumed(project: Project) -> None:
    project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    refused = project.toque("resume", run_id)
    assert (refused.code, "not interrupted" in refused.err) == (2, True)


def test_an_order_from_another_terminal_reaches_the_run(project: Project) -> None:
    project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    ordered = project.toque("cancel", run_id, "--reason", "enough", "--json").json
    assert ordered["owned"] is True
    ended = command.end()
    assert (ended.code, "enough" in ended.out) == (1, True), ended


def test_a_task_run_can_be_marked_from_another_terminal(project: Project) -> None:
    project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    assert project.toque("mark", run_id, "waits", "skipped", "--reason", "holiday").code == 0
    ended = command.end()
    assert ended.code == 0, ended
    data = project.toque("runs", run_id, "--json").json
    assert data["tasks"]["waits"] == {"skipped": 1}


def test_one_attempt_is_made_again_with_its_recorded_inputs(project: Project) -> None:
    project.write("flow.py", FRAGILE)
    project.toque("run", "flow.py", "-q")
    project.write("healed", "")
    ended = project.toque("debug", "second")
    assert ended.code == 0, ended
    assert "21" in ended.out + ended.err
    assert project.toque("runs", "latest", "--json").json["state"] == "failed"
    assert project.toque("debug", "thrid").code == 4


def test_the_debugger_stops_where_an_exception_is_raised(project: Project) -> None:
    project.write("flow.py", FRAGILE)
    project.toque("run", "flow.py", "-q")
    ended = project.toque("debug", "second", "--pdb", said="p x\nq\n")
    assert "not yet healed" in ended.out + ended.err
    assert "(Pdb)" in ended.out
    assert "20" in ended.out
