"""`python -m tests.simulation --seeds 2000 [--from N]`: simulate seeds and stop at a broken one."""

from __future__ import annotations

import argparse
import sys
import traceback

from tests.simulation.simulate import Broken, simulate


def main() -> int:
    """Returns the exit code: 0 if all seeds held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first one")
    asked = parser.parse_args()
    for seed in range(asked.first, asked.first + asked.seeds):
        try:
            simulate(seed)
        except Broken:
            traceback.print_exc()
            return 1
    print(f"{asked.seeds} seeds from {asked.first} on: all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
