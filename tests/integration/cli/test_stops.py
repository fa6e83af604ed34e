"""How processes end: kindly, by a defect of our own, beside each other."""

from __future__ import annotations

import os
import signal
import sys

from tests.integration.cli.conftest import Project

TWO_GATES = """\
import os
from pathlib import Path
from toque import pipeline, task

def said(text: str) -> None:
    with open("said.txt", "a") as file:
        file.write(text + "\\n")

def stand_at(gate: str) -> None:
    Path(os.environ["GATES"], gate).read_text()

@task
def slow() -> int:
    said("slow")
    stand_at("first")
    stand_at("second")
    return 1

@task
def after(x: int) -> int:
    said("after")
    return x + 1

@pipeline
def stopped():
    return after(slow())
"""

SHARED = """\
import fcntl
from toque import each, pipeline, task

@task(pool="scarce")
def use(n: int) -> int:
    with open("lock", "a") as file:
        # Whoever finds it taken has proved that the pool was exceeded.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return sum(range(10_000)) + n

@pipeline
def shared():
    use.map(each(range(12)))
"""

BROKEN = """\
import sys
import toque.runtime.deciding as deciding
from toque.cli import main
from toque.engine.inputs import AttemptSucceeded
from toque.errors import ToqueBug

decide = deciding.decide

def broken(machine, message, now_us):
    if isinstance(message, AttemptSucceeded):
        raise ToqueBug("planted")
    return decide(machine, message, now_us)

deciding.decide = broken
sys.argv[0] = "toque"
sys.exit(main())
"""


def test_a_server_that_is_told_to_stop_records_what_ends_meanwhile_and_hands_the_rest_over(project: Project) -> None:
    pass_first, pass_second = project.gate("first"), project.gate("second")
    project.write("flow.py", TWO_GATES)
    server = project.start("server")
    server.until_error("ready")
    run_id = project.toque("trigger", "flow.py", "--json").json["run_id"]
    pass_first()
    server.process.send_signal(signal.SIGTERM)
    server.until_error("stopping")
    pass_second()
    assert server.end().code == 0
    assert (project.root / "said.txt").read_text() == "slow\n"
    assert project.toque("server", "--until-idle").code == 0
    assert project.toque("runs", run_id, "--json").json["state"] == "succeeded"
    assert (project.root / "said.txt").read_text() == "slow\nafter\n"


def test_processes_share_a_pool_and_take_turns(project: Project) -> None:
    """Each is refused slots that the other holds, and notices when they are free."""
    with (project.root / "toque.toml").open("a") as file:
        file.write("[pools]\nscarce = 1\n")
    project.write("flow.py", SHARED)
    commands = [project.start("run", "flow.py", "-q") for _ in range(2)]
    assert [command.end().code for command in commands] == [0, 0]


def test_who_is_killed_holds_no_slot_that_another_one_waits_for(project: Project) -> None:
    pass_first, pass_second = project.gate("first"), project.gate("second")
    leave_first = project.gate("between")
    with (project.root / "toque.toml").open("a") as file:
        file.write("[pools]\nscarce = 1\n")
    flow = TWO_GATES.replace("@task\ndef slow", '@task(pool="scarce")\ndef slow')
    project.write("flow.py", flow.replace('    stand_at("second")', '    stand_at("between")\n    stand_at("second")'))
    killed = project.start("run", "flow.py", "-q")
    pass_first()
    leave_first()  # it can take no word any more that the other one waits for
    waiting = project.start("run", "flow.py", "-q")
    killed.kill()
    pass_first()
    leave_first()
    pass_second()
    assert waiting.end().code == 0
    assert [each["state"] for each in project.toque("runs", "--json").json] == ["succeeded", "running"]


def test_a_defect_of_our_own_ends_the_process_and_the_run_goes_on_without_it(project: Project) -> None:
    pass_first, pass_second = project.gate("first"), project.gate("second")
    project.write("flow.py", TWO_GATES)
    project.write("broken.txt", BROKEN)
    project.toque("trigger", "flow.py")
    for arguments in (("server",), ("resume",)):
        command = project.start(*arguments, program=(sys.executable, os.fspath(project.root / "broken.txt")))
        pass_first()
        pass_second()
        ended = command.end()
        assert ended.code == 70, ended
        assert "this is a defect of Toque, please report it: ToqueBug: planted" in ended.err
    command = project.start("resume", "-q")
    pass_first()
    pass_second()
    assert command.end().code == 0
    assert project.toque("runs", "latest", "--json").json["state"] == "succeeded"
