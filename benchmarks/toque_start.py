"""What every start costs: `toque run` from shell to shell, and `import toque`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.measurement import Measurement
from benchmarks.project import Project, project

ROUNDS = 10
CLIENTS = frozenset(
    {"alembic", "click", "duckdb", "numpy", "obstore", "pandas", "psycopg", "pyarrow", "pydantic", "rich", "sqlalchemy"}
)
"""Third-party clients that `import toque` must leave alone."""

_IMPORT = """
import sys, time
begin = time.perf_counter()
import toque
print((time.perf_counter() - begin) * 1000, *{name.partition('.')[0] for name in sys.modules})
"""


def measure_run() -> list[Measurement]:
    """A one-task file: in a project without state, then in one with some."""
    with project("one") as place:
        first_s = _run_s(place)
        later_s = [_run_s(place) for _ in range(ROUNDS)]
    note = f"first run in a new project: {first_s:.2f} s"
    return [
        Measurement("toque run of one task, shell to shell", statistics.median(later_s), "s", at_most=0.6, note=note)
    ]


def measure_import() -> list[Measurement]:
    """In a new interpreter each time, without what the interpreter itself takes."""
    milliseconds, loaded = [], set[str]()
    for _ in range(ROUNDS):
        answer = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True).stdout
        taken, *names = answer.split()
        milliseconds.append(float(taken))
        loaded |= set(names) & CLIENTS
    return [
        Measurement("import toque", statistics.median(milliseconds), "ms", at_most=60),
        Measurement(
            "import toque: third-party clients imported", len(loaded), "", at_most=0, note=", ".join(sorted(loaded))
        ),
    ]


def _run_s(place: Project) -> float:
    begin = time.perf_counter()
    place.toque("run", "one.py")
    return time.perf_counter() - begin
