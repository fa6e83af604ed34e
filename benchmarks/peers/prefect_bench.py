"""Prefect: its own server on SQLite, a flow with the default (thread pool) task runner.

The chain calls each task with the result of the one before, the fan-out is `.map`. Tasks run in the flow's process
and record their states at the server; a killed flow is not resumed. Telemetry is off, the UI is not served, and
the flow logs warnings only (sending info lines to the server would slow it down).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

with socket.create_server(("127.0.0.1", 0)) as free:
    PORT = free.getsockname()[1]

# Before the import: Prefect reads its settings there.
os.environ.update(
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_SERVER_UI_ENABLED="false",
    PREFECT_API_URL=f"http://127.0.0.1:{PORT}/api",
    PREFECT_HOME=os.path.join(os.getcwd(), "prefect"),
    PREFECT_LOGGING_LEVEL="WARNING",
)

import prefect

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


@prefect.task
def link(_before: int) -> int:
    """One task of the chain."""
    return time.time_ns()


@prefect.task
def same(x: int) -> int:
    """One task of the fan-out."""
    return x


@prefect.flow
def run_chain(length: int) -> list[int]:
    """Direct calls: the quickest form for tasks that follow each other."""
    stamps = [link(0)]
    for _ in range(length - 1):
        stamps.append(link(stamps[-1]))
    return stamps


@prefect.flow
def run_fanout(count: int) -> list[int]:
    """All at once."""
    results: list[int] = same.map(range(count)).result()
    return results


def chain(length: int) -> Sequence[int]:
    """A new flow run for each chain."""
    stamps: list[int] = run_chain(length)
    return stamps


def fanout(xs: Iterable[int]) -> Sequence[int]:
    """A new flow run for each fan-out."""
    results: list[int] = run_fanout(len(list(xs)))
    return results


@contextmanager
def server() -> Iterator[None]:
    """`prefect server start` on the chosen port, until the block ends."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PORT)]
    with open("server.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_healthy(process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_healthy(process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the Prefect server did not start; see server.log")


if __name__ == "__main__":
    with server():
        figures = measure(sizes_from_arguments(), prefect.__version__, chain, fanout)
    report(figures)
