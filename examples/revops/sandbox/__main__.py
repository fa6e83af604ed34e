"""`python -m sandbox start|change|stop|forget`: the CRM and the product's database of the example, as one process."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sandbox import keeper
from sandbox.rounds import change

FOLDER = Path(__file__).resolve().parents[1] / "out" / "sandbox"


def main() -> None:
    """One command."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="bring all systems up, unless they are")
    commands.add_parser("serve", help="the same in this process, until it is ended")
    commands.add_parser("change", help="change, delete and break records in both")
    commands.add_parser("stop", help="end both; what they hold stays")
    commands.add_parser("forget", help="end both and remove what they hold")
    given = parser.parse_args()
    match given.command:
        case "start":
            print(json.dumps(vars(keeper.ensure(given.folder))))
        case "serve":
            keeper.serve(given.folder, keeper.Ports.wanted())
        case "change":
            print(change(given.folder))
        case "stop":
            print("ended" if keeper.stop(given.folder) else "nothing was running")
        case "forget":
            keeper.forget(given.folder)


if __name__ == "__main__":
    try:
        main()
    except keeper.NotStarted as problem:
        raise SystemExit(f"The sandboxes did not start: {problem}") from problem
