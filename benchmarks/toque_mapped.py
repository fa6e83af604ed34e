"""A mapped task of 100,000: its time, the memory of the process that serves it, the size of what is stored."""

from __future__ import annotations

from benchmarks.measurement import Measurement
from benchmarks.processes import PeakMemory, pss_mb
from benchmarks.project import project, wait_for

TASKS = 100_000


def measure() -> list[Measurement]:
    """One run; the memory is that of the process of `toque run` (workers apart), above what it was at the begin."""
    with project("mapped") as place, place.start("run", "mapped.py", "-p", f"count={TASKS}") as process:
        begin, end = place.path / "begin.json", place.path / "end.json"
        wait_for("the first task", lambda: begin.exists() or process.poll() is not None)
        before_mb = pss_mb(process.pid)
        with PeakMemory(process.pid) as memory:
            code = process.wait(600)
        if code != 0 or not end.exists():
            raise RuntimeError(f"the run ended with {code}: {(place.path / 'started.log').read_text()[-1000:]}")
        elapsed_s = (place.read("end.json") - place.read("begin.json")) / 1e9
        stored_bytes = place.stored_bytes()
    rate = f"{TASKS / elapsed_s:,.0f} tasks/s"
    return [
        Measurement("mapped task of 100,000: time", elapsed_s, "s", at_most=40, note=rate),
        Measurement("mapped task of 100,000: growth of the server", memory.peak_mb - before_mb, "MB", at_most=150),
        Measurement("mapped task of 100,000: stored per task run", stored_bytes / TASKS, "bytes", at_most=1024),
    ]
