"""`python -m sandbox start|change|stop|forget`: the CRM and the product's database of the example, as one process."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from sandbox import keeper
from sandbox.rounds import change

FOLDER = Path(__file__).resolve().parents[1] / "out" / "sandbox"


def main() -> None:
    """One command."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (
        ("start", "bring both systems up, unless they are"),
        ("serve", "the same in this process, until it is ended"),
    ):
        command = commands.add_parser(name, help=about)
        crm = int(os.environ.get("REVOPS_CRM_PORT", keeper.CRM_PORT))
        product = int(os.environ.get("REVOPS_APP_PORT", keeper.PRODUCT_PORT))
        command.add_argument("--crm-port", type=int, default=crm, help="0: any free one")
        command.add_argument("--product-port", type=int, default=product, help="0: any free one")
    commands.add_parser("change", help="change, delete and break records in both")
    commands.add_parser("stop", help="end both; what they hold stays")
    commands.add_parser("forget", help="end both and remove what they hold")
    given = parser.parse_args()
    match given.command:
        case "start":
            print(json.dumps(vars(keeper.ensure(given.folder, given.crm_port, given.product_port))))
        case "serve":
            keeper.serve(given.folder, given.crm_port, given.product_port)
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
