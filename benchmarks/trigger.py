"""From the request that starts a run to the first line of user code, and what the server costs its clients."""

from __future__ import annotations

import statistics
import time

from benchmarks.measurement import Measurement
from benchmarks.project import Project, project
from toque.client import Client, Refused, running_server

ROUNDS = 200
WARM = 20
SPACING_S = 0.01
"""Between two triggers: an idle server is asked, not a queue."""
PATIENCE_S = 60.0
READS = 200


def measure() -> list[Measurement]:
    """One server, one pipeline with a parameter (which a worker checks), one request after the other."""
    with project("stamped") as place, place.start("server", "--port", "0"):
        client = _connected(place)
        milliseconds = [_trigger_ms(client, number) for number in range(WARM + ROUNDS)][WARM:]
        reads = sorted(_read_ms(client) for _ in range(READS))
    ordered = sorted(milliseconds)
    return [
        Measurement(
            "trigger by API to first line of user code, median",
            statistics.median(ordered),
            "ms",
            at_most=10,
            note=f"p95 {ordered[int(0.95 * len(ordered))]:.1f} ms, parameters checked by a warm worker",
        ),
        Measurement("a page of 50 runs by API, p95", reads[int(0.95 * len(reads))], "ms", at_most=100),
    ]


def _connected(place: Project) -> Client:
    due_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < due_s:
        transport = running_server(place.path / ".toque")
        if transport is not None:
            client = Client(transport)
            try:
                client.pipelines.get("stamped")
            except Refused:
                time.sleep(0.1)  # the first look at the files is under way
                continue
            return client
        time.sleep(0.1)
    raise TimeoutError("the server did not come up")


def _trigger_ms(client: Client, number: int) -> float:
    begin_us = time.time_ns() // 1000
    run = client.runs.start("stamped", {"n": number})
    client.runs.wait(run.run_id)
    stamped_us = int(client.runs.tasks.value(run.run_id, "stamp").text or 0)
    time.sleep(SPACING_S)
    return (stamped_us - begin_us) / 1000


def _read_ms(client: Client) -> float:
    begin = time.perf_counter()
    client.transport.get("runs", query={"limit": 50})
    return (time.perf_counter() - begin) * 1000
