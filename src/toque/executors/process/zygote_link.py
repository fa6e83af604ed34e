"""The server's end of the zygote: starts the process, talks to it, notices its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from toque.errors import ToqueError
from toque.worker import wire
from toque.worker.framing import Unframer, framed, read_now


class ZygoteLink:
    """One zygote process."""

    def __init__(self, heard: Callable[[wire.FromZygote], None], ended: Callable[[], None]) -> None:
        self._heard = heard
        self._ended = ended
        self._unframer = Unframer()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, project: str, errors: str, environ: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that Ctrl-C in a terminal does not reach it. What it prints (it should
        not) goes to the file `errors`."""
        mine, its = socket.socketpair()
        with open(errors, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "toque.worker_main", "zygote", str(its.fileno()), project],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[its.fileno()],
                env={**os.environ, **environ},
                start_new_session=True,
            )
        its.close()
        self._connection = mine
        self._errors = errors
        asyncio.get_running_loop().add_reader(mine, self._read)

    @property
    def pid(self) -> int:
        """Of the process; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    def send(self, message: wire.ToZygote, fds: tuple[int, ...] = ()) -> None:
        """Small and rare, to a process that does nothing but read: it is allowed to block."""
        with suppress(ConnectionError):  # its end is noticed by the reader
            data = framed(wire.encode(message))
            if fds:
                sent = socket.send_fds(self._connection, [data], list(fds))
                data = data[sent:]
            self._connection.sendall(data)

    def close(self) -> None:
        """Let go: it kills what is left of its workers and exits."""
        asyncio.get_running_loop().remove_reader(self._connection)
        self._connection.close()

    def wait(self, timeout_s: float) -> None:
        """Until it has exited; it is killed if it takes too long. Blocks."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def failure(self) -> ToqueError:
        """Why it ended, as far as it said."""
        text = ""
        with suppress(OSError), open(self._errors) as file:
            text = file.read()[-2000:].strip()
        return ToqueError(f"the process that forks workers ended unexpectedly{': ' + text if text else ''}")

    def _read(self) -> None:
        while (data := read_now(self._connection)) is not None:
            if not data:
                asyncio.get_running_loop().remove_reader(self._connection)
                self._ended()
                return
            for payload in self._unframer.feed(data):
                self._heard(wire.decode_from_zygote(payload))
