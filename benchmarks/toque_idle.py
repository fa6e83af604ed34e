"""What an idle server takes: memory of the server and of an empty worker, processor time."""

from __future__ import annotations

import time

from benchmarks.measurement import Measurement
from benchmarks.processes import cpu_s, family, pss_mb
from benchmarks.project import project, wait_for

SETTLE_S = 5.0
WATCH_S = 20.0


def measure() -> list[Measurement]:
    """A headless server that has run one run, left alone."""
    with project("mapped") as place, place.start("server") as server:
        place.toque("trigger", "mapped.py", "-p", "count=100")
        wait_for("the end of its first run", (place.path / "end.json").exists)
        time.sleep(SETTLE_S)
        members = [server.pid, *(member.pid for member in family(server.pid)[1:])]
        before_s = {pid: cpu_s(pid) for pid in members}
        time.sleep(WATCH_S)
        used = {pid: (cpu_s(pid) - before_s[pid]) / WATCH_S * 100 for pid in members}
        memory = {pid: pss_mb(pid) for pid in members}
    others = members[1:]
    return [
        Measurement("idle server: memory (PSS)", memory[server.pid], "MB", at_most=150),
        Measurement("idle server: processor", used[server.pid], "%", at_most=1),
        Measurement(
            "idle worker: memory (PSS)",
            max(memory[pid] for pid in others),
            "MB",
            at_most=40,
            note=f"{len(others)} processes beside the server",
        ),
        Measurement("idle: all processes, memory (PSS)", sum(memory.values()), "MB"),
        Measurement("idle: all processes, processor", sum(used.values()), "%"),
    ]
