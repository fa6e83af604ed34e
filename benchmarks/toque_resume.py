"""`kill -9` of everything and a restart: until user code runs again."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.project import project, wait_for

ROUNDS = 5
TICKS_BEFORE = 20


def measure() -> list[Measurement]:
    """By a new server, which adopts the run, and by `toque resume`."""
    served = [_resumed_after_s("server") for _ in range(ROUNDS)]
    resumed = [_resumed_after_s("resume") for _ in range(ROUNDS)]
    note = f"slowest of {ROUNDS}: "
    return [
        Measurement(
            "resume after kill -9 of everything: toque server",
            statistics.median(served),
            "s",
            at_most=1,
            note=f"{note}{max(served):.2f} s",
        ),
        Measurement(
            "resume after kill -9 of everything: toque resume",
            statistics.median(resumed),
            "s",
            at_most=1,
            note=f"{note}{max(resumed):.2f} s",
        ),
    ]


def _resumed_after_s(command: str) -> float:
    """From the start of the command to the first line of user code."""
    with project("steady") as place:
        ticks = place.path / "ticks.log"
        with place.start("run", "steady.py"):
            wait_for("the first ticks", lambda: len(_stamps(ticks)) >= TICKS_BEFORE)
            place.kill_everything()
        before = len(_stamps(ticks))
        begin_ns = time.time_ns()
        with place.start(command):
            wait_for("a tick after the restart", lambda: len(_stamps(ticks)) > before)
        return (_stamps(ticks)[before] - begin_ns) / 1e9


def _stamps(ticks: Path) -> list[int]:
    return [int(line) for line in ticks.read_text().splitlines()] if ticks.exists() else []
