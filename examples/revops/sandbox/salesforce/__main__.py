"""`python -m sandbox.salesforce --state FILE`: the sandbox as a process; its first line is its address."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sandbox.salesforce.application import Sandbox
from sandbox.salesforce.server import SandboxServer


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="sandbox.salesforce", description=__doc__)
    parser.add_argument("--state", required=True, help="SQLite file that keeps the organisation")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    given = parser.parse_args()
    state = Path(given.state)
    server = SandboxServer(Sandbox(state), state.parent / f"{state.stem}-tls", given.port)
    print(json.dumps({"url": server.url, "authority": str(server.authority)}), flush=True)
    server.serve()


if __name__ == "__main__":
    main()
