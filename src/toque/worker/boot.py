"""Turns a fresh process into a worker of one bundle."""

from __future__ import annotations

import faulthandler
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from toque.engine.inputs import AnyReport
from toque.ports.blobs import Blobs
from toque.ports.executor import Signal
from toque.worker import capture, code, linux, wire
from toque.worker.environment import Environment
from toque.worker.lease import Lease
from toque.worker.masking import Masker
from toque.worker.rawoutput import RawOutput
from toque.worker.shared_worker import SharedWorker
from toque.worker.sync_worker import SyncWorker


@dataclass(frozen=True)
class Wiring:
    """What the composition root provides."""

    open_blobs: Callable[[str], Blobs]
    load_settings: Callable[[str], Any]
    """By project: `toque.settings.Settings`."""
    respond: Callable[[wire.Ask], wire.Answer]
    flow_worker: Callable[[socket.socket, Callable[[wire.Ask], wire.Answer]], ServesLane]
    """Makes what serves the lane `flow`."""


class ServesLane(Protocol):
    """The loop of a worker."""

    def run(self, env: Environment) -> None:
        """Serve until told to stop."""
        ...

    def signal(self, signal: Signal) -> None:
        """Pass a signal on to the server."""
        ...

    def report(self, report: AnyReport) -> None:
        """Pass on what a host says of a task that it runs."""
        ...


def project_masker(load_settings: Callable[[], Any]) -> Masker:
    """Masks all secrets that the project declares and that are set on this machine."""
    masker = Masker()
    with suppress(Exception):  # broken settings are an error of whoever uses them, not of every task
        for secret in load_settings().all_secrets():
            with suppress(Exception):
                masker.add(secret.reveal())
    return masker


def serve(connection: socket.socket, permits: int, files: str, wiring: Wiring) -> None:
    """Be a worker until told to stop. The first frame says of what."""
    setup = _read_setup(connection)
    raw = RawOutput(files)
    linux.buffer_c_output_by_line()
    with suppress(OSError):
        faulthandler.enable(file=2, all_threads=True)
        # How the server learns where a worker is that does not answer: works while C code holds the GIL.
        faulthandler.register(signal.SIGUSR2, file=2, all_threads=False)
    os.chdir(setup.project)
    if setup.bundle:
        code.lead_with(setup.bundle)
    sys.argv[:] = [""]
    capture.install()
    worker: ServesLane
    match setup.lane:
        case "sync":
            worker = SyncWorker(connection, permits, wiring.respond)
        case "flow":
            worker = wiring.flow_worker(connection, wiring.respond)
        case lane:
            worker = SharedWorker(connection, lane, wiring.respond)

    def load_settings() -> Any:
        return wiring.load_settings(setup.project)

    env = Environment(
        open_blobs=lambda: wiring.open_blobs(setup.blobs_url),
        load_settings=load_settings,
        signal=worker.signal,
        report=worker.report,
        bundle=setup.bundle,
        project=setup.project,
        masker=project_masker(load_settings),
        worker=f"{setup.name}:{os.getpid()}",
        raw=raw,
        lease=Lease(setup.lease),
    )
    for module in setup.preload:
        with suppress(Exception):  # whoever needs it will be told
            importlib.import_module(module)
    try:
        worker.run(env)
    finally:
        env.supplier.close()


def _read_setup(connection: socket.socket) -> wire.Setup:
    """The first frame, and not a byte more: the rest is for the worker's own loop."""
    length = int.from_bytes(_read_exactly(connection, 4), "little")
    setup = wire.decode_down(_read_exactly(connection, length))
    if not isinstance(setup, wire.Setup):
        raise TypeError(f"a worker begins with Setup, not {type(setup).__name__}")
    return setup


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = connection.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        os._exit(1)  # the server is gone
    return data
