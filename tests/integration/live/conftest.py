"""A real server, and somebody who listens to its stream over a real socket, and comes back when it is cut."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.cli.conftest import PATIENCE_S, Command, Project
from tests.integration.cli.conftest import project as project

State = dict[tuple[str, ...], dict[str, Any]]


class Listener:
    """Applies patches to what it knows, as a page does; `until` blocks for a state, never for a time."""

    def __init__(self, port: int, token: str, topics: str) -> None:
        self._port = port
        self._token = token
        self._topics = topics
        self.cursor = ""
        self.hellos: list[dict[str, Any]] = []
        self.patches: list[dict[str, Any]] = []
        self.rows: State = {}
        self._changed = threading.Condition()
        self._up = threading.Event()
        self._up.set()
        self._over = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def server_is_back(self) -> None:
        """Connect again."""
        self._up.set()

    def until(self, holds: Callable[[State], bool]) -> State:
        """What is known once `holds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self.rows), PATIENCE_S):
                raise AssertionError(f"it never held: {json.dumps(list(self.rows.values()), indent=1)}")
            return dict(self.rows)

    def until_cut(self) -> None:
        """The server is gone."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._up.is_set(), PATIENCE_S)

    def close(self) -> None:
        """Listen no more."""
        self._over = True
        self._up.set()

    def _listen(self) -> None:
        while not self._over:
            self._up.wait()
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            try:
                headers = {"Authorization": f"Bearer {self._token}", "Last-Event-ID": self.cursor}
                connection.request("GET", f"/api/v1/stream?topics={quote(self._topics)}", headers=headers)
                self._read(connection.getresponse())
            except OSError:
                pass
            finally:
                connection.close()
            with self._changed:
                self._up.clear()
                self._changed.notify_all()

    def _read(self, response: http.client.HTTPResponse) -> None:
        event: dict[str, str] = {}
        while line := response.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                event[name] = value
            elif event:
                with self._changed:
                    self._take(event)
                    self._changed.notify_all()
                event = {}

    def _take(self, event: dict[str, str]) -> None:
        if "data" not in event:
            return
        data = json.loads(event["data"])
        if event["event"] == "hello":
            self.hellos.append(data)
            return
        for patch in data if isinstance(data, list) else [data]:
            self.patches.append(patch)
            for row in patch["data"]:
                self.rows[_key(row.pop("row", patch["kind"].removesuffix("s")), row)] = row
        self.cursor = event["id"]


def _key(kind: str, row: dict[str, Any]) -> tuple[str, ...]:
    match kind:
        case "run":
            return ("run", row["run_id"])
        case "node":
            return ("node", row["task"])
        case "task":
            return ("task", row["task"], ".".join(map(str, row["index"])))
        case "log":
            return ("log", str(row["n"]))
        case _:
            return (kind, json.dumps(row))


class Served:
    """A project with a server at a known port."""

    def __init__(self, project: Project) -> None:
        self.project = project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._listeners: list[Listener] = []

    def serve(self) -> Command:
        """Start a server; it answers when this returns."""
        server = self.project.start("server", "--port", str(self.port))
        server.until_error("listening on")
        return server

    def develop(self) -> Command:
        """Start `toque dev`; it has looked at the project when this returns."""
        server = self.project.start("dev", "--port", str(self.port))
        server.until(" pipeline")
        return server

    def listen(self, topics: str) -> Listener:
        """Listen to its stream."""
        listener = Listener(self.port, self.token, topics)
        self._listeners.append(listener)
        return listener

    @property
    def token(self) -> str:
        """Of the project."""
        return (self.project.root / ".toque" / "token").read_text().strip()

    def get(self, path: str) -> Any:
        """An answer of the API."""
        return self._ask("GET", path)

    def start(self, pipeline: str, **parameters: Any) -> str:
        """Start a run; its id."""
        run_id: str = self._ask("POST", f"/pipelines/{pipeline}/runs", {"parameters": parameters})["run_id"]
        return run_id

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read()
            assert response.status < 300, text
            return json.loads(text)
        finally:
            connection.close()

    def close(self) -> None:
        """Listen no more."""
        for listener in self._listeners:
            listener.close()


@pytest.fixture
def served(project: Project) -> Iterator[Served]:
    made = Served(project)
    yield made
    made.close()
