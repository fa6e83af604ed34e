"""Events are sent beside the work: in order, bounded, and never as a failure of a task."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from toque.integrations.openlineage.emitting import Emitter, FileTransport, HttpTransport


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent; answers with the given codes first."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.requests: list[tuple[str, str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers.get("Authorization", ""), body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 201)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Silent."""


class Blocked:
    """A transport that takes the first event and then waits to be let go."""

    def __init__(self) -> None:
        self.began, self.let_go = threading.Event(), threading.Event()
        self.sent: list[Mapping[str, Any]] = []

    def send(self, event: Mapping[str, Any]) -> None:
        self.began.set()
        self.let_go.wait()
        self.sent.append(event)

    def close(self) -> None:
        """Nothing to close."""


def test_events_reach_a_collector_in_order_with_their_key() -> None:
    with Collector() as collector:
        with Emitter(HttpTransport(collector.url, api_key="k3y")) as emitter:
            assert all(emitter.emit({"n": n}) for n in range(5))
        assert [body["n"] for _, _, body in collector.requests] == list(range(5))
        assert {(path, key) for path, key, _ in collector.requests} == {("/api/v1/lineage", "Bearer k3y")}
        assert emitter.dropped == 0


def test_a_collector_that_stumbles_is_tried_again() -> None:
    with Collector(503, 500) as collector:
        emitter = Emitter(HttpTransport(collector.url), delay_s=0)
        emitter.emit({"n": 1})
        emitter.close()
        assert [body["n"] for _, _, body in collector.requests] == [1, 1, 1]
        assert emitter.dropped == 0


def test_a_collector_that_is_down_costs_events_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    with Collector() as collector:
        url = collector.url
    with caplog.at_level(logging.WARNING), Emitter(HttpTransport(url), delay_s=0) as emitter:
        assert emitter.emit({"n": 1})
        assert emitter.emit({"n": 2})
    assert emitter.dropped == 2
    assert len(caplog.records) == 1
    assert "further ones are only counted" in caplog.text


def test_a_full_queue_drops_and_never_waits() -> None:
    transport = Blocked()
    emitter = Emitter(transport, capacity=2)
    emitter.emit({"n": 0})
    transport.began.wait()  # the thread holds the first: the queue is empty
    assert [emitter.emit({"n": n}) for n in (1, 2, 3)] == [True, True, False]
    assert emitter.dropped == 1
    transport.let_go.set()
    emitter.close()
    assert [event["n"] for event in transport.sent] == [0, 1, 2]


def test_an_event_that_cannot_be_made_is_dropped_too() -> None:
    """It is made in the thread that sends: whoever emits it neither waits nor hears of it."""

    def broken() -> Mapping[str, Any]:
        raise RuntimeError("lineage is broken")

    made_in: list[str] = []

    def fine() -> Mapping[str, Any]:
        made_in.append(threading.current_thread().name)
        return {"n": 1}

    transport = Blocked()
    transport.let_go.set()
    with Emitter(transport) as emitter:
        assert emitter.emit(broken)
        assert emitter.emit(fine)
    assert (emitter.dropped, transport.sent, made_in) == (1, [{"n": 1}], ["openlineage"])


def test_events_are_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "lineage" / "events.jsonl"
    for n in (1, 2):
        with Emitter(FileTransport(file)) as emitter:
            emitter.emit({"n": n, "name": "é"})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"n": 1, "name": "é"},
        {"n": 2, "name": "é"},
    ]
