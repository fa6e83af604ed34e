"""A year of daily partitions of five assets of the flights example, two days of which fail and are retried alone.

    python -m benchmarks.backfill [PARTITIONS]

Prints how long the backfill took, and checks what it says: it raises if a slice was made that need not be.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[1] / "examples" / "flights"
AT_ONCE = "2"
STORM = 2
"""Days on which most flights were cancelled: they fail until somebody has looked."""
LOOKED = ("most_cancelled = 0.5", "most_cancelled = 0.6")


def toque(project: Path, *arguments: str) -> Any:
    """What a command answers as JSON, whatever its exit code."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOQUE_")}
    command = [sys.executable, "-m", "toque", *arguments, "--json"]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"toque {' '.join(arguments)}: {done.stdout}{done.stderr}") from None


def outcomes(row: Any) -> Counter[str]:
    """Slices by how they ended."""
    return Counter(each["outcome"] for each in row["slices"])


@dataclass(frozen=True)
class Figures:
    """What was seen."""

    days: int
    backfill_s: float
    retry_s: float
    lines: list[str]
    """How each slice ended at first, as the command says it."""


def main(partitions: str = "2013") -> Figures:
    """Make the days, look at what failed, make that alone."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in ("flights.py", "months.py", "toque.toml"):
            shutil.copy(EXAMPLE / name, project)
        began_s = time.perf_counter()
        first = toque(project, "materialize", "+summary", "--partitions", partitions, "--at-once", AT_ONCE)
        took_s = time.perf_counter() - began_s
        found = outcomes(first)
        if set(found) != {"succeeded", "failed"} or found["failed"] != STORM:
            raise SystemExit(f"unexpected: {found}")
        settings = (project / "toque.toml").read_text()
        (project / "toque.toml").write_text(settings.replace(*LOOKED))
        began_s = time.perf_counter()
        row = toque(project, "backfills", "retry", first["id"])
        retry_s = time.perf_counter() - began_s
        again = len(toque(project, "runs", "--limit", "1000")) - first["total"]
        if (row["state"], row["succeeded"], again) != ("succeeded", first["total"], STORM):
            raise SystemExit(f"unexpected: {row['state']}, {row['succeeded']} slices, {again} runs more")
    days = sum(len(each["partition"]) == len("2013-02-08") for each in first["slices"])
    return Figures(days, took_s, retry_s, [line(each) for each in first["slices"]])


def line(made: Any) -> str:
    """One slice of a backfill, in words."""
    of = f" [{made['partition']}]" if made["partition"] else ""
    return f"{made['outcome']}  {', '.join(made['assets'])}{of}" + (f"  {made['error']}" if made["error"] else "")


if __name__ == "__main__":
    figures = main(*sys.argv[1:])
    print(
        f"{figures.days} days × 5 assets: {figures.backfill_s:.1f} s, {AT_ONCE} runs at a time;"
        f" the {STORM} days that failed, alone: {figures.retry_s:.1f} s"
    )
