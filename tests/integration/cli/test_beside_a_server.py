"""Commands beside a running server speak to it, and say so; without one they work on the store as ever."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator

import pytest

from tests.integration.cli.conftest import Command, Project
from tests.integration.cli.test_run import FRAGILE, GATED, SUM


@pytest.fixture
def served(project: Project) -> Iterator[Command]:
    project.write("flow.py", SUM)
    project.write("fragile.py", FRAGILE)
    project.write("gated.py", GATED)
    project.toque("run", "flow.py", "-q")
    server = project.start("server", "--port", "0")
    server.until_error("open http")
    yield server
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
        assert server.end().code == 0


def test_a_trigger_by_name_goes_through_the_server(project: Project, served: Command) -> None:
    said = project.toque("trigger", "squares", "-p", "n=4", "--wait", "--json").json
    assert (said["state"], said["via"]) == ("succeeded", "server")
    refused = project.toque("trigger", "squares", "-p", "n=x")
    assert (refused.code, "n='x'" in refused.err) == (2, True)
    assert project.toque("trigger", "nope").code == 4


def test_a_file_is_read_by_the_command_itself(project: Project, served: Command) -> None:
    said = project.toque("trigger", "flow.py", "-p", "n=4", "--wait", "--json").json
    assert (said["state"], said["via"]) == ("succeeded", "store")


def test_a_key_means_the_same_run_through_the_server(project: Project, served: Command) -> None:
    first, second = (project.toque("trigger", "squares", "--key", "once", "--json").json for _ in range(2))
    assert first == second
    served.process.send_signal(signal.SIGTERM)
    assert served.end().code == 0
    later = project.toque("trigger", "squares", "--key", "once", "--json").json
    assert later == {"run_id": first["run_id"], "via": "store"}


def test_what_failed_is_repeated_by_the_server(project: Project, served: Command) -> None:
    failed = project.toque("trigger", "fragile.py", "--wait", "--json").json
    again = project.toque("retry", failed["run_id"], "--json")
    assert (again.code, again.json["via"], again.json["origin_run"]) == (1, "server", failed["run_id"])
    nothing = project.toque("retry", project.toque("runs", "--pipeline", "squares", "--json").json[0]["run_id"])
    assert (nothing.code, "nothing failed" in nothing.err) == (2, True)


def test_what_the_server_repeats_is_followed_in_the_terminal(project: Project, served: Command) -> None:
    failed = project.toque("trigger", "fragile.py", "--wait", "--json").json
    again = project.toque("retry", failed["run_id"])
    assert again.code == 1
    assert "the server runs it" in again.out
    assert "✗" in again.out  # the line of the task that failed, as `toque run` writes it
    assert " failed in " in again.out  # and the summary
    run_id = project.toque("trigger", "squares", "--wait", "--json").json["run_id"]
    quiet = project.toque("rerun", run_id, "--from", "total", "-q")
    assert (quiet.code, quiet.out) == (0, "")


def test_a_rerun_from_a_task_is_made_by_the_server(project: Project, served: Command) -> None:
    run_id = project.toque("trigger", "squares", "--wait", "--json").json["run_id"]
    tasks = project.toque("runs", run_id, "--json").json["tasks"]
    last = [task for task in tasks if not task.endswith("[]")][-1]
    again = project.toque("rerun", run_id, "--from", last, "--json")
    assert (again.code, again.json["state"], again.json["via"]) == (0, "succeeded", "server")
    assert project.toque("rerun", run_id, "--from", "nope").code == 4


def test_orders_are_given_to_the_server(project: Project, served: Command) -> None:
    project.gate("gate")
    run_id = project.toque("trigger", "gated.py", "--json").json["run_id"]
    said = project.toque("cancel", run_id, "--reason", "wrong", "--json").json
    assert said["via"] == "server"
    assert project.toque("trigger", "squares", "--wait").code == 0
    ended = project.toque("cancel", run_id)
    assert (ended.code, "has ended" in ended.err or ended.code == 0) in ((2, True), (0, True))


def test_a_rollback_is_seen_by_the_server(project: Project, served: Command) -> None:
    before = project.toque("versions", "squares", "--json").json
    assert len(before) >= 1
    said = project.toque("rollback", "squares", before[-1]["version"], "--json").json
    assert (said["via"], said["current"]) == ("server", before[-1]["version"])


def test_the_token_and_an_open_address_are_printed(project: Project, served: Command) -> None:
    token = project.toque("token").out.strip()
    url = project.toque("open", "--json").json["url"]
    assert url.startswith("http://127.0.0.1:")
    request = urllib.request.Request(
        f"{url.partition('/sign-in')[0]}/api/v1/session", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["server"]["role"] == "server"


def test_without_a_server_the_store_is_used_and_nothing_can_be_opened(project: Project) -> None:
    project.write("flow.py", SUM)
    project.toque("run", "flow.py", "-q")
    assert project.toque("trigger", "squares", "--json").json["via"] == "store"
    assert project.toque("open").code == 4


def test_a_server_that_was_killed_is_not_asked(project: Project, served: Command) -> None:
    served.kill()
    assert (project.root / ".toque" / "server.json").exists()
    assert project.toque("trigger", "squares", "--json").json["via"] == "store"


def test_another_process_with_the_number_of_the_server_is_not_asked(project: Project, served: Command) -> None:
    file = project.root / ".toque" / "server.json"
    told = json.loads(file.read_text())
    served.kill()
    file.write_text(json.dumps({**told, "pid": os.getpid()}))
    assert project.toque("trigger", "squares", "--json").json["via"] == "store"


def test_a_server_with_no_api_leaves_no_address(project: Project) -> None:
    project.write("flow.py", SUM)
    project.toque("run", "flow.py", "-q")
    server = project.start("server", "--no-api")
    server.until_error("ready")
    assert not (project.root / ".toque" / "server.json").exists()
    assert project.toque("trigger", "squares", "--wait", "--json").json["via"] == "store"
    server.process.send_signal(signal.SIGTERM)
    assert server.end().code == 0


TILL = """
from pathlib import Path
from toque import Partition, Static, asset, use

@asset(partitions=Static(["eu", "us"]))
def takings(place: Partition = use(Partition)) -> str:
    return place.key if place.key == "eu" else Path("till").read_text()
"""


def test_assets_are_made_and_what_failed_is_retried_by_the_server(project: Project, served: Command) -> None:
    project.write("till.py", TILL)
    said = project.toque("materialize", "takings", "--partitions", "all", "--json")
    assert (said.code, said.json["via"], said.json["state"]) == (1, "server", "failed")
    ended = {each["partition"]: each["outcome"] for each in said.json["slices"]}
    assert ended == {"eu": "succeeded", "us": "failed"}
    project.write("till", "open")
    assert project.toque("backfills", "retry", said.json["id"]).code == 0
    again = project.toque("materialize", "takings", "--missing", "--dry-run", "--json").json
    assert again["total"] in (0, 1)  # the server may be at it
    assert project.toque("materialize", "nobody").code == 2
