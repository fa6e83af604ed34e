"""A year of daily partitions of five assets on the flights data, two days of which fail and are retried alone.

    python -m benchmarks.backfill [PARTITIONS]

Prints how long the backfill took, and checks what it says: it raises if a slice was made that need not be.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

PIPELINE = Path(__file__).parent / "pipelines" / "daily_flights.py"
AT_ONCE = "2"
TORN = 2


def toque(project: Path, *arguments: str) -> Any:
    """What a command answers as JSON, whatever its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "toque", *arguments, "--json"], cwd=project, capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout)


def outcomes(row: Any) -> Counter[str]:
    """Slices by how they ended."""
    return Counter(each["outcome"] for each in row["slices"])


def main(partitions: str = "2013") -> dict[str, float]:
    """Seconds of the backfill and of the retry, and how many slices it had."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "toque.toml").write_text("")
        shutil.copy(PIPELINE, project)
        began_s = time.perf_counter()
        first = toque(project, "materialize", "+report", "--partitions", partitions, "--at-once", AT_ONCE)
        took_s = time.perf_counter() - began_s
        days = first["total"] - 1
        if outcomes(first) != {"succeeded": days + 1 - TORN, "failed": TORN}:
            raise SystemExit(f"unexpected: {outcomes(first)}")
        (project / "mended").touch()
        began_s = time.perf_counter()
        row = toque(project, "backfills", "retry", first["id"])
        retry_s = time.perf_counter() - began_s
        runs = toque(project, "runs", "--limit", str(2 * days))
        if (row["state"], row["succeeded"], len(runs)) != ("succeeded", days + 1, days + 1 + TORN):
            raise SystemExit(f"unexpected: {row['state']}, {row['succeeded']} made by {len(runs)} runs")
    return {"days": float(days), "backfill_s": took_s, "retry_s": retry_s}


if __name__ == "__main__":
    figures = main(*sys.argv[1:])
    print(
        f"{figures['days']:.0f} days × 5 assets: {figures['backfill_s']:.1f} s, {AT_ONCE} runs at a time;"
        f" the {TORN} days that failed, alone: {figures['retry_s']:.1f} s"
    )
