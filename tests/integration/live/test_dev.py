"""`toque dev`: a save is the code of the next run; a broken file is shown and heals; Ctrl-C ends cleanly."""

from __future__ import annotations

import signal
from typing import Any

from tests.integration.live.conftest import Listener, Served

DOUBLE = """\
import os
from toque import pipeline, task

@task
def double(n: int) -> int:
    return n * 2

@pipeline
def doubles(n: int = 21):
    return double(n)
"""
GATED = """\
import os
from toque import pipeline, task
from helper import NAME

@task
def wait() -> str:
    with open(os.path.join(os.environ["GATES"], "gate")) as gate:
        gate.read()
    from helper import NAME
    return NAME

@pipeline
def waiting():
    return wait()
"""


def ended(listener: Listener, run_id: str) -> dict[str, Any]:
    """The row of the run when it is over."""
    over = {"succeeded", "failed", "cancelled"}
    return listener.until(lambda rows: rows.get(("run", run_id), {}).get("state") in over)["run", run_id]


def output(served: Served, run_id: str, task: str) -> str:
    text: str = served.get(f"/runs/{run_id}/task?task={task}")["output"]["text"]
    return text


def test_a_save_is_the_code_of_the_next_run(served: Served) -> None:
    served.project.write("doubles.py", DOUBLE)
    server = served.develop()
    listener = served.listen("home")
    first = served.start("doubles")
    ended(listener, first)
    served.project.write("doubles.py", DOUBLE.replace("n * 2", "n * 20"))
    server.until("doubles: task double changed")
    second = served.start("doubles")
    ended(listener, second)
    assert [output(served, run_id, "double") for run_id in (first, second)] == ["42", "420"]


def test_new_pipelines_and_tasks_are_told_in_words(served: Served) -> None:
    served.project.write("doubles.py", DOUBLE)
    server = served.develop()
    again = DOUBLE.replace("return double(n)", 'return double.options(name="again")(double(n))')
    served.project.write("doubles.py", again)
    server.until("doubles: ")
    assert "1 new task" in server.seen[-1]
    served.project.write("second.py", DOUBLE.replace("doubles", "second"))
    server.until("second: new pipeline, 1 task")
    (served.project.root / "second.py").unlink()
    server.until("second: no longer defined; its history stays")
    assert [each["name"] for each in served.get("/pipelines")["items"]] == ["doubles"]


def test_a_file_in_a_directory_that_was_just_made_is_seen(served: Served) -> None:
    served.project.write("doubles.py", DOUBLE)
    server = served.develop()
    served.project.write("deep/er/second.py", DOUBLE.replace("doubles", "second"))
    server.until("second: new pipeline")


def test_a_broken_file_is_shown_with_its_line_and_heals_and_hides_no_other(served: Served) -> None:
    served.project.write("doubles.py", DOUBLE)
    served.project.write("second.py", DOUBLE.replace("doubles", "second"))
    server = served.develop()
    listener = served.listen("home")
    served.project.write("second.py", DOUBLE.replace("doubles", "second") + "\nx = (\n")
    server.until("✗ second.py:12")
    [broken] = served.get("/files")["items"]
    assert (broken["file"], broken["problems"][0]["line"]) == ("second.py", 12)
    listener.until(lambda rows: any(key[0] == "attention" for key in rows))
    shown = {each["name"]: each["broken"] for each in served.get("/pipelines")["items"]}
    assert shown == {"doubles": False, "second": True}
    assert ended(listener, served.start("second"))["state"] == "succeeded", "its last good version still runs"
    served.project.write("second.py", DOUBLE.replace("doubles", "second"))
    server.until("✓ second.py: fine again")
    assert served.get("/files")["items"] == []


def test_a_run_that_has_started_keeps_its_code(served: Served) -> None:
    served.project.write("helper.py", 'NAME = "old"\n')
    served.project.write("waiting.py", GATED)
    open_gate = served.project.gate("gate")
    server = served.develop()
    listener = served.listen("home")
    run_id = served.start("waiting")
    listener.until(lambda rows: rows.get(("run", run_id), {}).get("state") == "running")
    served.project.write("helper.py", 'NAME = "new"\n')
    server.until("helper.py: changed")
    open_gate()
    ended(listener, run_id)
    assert "old" in output(served, run_id, "wait")


def test_ctrl_c_ends_it(served: Served) -> None:
    served.project.write("doubles.py", DOUBLE)
    server = served.develop()
    assert "sign-in?key=" in "".join(server.seen)
    server.interrupt()
    left = server.end()
    assert left.code == 0, left
    assert "Traceback" not in left.err


def test_a_server_goes_over_to_new_code_when_it_is_asked_to(served: Served) -> None:
    """`toque server` takes what the files say at its start, and at SIGHUP: a half-copied deployment starts nothing."""
    served.project.write("doubles.py", DOUBLE)
    server = served.serve()
    listener = served.listen("home")
    listener.until(lambda rows: bool(listener.patches))
    served.project.write("doubles.py", "def broken(:\nimport toque\n")
    server.process.send_signal(signal.SIGHUP)
    server.until_error("doubles.py:1 cannot be loaded")
    listener.until(lambda rows: any(key[0] == "attention" for key in rows))
    assert ended(listener, served.start("doubles", n=1))["state"] == "succeeded"
