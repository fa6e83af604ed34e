"""The client's requests and answers, against a server that says what it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from toque.client.transport import Refused, ServerGone, Transport
from toque.errors import UserError


class Scripted(HTTPServer):
    """Answers one prepared answer after the other, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, Any] | None] = []
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        answer = self.server.answers.pop(0)
        if answer is None:  # the connection breaks
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, data = answer
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - named by the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def serving() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Scripted]:
    with serving() as found:
        yield found


@pytest.fixture
def transport(server: Scripted) -> Iterator[Transport]:
    with Transport(server.url, "secret", actor="ada", timeout_s=10) as found:
        yield found


def test_who_asks_is_said_with_each_request(server: Scripted, transport: Transport) -> None:
    server.answers = [(200, {"x": 1})]
    assert transport.get("session") == {"x": 1}
    method, path, headers, _ = server.asked[0]
    assert (method, path) == ("GET", "/api/v1/session")
    assert (headers["Authorization"], headers["X-Toque-Actor"]) == ("Bearer secret", "ada")


def test_parts_of_a_path_are_quoted(server: Scripted, transport: Transport) -> None:
    server.answers = [(200, {})]
    transport.get("schedules", "daily/at seven?", "ticks")
    assert server.asked[0][1] == "/api/v1/schedules/daily%2Fat%20seven%3F/ticks"


def test_what_is_empty_is_left_out_of_a_query(server: Scripted, transport: Transport) -> None:
    server.answers = [(200, {})]
    query = {"state": ["failed", "cancelled"], "search": "", "none": None, "tail": True, "limit": 5, "empty": []}
    transport.get("runs", query=query)
    assert server.asked[0][1] == "/api/v1/runs?state=failed&state=cancelled&tail=true&limit=5"


def test_each_write_has_a_key_of_its_own_unless_one_is_given(server: Scripted, transport: Transport) -> None:
    server.answers = [(201, {})] * 3
    transport.post("a", body={"n": 1})
    transport.post("a", body={"n": 1})
    transport.post("a", body={"n": 1}, key="mine")
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.asked]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"
    assert server.asked[0][3] == {"n": 1}


def test_a_connection_that_breaks_is_tried_once_more_with_the_same_key(server: Scripted, transport: Transport) -> None:
    server.answers = [None, (201, {"done": True})]
    assert transport.post("a") == {"done": True}
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.asked}) == 1


def test_a_connection_that_breaks_again_is_given_up(server: Scripted, transport: Transport) -> None:
    server.answers = [None, None]
    with pytest.raises(ServerGone) as gone:
        transport.post("a")
    assert gone.value.was_sent


def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ServerGone, match="no server answers") as gone:
        Transport(f"http://127.0.0.1:{port}", "t").get("runs")
    assert not gone.value.was_sent


def test_a_refusal_carries_the_words_of_the_server(server: Scripted, transport: Transport) -> None:
    problem = {"title": "Invalid", "detail": "n is no number", "fix": "3", "errors": [{"field": "n", "message": "x"}]}
    server.answers = [(422, problem)]
    with pytest.raises(Refused) as refused:
        transport.get("runs")
    assert (refused.value.status, refused.value.message, refused.value.fix) == (422, "n is no number", "3")
    assert refused.value.errors == [{"field": "n", "message": "x"}]


def test_a_refusal_of_somebody_else_is_told_by_its_number(server: Scripted, transport: Transport) -> None:
    server.answers = [(502, b"<html>bad gateway")]
    with pytest.raises(Refused, match="answered 502"):
        transport.get("runs")


def test_an_answer_without_content_is_none(server: Scripted, transport: Transport) -> None:
    server.answers = [(200, b""), (200, b"a log")]
    transport.delete("session")
    assert transport.text("runs", "1", "logs", "download") == "a log"


@pytest.mark.parametrize("url", ["127.0.0.1:8787", "ftp://x", "http://", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="no address"):
        Transport(url, "t")
