"""`connections`: declared, opened, reached."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.cli.conftest import Toque


class Handler(BaseHTTPRequestHandler):
    """Wants a header; is broken below /broken."""

    def do_HEAD(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200 if self.headers.get("X-Key") == "open" else 403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def declare(project: Path, text: str) -> None:
    (project / "toque.toml").write_text(text)


def test_connections_are_listed_with_where_their_secrets_are(
    toque: Toque, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    declare(project, '[connections.shop]\ntype = "http"\nslots = 4\nkey = { secret = "env:KEY" }\n')
    text = toque("connections", "list").out
    assert "shop  http  4      key=Secret(env:KEY)" in text
    assert "hunter2" not in text + toque("connections", "list", "--json").out


def test_without_connections_it_says_how_to_declare_one(toque: Toque) -> None:
    assert "[connections.NAME]" in toque("connections", "list").out


def test_reachable_connections_are_ok(toque: Toque, project: Path, web: str) -> None:
    sqlite3.connect(project / "a.db").close()
    declare(
        project,
        f'[connections.web]\ntype = "http"\nurl = "{web}/"\nheaders = {{ X-Key = "open" }}\n'
        '[connections.lite]\ntype = "sqlite"\npath = "a.db"\n'
        '[connections.duck]\ntype = "duckdb"\npath = "new.duckdb"\n',
    )
    answer = toque("connections", "test", "--json")
    outcomes = {each["name"]: each["outcome"] for each in answer.json}
    assert outcomes == {"web": "ok", "lite": "ok", "duck": "ok"}
    assert answer.code == 0
    assert not (project / "new.duckdb").exists()


def test_a_connection_that_leads_nowhere_fails(toque: Toque, project: Path, web: str) -> None:
    declare(
        project,
        f'[connections.web]\ntype = "http"\nurl = "{web}/broken"\n'
        '[connections.lite]\ntype = "sqlite"\npath = "missing.db"\n'
        '[connections.odd]\ntype = "file"\n',
    )
    answer = toque("connections", "test", "--json")
    assert answer.code == 1
    assert {each["outcome"] for each in answer.json} == {"failed"}
    assert toque("connections", "test", "odd").code == 1


def test_a_secret_that_is_missing_fails_and_one_that_is_quoted_is_masked(
    toque: Toque, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDRESS", "gopher://hunter2")
    declare(
        project,
        '[connections.a]\ntype = "http"\nurl = { secret = "env:NOT_SET_ANYWHERE" }\n'
        '[connections.b]\ntype = "http"\nurl = { secret = "env:ADDRESS" }\n',
    )
    first, second = toque("connections", "test", "--json").json
    assert "NOT_SET_ANYWHERE" in first["message"]
    assert "hunter2" not in second["message"]
    assert "***" in second["message"]


def test_a_type_that_nobody_can_test_is_unknown(toque: Toque, project: Path) -> None:
    declare(project, '[connections.x]\ntype = "mainframe"\n')
    answer = toque("connections", "test", "--json")
    assert (answer.code, answer.json[0]["outcome"]) == (0, "unknown")


def test_a_connection_that_is_not_declared_is_not_found(toque: Toque) -> None:
    assert toque("connections", "test", "nothing").code == 4
