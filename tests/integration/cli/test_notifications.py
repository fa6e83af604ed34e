"""Messages and stops of external jobs, with real processes: sent by `toque run` itself, and by whoever comes after a
`kill -9`."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.integration.cli.conftest import PATIENCE_S, Project
from toque.notify.webhook import signature

FRAGILE = """
import os

from toque import DataError, pipeline, task


@task
def load(n: int) -> None:
    print("loading with", os.environ["SHOP_TOKEN"])
    if n == 7:
        raise DataError("a bad row", sample=[{"id": 7, "by": os.environ["SHOP_TOKEN"]}])
    if n:
        raise ValueError(f"no table {n} for {os.environ['SHOP_TOKEN']}")


@pipeline(owner="data-team")
def sales(n: int = 0) -> None:
    load(n)
"""

WAITS = """
from toque import NotYet, pipeline, task


def stop_job(handle):
    with open("stopped", "a") as file:
        file.write(handle["job"])


@task(on_cancel=stop_job)
def job() -> None:
    raise NotYet("1h", handle={"job": "j-17"})


@pipeline
def waits() -> None:
    job()
"""

DIES_WITH_THE_STOP = """
import os, signal, sys
from toque.store.sql import commit

written = commit._write_messages

def write(session, batch):
    written(session, batch)
    if any(row.kind == "stop" for row in batch.outbox):
        armed.append(True)

armed = []
commit._write_messages = write

from toque.store.sqlite import store as sqlite

committed = sqlite.SqliteStore.commit

async def dying(self, batch):
    await committed(self, batch)
    if armed:
        os.kill(os.getpid(), signal.SIGKILL)

sqlite.SqliteStore.commit = dying

from toque.cli import main
sys.exit(main())
"""


AGES = """
from datetime import UTC, datetime

from toque import Fresh, external, observe, pipeline, task

visits = external("gate.visits", owner="front desk", freshness=Fresh("1d"))


@task
def look(year: int) -> None:
    observe(visits, version=str(year), updated_at=datetime(year, 1, 1, tzinfo=UTC))


@pipeline
def looking(year: int = 2020) -> None:
    look(year)
"""

DIES_WHEN_IT_HAS_SAID_SO = """
import os, signal, sys
from toque.store.sql import assets

say = assets.SqlAssets.say

async def dying(self, said, outbox=()):
    await say(self, said, outbox)
    os.kill(os.getpid(), signal.SIGKILL)

assets.SqlAssets.say = dying

from toque.cli import main
sys.exit(main())
"""


class Hook:
    """A webhook on this machine."""

    def __init__(self) -> None:
        got: list[tuple[dict[str, str], bytes]] = []
        self.got = got
        self.status = 200
        self._arrived = threading.Condition()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with hook._arrived:
                    got.append(({name.lower(): text for name, text in self.headers.items()}, body))
                    hook._arrived.notify_all()
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def until(self, count: int) -> list[dict[str, Any]]:
        """What was said, once there is so much."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, PATIENCE_S)
        return self.said

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook(project: Project) -> Iterator[Hook]:
    made = Hook()
    project.write(
        "toque.toml",
        f"""workers = 1
ui_url = "https://toque.example.com"
[secrets]
shop = "env:SHOP_TOKEN"
[connections.ops]
type = "webhook"
url = "{made.url}"
secret = {{ secret = "env:HOOK_SECRET" }}
[[notifications]]
to = "webhook:ops"
""",
    )
    project.environ |= {"SHOP_TOKEN": "tok-93714", "HOOK_SECRET": "sign-me"}
    yield made
    made.close()


def test_a_run_tells_of_its_failure_before_it_exits_and_of_the_recovery_after(project: Project, hook: Hook) -> None:
    project.write("flow.py", FRAGILE)
    assert project.toque("run", "flow.py", "-q").code == 0
    assert hook.got == []
    failed = project.toque("run", "flow.py", "-p", "n=4", "--json")
    assert failed.code == 1
    [message] = hook.said
    assert (message["kind"], message["task"], message["owner"]) == ("failure", "load", "data-team")
    assert message["link"] == f"https://toque.example.com/runs/{failed.json['run_id']}"
    assert message["error"] == "no table 4 for ***"
    assert message["log"] == ["loading with ***"]
    (frame,) = message["frames"]
    assert frame.startswith("flow.py:")
    assert "in load: raise ValueError(" in frame
    assert message["replay"] == f"toque rerun {failed.json['run_id']} --from load --new-code"
    headers, body = hook.got[0]
    assert headers["toque-signature"] == signature("sign-me", headers["toque-timestamp"], body)
    assert project.toque("run", "flow.py", "-q").code == 0
    assert [each["kind"] for each in hook.said] == ["failure", "recovery"]


def test_wrong_rows_are_told_with_the_failure(project: Project, hook: Hook) -> None:
    project.write("flow.py", FRAGILE)
    assert project.toque("run", "flow.py", "-p", "n=7", "-q").code == 1
    assert hook.said[0]["sample"] == ['{"id":7,"by":"***"}']


def test_what_a_run_could_not_send_the_next_server_sends(project: Project, hook: Hook) -> None:
    project.write("flow.py", FRAGILE)
    hook.status = 503
    assert project.toque("run", "flow.py", "-p", "n=4", "-q").code == 1
    assert len(hook.got) == 1
    hook.status = 200
    with sqlite3.connect(project.root / ".toque" / "toque.db") as store:
        [(left,)] = store.execute("SELECT count(*) FROM outbox").fetchall()
        store.execute("UPDATE outbox SET due_us = 0")  # a few seconds have passed
    store.close()
    assert left == 1
    assert project.toque("server", "--until-idle").code == 0
    assert hook.said[0]["dedup"] == hook.said[1]["dedup"]


def test_a_stop_that_was_recorded_is_carried_out_after_a_kill(project: Project) -> None:
    project.write("flow.py", WAITS)
    project.write("dies.py", DIES_WITH_THE_STOP)
    run_id = project.toque("trigger", "flow.py", "--json").json["run_id"]
    server = project.start("server", program=(sys.executable, "dies.py"))
    server.until_error("ready")
    while project.toque("runs", run_id, "--json").json["tasks"] != {"job": {"deferred": 1}}:
        assert server.process.poll() is None
    project.toque("cancel", run_id)
    assert server.end().code == -9
    assert not (project.root / "stopped").exists()
    assert project.toque("server", "--until-idle").code == 0
    assert (project.root / "stopped").read_text() == "j-17"


def test_data_that_is_overdue_is_told_once_over_a_kill_and_once_when_it_is_fresh_again(
    project: Project, hook: Hook
) -> None:
    """The server dies when it has written what it says, and has sent nothing."""
    project.write("flow.py", AGES)
    project.write("dies.py", DIES_WHEN_IT_HAS_SAID_SO)
    assert project.toque("run", "flow.py", "-q").code == 0
    assert project.start("server", program=(sys.executable, "dies.py")).end().code == -9
    assert hook.got == []
    server = project.start("server")
    [overdue] = hook.until(1)
    assert (overdue["kind"], overdue["title"], overdue["owner"]) == ("late", "gate.visits is overdue", "front desk")
    assert overdue["link"] == "https://toque.example.com/assets/gate.visits"
    project.toque("trigger", "looking", "-p", "year=2999")
    assert [each["kind"] for each in hook.until(2)] == ["late", "recovery"]
    server.kill()


def test_a_connection_can_be_tried(project: Project, hook: Hook) -> None:
    tried = project.toque("notify", "test", "ops")
    assert (tried.code, tried.out) == (0, "sent a test message to ops\n")
    assert hook.said[0]["kind"] == "test"
    hook.status = 404
    refused = project.toque("notify", "test", "ops")
    assert refused.code == 1
    assert "answered 404" in refused.out
    unknown = project.toque("notify", "test", "oops")
    assert unknown.code == 4
