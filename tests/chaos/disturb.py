"""One store, disturbed as often as asked for."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from tests.chaos.rounds import Chaos
from tests.postgres import PostgresServer


def disturb(store: str, kills: int, seed: str) -> list[str]:
    """Kill so often on one store; returns what went wrong, and leaves the folder if anything did."""
    folder = Path(tempfile.mkdtemp(prefix=f"toque-chaos-{store}-"))
    postgres = PostgresServer() if store == "postgresql" else None
    began_s = time.monotonic()
    try:
        if postgres is not None:
            postgres.start()
        chaos = Chaos(folder, seed, postgres)
        try:
            chaos.rehearse()
            while chaos.kills < kills:
                chaos.round(kills - chaos.kills)
        finally:
            chaos.end()
    finally:
        if postgres is not None:
            postgres.stop()
    killed = ", ".join(f"{count} {kind}" for kind, count in chaos.counts.most_common())
    took_s = time.monotonic() - began_s
    said = f"{chaos.kills} kills of {chaos.runs} runs in {took_s:.0f} s ({killed})"
    print(f"{store}: {said}, {len(chaos.failures)} failures", flush=True)
    if chaos.failures:
        print(f"  see {folder}")
    else:
        shutil.rmtree(folder)
    return chaos.failures
