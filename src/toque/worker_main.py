"""The entry point of every process that runs user code: the zygote, and workers of other interpreters.

    python -P -m toque.worker_main zygote FD PROJECT
    python -P -m toque.worker_main worker FD PERMITS_FD FILES

One of the places that wire adapters. What is imported at the top is shared by all forked workers.
"""

from __future__ import annotations

import asyncio  # noqa: F401
import logging  # noqa: F401
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import toque.worker.flow_context  # noqa: F401
from toque.executors.answering import Answerer
from toque.ports.blobs import Blobs
from toque.worker import wire
from toque.worker.boot import ServesLane, Wiring, project_masker, serve
from toque.worker.zygote import Zygote


def open_blobs(url: str) -> Blobs:
    """The blob store that the server uses, too."""
    from toque.store.blobs import open_blobs as open_store

    return open_store(url)


def load_settings(project: str) -> Any:
    """The project's settings under the profile of this process."""
    from toque.settings import load

    return load(Path(project))


def flow_worker(connection: socket.socket, respond: Callable[[wire.Ask], wire.Answer]) -> ServesLane:
    """The host of flow bodies; imported by flow hosts only."""
    from toque.executors.flow.flow_worker import FlowWorker

    return FlowWorker(connection, respond)


LATER = (
    "toque.authoring.pipelines",
    "toque.authoring.tasks",
    "toque.authoring.flows",
    "toque.authoring.supplies",
    "toque.worker.shell",
    "toque.store.blobs",
)
"""What nearly every project imports."""

WIRING = Wiring(open_blobs, load_settings, Answerer().respond, flow_worker)


def main(arguments: list[str]) -> int:
    """Be what the first argument says."""
    match arguments:
        case ["zygote", fd, project]:
            os.set_inheritable(int(fd), False)
            server = socket.socket(fileno=int(fd))
            Zygote(
                server,
                lambda connection, permits, files: serve(connection, permits, files, WIRING),
                lambda: project_masker(lambda: load_settings(project)),
                LATER,
            ).run()
        case ["worker", fd, permits, files]:
            for number in (fd, permits):
                os.set_inheritable(int(number), False)
            serve(socket.socket(fileno=int(fd)), int(permits), files, WIRING)
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
