"""The stream of a real server: nothing is missed over a `kill -9` and a restart; logs are followed."""

from __future__ import annotations

import signal

from tests.integration.live.conftest import Served, State

GATED = """\
import os
from toque import each, pipeline, task

def wait_at(name):
    with open(os.path.join(os.environ["GATES"], name)) as gate:
        gate.read()

@task
def before() -> list[int]:
    return list(range(8))

@task
def part(n: int) -> int:
    if n == 3:
        wait_at("middle")
    return n

@task
def after(parts: list[int]) -> int:
    return sum(parts)

@pipeline
def gated():
    return after(part.map(each(before())))
"""

TALKER = """\
import os
from toque import pipeline, task

@task
def talk() -> int:
    print("before the gate")
    with open(os.path.join(os.environ["GATES"], "gate")) as gate:
        gate.read()
    print("behind the gate")
    return 1

@pipeline
def talker():
    return talk()
"""


def states(rows: State, kind: str) -> dict[tuple[str, ...], str]:
    return {key: row["state"] for key, row in rows.items() if key[0] == kind}


def test_who_listens_misses_nothing_when_the_server_is_killed_and_started_again(served: Served) -> None:
    """What the listener has in the end, by patches alone, is what the API answers; and after the restart it was told
    of what changed, not of everything."""
    served.project.write("gated.py", GATED)
    open_middle = served.project.gate("middle")
    served.project.toque("trigger", "gated.py")
    server = served.serve()
    [run] = served.get("/runs")["items"]
    run_id = run["run_id"]
    listener = served.listen(f"run:{run_id},tasks:{run_id}:part")
    rows = listener.until(lambda rows: states(rows, "task").get(("task", "part", "2")) == "succeeded")
    assert rows["task", "before", ""]["state"] == "succeeded"
    told_before = len(listener.patches)
    server.kill()
    listener.until_cut()
    again = served.serve()
    listener.server_is_back()
    open_middle()
    rows = listener.until(lambda rows: rows["run", run_id]["state"] == "succeeded")
    assert [hello["boot"] for hello in listener.hellos] == [1, 2]
    told = listener.patches[told_before:]
    assert "reset" not in {patch["kind"] for patch in told}
    retold = {row["task"] for patch in told if patch["kind"] == "tasks" for row in patch["data"]}
    assert "before" not in retold, "it had ended before the kill, and was known"
    answered = served.get(f"/runs/{run_id}/tasks?limit=100")["items"]
    known = {key[1:]: row for key, row in rows.items() if key[0] == "task"}
    assert known == {(row["task"], ".".join(map(str, row["index"]))): row for row in answered}
    counted = {row["task"]: row["counts"] for row in served.get(f"/runs/{run_id}")["nodes"]}
    assert {key[1]: row["counts"] for key, row in rows.items() if key[0] == "node"} == counted
    again.process.send_signal(signal.SIGTERM)
    assert again.end().code == 0


def test_a_log_is_followed_while_it_is_written(served: Served) -> None:
    served.project.write("talker.py", TALKER)
    open_gate = served.project.gate("gate")
    served.project.toque("trigger", "talker.py")
    server = served.serve()
    [run] = served.get("/runs")["items"]
    listener = served.listen(f"logs:{run['run_id']}:talk::1")

    def texts(rows: State) -> list[str]:
        return [row["text"] for key, row in rows.items() if key[0] == "log"]

    listener.until(lambda rows: texts(rows) == ["before the gate"])
    open_gate()
    listener.until(lambda rows: texts(rows) == ["before the gate", "behind the gate"])
    page = served.get(f"/runs/{run['run_id']}/logs?task=talk&attempt=1")
    assert [line["n"] for line in page["lines"]] == [int(key[1]) for key in listener.rows]
    server.process.send_signal(signal.SIGTERM)
    assert server.end().code == 0


def test_a_stream_does_not_hold_up_the_end_of_a_server(served: Served) -> None:
    served.project.write("talker.py", TALKER)
    server = served.serve()
    listener = served.listen("home")
    listener.until(lambda rows: bool(listener.patches))
    server.process.send_signal(signal.SIGTERM)
    assert server.end().code == 0
    listener.until_cut()


def test_runs_of_another_process_are_seen_at_home(served: Served) -> None:
    served.project.write("gated.py", GATED.replace('wait_at("middle")', "pass"))
    served.serve()
    listener = served.listen("home")
    listener.until(lambda rows: bool(listener.patches))
    assert served.project.toque("run", "gated.py", "-q").code == 0
    listener.until(lambda rows: [*states(rows, "run").values()] == ["succeeded"])
