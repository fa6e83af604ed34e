"""`python -m tests.chaos --kills 300 [--seed S] [--store sqlite|postgresql|both]`: prints its seed and its kills."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.rounds import Chaos
from tests.postgres import PostgresServer


def main() -> int:
    """0 when every run ended as it would have undisturbed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="on all stores together")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    given = parser.parse_args()
    stores = ["sqlite", "postgresql"] if given.store == "both" else [given.store]
    print(f"seed {given.seed}", flush=True)
    failures = 0
    for at, store in enumerate(stores):
        kills = given.kills // len(stores) + (at < given.kills % len(stores))
        failures += disturb(store, kills, f"{given.seed}/{store}")
    print(f"{failures} failures (seed {given.seed})")
    return 1 if failures else 0


def disturb(store: str, kills: int, seed: str) -> int:
    """Kill so often on one store; returns the number of failures, and leaves the folder if there are any."""
    folder = Path(tempfile.mkdtemp(prefix=f"toque-chaos-{store}-"))
    postgres = PostgresServer() if store == "postgresql" else None
    began_s = time.monotonic()
    try:
        if postgres is not None:
            postgres.start()
        chaos = Chaos(folder, seed, postgres.create() if postgres is not None else "")
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
    print(f"{store}: {chaos.kills} kills in {took_s:.0f} s ({killed}), {len(chaos.failures)} failures", flush=True)
    if chaos.failures:
        print(f"  see {folder}")
    else:
        shutil.rmtree(folder)
    return len(chaos.failures)


if __name__ == "__main__":
    sys.exit(main())
