"""What 50 open streams cost a server that makes 500 facts a second, and how soon the end of a task is seen."""

from __future__ import annotations

import json
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from benchmarks.measurement import Measurement
from benchmarks.processes import cpu_s
from benchmarks.project import Project, project, wait_for
from toque.client import Client, Refused, running_server
from toque.settings.tokens import known_token

STREAMS = 50
WATCH_S = 10.0
COUNT = 6_000


class Streams:
    """Open streams, read by one thread; what they carry is counted, and the times of ends compared with the clock."""

    def __init__(self, url: str, token: str, topics: str, count: int) -> None:
        where = urlsplit(url)
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        self.events = 0
        self.bytes = 0
        self.late_ms: list[float] = []
        for number in range(count):
            link = socket.create_connection((where.hostname or "127.0.0.1", where.port or 80))
            request = f"GET /api/v1/stream?topics={quote(topics)} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            link.sendall(f"{request}Authorization: Bearer {token}\r\n\r\n".encode())
            link.setblocking(False)
            self._selector.register(link, selectors.EVENT_READ, number)
            self._sockets.append(link)

    def read(self, seconds: float) -> None:
        """Take what comes for so long."""
        due_s = time.monotonic() + seconds
        first = bytearray()
        while (left_s := due_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(left_s):
                data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
                self.bytes += len(data)
                self.events += data.count(b"event: patch")
                if key.data == 0:
                    now_us = time.time_ns() // 1000
                    first += data
                    *lines, rest = first.split(b"\n")
                    first = bytearray(rest)
                    for line in lines:
                        self._take(bytes(line), now_us)

    def close(self) -> None:
        """Hang up."""
        for link in self._sockets:
            link.close()

    def _take(self, line: bytes, now_us: int) -> None:
        if not line.startswith(b"data: "):
            return
        data = json.loads(line[6:])
        for patch in data if isinstance(data, list) else [data]:
            if patch.get("kind") == "tasks":
                ends = [row["finished_us"] for row in patch["data"] if row["finished_us"]]
                self.late_ms += [(now_us - end_us) / 1000 for end_us in ends]


def measure() -> list[Measurement]:
    """One run of a steady rate: alone, then watched by 50, then alone again."""
    with project("streamed") as place:
        with (place.path / "toque.toml").open("a") as settings:
            settings.write("[pools]\nbeat = 20\n")
        with place.start("server", "--port", "0") as server:
            return _measured(place, server.pid)


def _measured(place: Project, pid: int) -> list[Measurement]:
    client = _connected(place.path)
    run_id = client.runs.start("streamed", {"count": COUNT}).run_id
    wait_for("its first task runs", lambda: _facts(client, run_id) > 500)
    alone = _used(pid, lambda: time.sleep(WATCH_S))
    before = _facts(client, run_id)
    with _streams(client.transport.url, known_token(place.path / ".toque"), run_id) as streams:
        watched = _used(pid, lambda: streams.read(WATCH_S))
        rate = (_facts(client, run_id) - before) / WATCH_S
    again = _used(pid, lambda: time.sleep(WATCH_S))
    late = sorted(streams.late_ms)
    per_stream = streams.events / STREAMS / WATCH_S
    return [
        Measurement(
            f"{STREAMS} streams at {rate:.0f} facts/s: processor of the server",
            watched - statistics.mean([alone, again]),
            "% of a core",
            at_most=20,
            note=f"{watched:.0f} % with, {alone:.0f} % and {again:.0f} % without; {per_stream:.1f} events/s each",
        ),
        Measurement(
            "a task's end is in the stream, p95",
            late[int(0.95 * len(late))],
            "ms",
            at_most=300,
            note=f"median {statistics.median(late):.0f} ms under that load",
        ),
    ]


@contextmanager
def _streams(url: str, token: str, run_id: str) -> Iterator[Streams]:
    streams = Streams(url, token, f"home,run:{run_id},tasks:{run_id}:beat", STREAMS)
    try:
        streams.read(1.0)  # the whole state, once
        streams.events, streams.bytes = 0, 0
        streams.late_ms.clear()
        yield streams
    finally:
        streams.close()


def _used(pid: int, meanwhile: Callable[[], None]) -> float:
    """Percent of a core."""
    before_s, began_s = cpu_s(pid), time.monotonic()
    meanwhile()
    return (cpu_s(pid) - before_s) / (time.monotonic() - began_s) * 100


def _facts(client: Client, run_id: str) -> int:
    return client.runs.get(run_id).fact_seq


def _connected(path: Path) -> Client:
    found: list[Client] = []

    def answers() -> bool:
        transport = running_server(path / ".toque")
        if transport is None:
            return False
        try:
            Client(transport).pipelines.get("streamed")
        except Refused:
            return False  # the first look at the files is under way
        found.append(Client(transport))
        return True

    wait_for("the server", answers)
    return found[0]
