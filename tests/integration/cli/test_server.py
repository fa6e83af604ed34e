"""`toque server` and `trigger`: queued runs, adoption, one server at a time; `logs -f`; versions."""

from __future__ import annotations

import signal

from tests.integration.cli.conftest import Project
from tests.integration.cli.test_run import FRAGILE, GATED, SUM


def test_a_triggered_run_waits_for_a_server(project: Project) -> None:
    project.write("flow.py", SUM)
    run_id = project.toque("trigger", "flow.py", "-p", "n=3", "--json").json["run_id"]
    assert project.toque("runs", run_id, "--json").json["state"] == "queued"
    assert project.toque("server", "--until-idle").code == 0
    data = project.toque("runs", run_id, "--json").json
    assert (data["state"], data["parameters"]) == ("succeeded", {"n": 3})


def test_a_trigger_without_a_server_says_that_it_waits_for_one(project: Project) -> None:
    project.write("flow.py", SUM)
    assert "none runs here: toque server" in project.toque("trigger", "flow.py").out


def test_a_trigger_can_wait_and_passes_the_outcome_on(project: Project) -> None:
    project.write("flow.py", SUM)
    project.write("fragile.py", FRAGILE)
    server = project.start("server")
    server.until_error("ready")
    assert project.toque("trigger", "flow.py", "--wait", "--json").code == 0
    failed = project.toque("trigger", "fragile.py", "--wait", "--json")
    assert failed.code == 1
    server.process.send_signal(signal.SIGTERM)
    assert server.end().code == 0


def test_a_pipeline_is_triggered_by_name_once_it_is_known(project: Project) -> None:
    project.write("flow.py", SUM)
    unknown = project.toque("trigger", "squares")
    assert unknown.code == 4
    project.toque("run", "flow.py", "-q")
    project.toque("trigger", "squares", "-p", "n=2")
    refused = project.toque("trigger", "squares", "-p", "n=x")
    assert (refused.code, "n='x'" in refused.err) == (2, True)
    project.toque("server", "--until-idle")
    assert project.toque("runs", "--json").json[0]["state"] == "succeeded"


def test_a_trigger_with_a_key_starts_one_run(project: Project) -> None:
    project.write("flow.py", SUM)
    first = project.toque("trigger", "flow.py", "--key", "2026-03-01", "--json").json
    second = project.toque("trigger", "flow.py", "--key", "2026-03-01", "--json").json
    assert first == second
    assert len(project.toque("runs", "--json").json) == 1


def test_a_second_server_is_refused_and_told_who_holds_the_store(project: Project) -> None:
    first = project.start("server")
    first.until_error("ready")
    second = project.toque("server")
    assert second.code == 3, second
    assert f"pid {first.process.pid}" in second.err


def test_a_run_beside_a_server_belongs_to_itself(project: Project) -> None:
    project.write("flow.py", SUM)
    server = project.start("server")
    server.until_error("ready")
    assert project.toque("run", "flow.py", "--json").json["state"] == "succeeded"


def test_a_server_adopts_what_was_interrupted(project: Project) -> None:
    pass_the_gate = project.gate("gate")
    project.write("flow.py", GATED)
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    command.kill()
    server = project.start("server", "--until-idle")
    server.until_error("1 run(s) go on")
    pass_the_gate()
    assert server.end().code == 0
    assert project.toque("runs", run_id, "--json").json["state"] == "succeeded"
    assert (project.root / "before.txt").read_text() == "x"


def test_logs_are_followed_while_the_run_goes_on(project: Project) -> None:
    pass_the_gate = project.gate("gate")
    text = GATED.replace("    Path(os.environ", '    print("standing at the gate")\n    Path(os.environ')
    project.write("flow.py", text.replace('return f"got {x}"', 'print("through the gate")\n    return "end"'))
    command = project.start("run", "flow.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ before")
    logs = project.start("logs", run_id, "-f")
    assert "waits  standing at the gate" in logs.until("standing")
    pass_the_gate()
    logs.until("after  through the gate")
    assert logs.end().code == 0
    assert command.end().code == 0


def test_a_rollback_decides_what_a_trigger_runs(project: Project) -> None:
    project.write("flow.py", SUM)
    project.toque("run", "flow.py", "-q")
    project.write("flow.py", SUM.replace("return sum(xs)", "return -sum(xs)"))
    project.toque("run", "flow.py", "-q")
    versions = [row["version"] for row in project.toque("versions", "squares", "--json").json]
    assert len(versions) == 2
    diff = project.toque("diff", versions[1], versions[0])
    assert "-    return sum(xs)" in diff.out
    assert "+    return -sum(xs)" in diff.out
    assert project.toque("rollback", "squares").code == 0
    project.toque("trigger", "squares")
    project.toque("server", "--until-idle")
    assert project.toque("runs", "latest", "--json").json["version"] == versions[1]


def test_the_schema_is_upgraded_before_the_first_run(project: Project) -> None:
    assert project.toque("db", "upgrade", "--json").json["before"] == ""
    again = project.toque("db", "upgrade", "--json").json
    assert again["before"] == again["after"]
    project.write("flow.py", SUM)
    assert project.toque("run", "flow.py", "-q").code == 0
