"""`python -m tests.chaos --kills 300 [--seed S] [--store sqlite|postgresql|both]`: prints its seed and its kills."""

from __future__ import annotations

import argparse
import random
import sys

from tests.chaos.disturb import disturb
from tests.chaos.ticks import disturb_ticks


def main() -> int:
    """0 when every run ended as it would have undisturbed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="on all stores together")
    parser.add_argument("--ticks", type=int, default=0, help="instead: kills of servers around ticks of schedules")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    given = parser.parse_args()
    stores = ["sqlite", "postgresql"] if given.store == "both" else [given.store]
    print(f"seed {given.seed}: --seed {given.seed} makes the same choices again", flush=True)
    failures = 0
    for at, store in enumerate(stores):
        wanted = given.ticks or given.kills
        kills = wanted // len(stores) + (at < wanted % len(stores))
        kind = disturb_ticks if given.ticks else disturb
        failures += len(kind(store, kills, f"{given.seed}/{store}"))
    print(f"{failures} failures (seed {given.seed})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
