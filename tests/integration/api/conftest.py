"""A real server with a project of one of everything; each test module has its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.api import zoo
from tests.integration.cli.conftest import Command, Project
from toque.client.session import Client
from toque.client.transport import Transport
from toque.settings.tokens import find_server, known_token

STATES = ("queued", "running", "suspended")


@dataclass
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_problem(self) -> bool:
        return self.headers.get("content-type") == "application/problem+json" and self.json["status"] == self.status


@dataclass
class Server:
    """A running `toque server`."""

    project: Project
    command: Command
    url: str
    token: str
    gates: Path
    _connections: list[Transport] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def client(self) -> Client:
        transport = Transport(self.url, self.token, actor="tester")
        self._connections.append(transport)
        return Client(transport)

    def send(
        self, method: str, path: str, body: Any = None, *, token: bool = True, headers: dict[str, str] | None = None
    ) -> Answer:
        """A raw request: what no client of ours would send."""
        whole = {"Authorization": f"Bearer {self.token}"} if token else {}
        if body is not None:
            whole["Content-Type"] = "application/json"
        whole |= headers or {}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            connection.putrequest(method, path, skip_host="Host" in whole)
            for name, value in whole.items():
                connection.putheader(name, value)
            if data is not None and "Content-Length" not in whole:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def gate(self) -> Callable[[], None]:
        """The gate that `waits` stands before; calling the result lets one pass, once one stands there."""
        path = self.gates / "gate"
        if not path.exists():
            os.mkfifo(path)

        def open_it() -> None:
            path.write_text("go")

        return open_it

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self.command.process.send_signal(signal.SIGTERM)
        self.command.process.wait(30)
        self.project.dispose()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("api") / "project"
    root.mkdir()
    project = Project(root)
    project.write("toque.toml", zoo.SETTINGS)
    project.write("zoo.py", zoo.PIPELINES)
    project.write("broken.py", zoo.BROKEN)
    found = started(project)
    yield found
    found.close()


def started(project: Project, *options: str) -> Server:
    """`toque server` on a free port, once it answers and has looked at the project."""
    command = project.start("server", "--port", "0", *options)
    command.until_error("open http")
    where = find_server(project.root / ".toque")
    assert where is not None
    server = Server(project, command, where.url, known_token(project.root / ".toque"), project.root.parent)
    client = server.client()
    while not client.broken_files() and (project.root / "broken.py").exists():
        pass  # the first look at the files is under way; each turn is a request
    return server


@pytest.fixture
def client(server: Server) -> Client:
    return server.client()


@pytest.fixture(scope="module")
def ended(server: Server) -> dict[str, str]:
    """Runs that have ended, by pipeline."""
    client = server.client()
    found = {name: client.runs.start(name).run_id for name in ("squares", "fragile", "unfolds", "values", "web")}
    for run_id in found.values():
        client.runs.wait(run_id, timeout_s=60)
    return found
