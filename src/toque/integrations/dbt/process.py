"""The dbt process of a build: what it says as it says it; it does not outlive the attempt that started it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from toque.integrations.dbt.commands import Place, environment_of
from toque.integrations.dbt.events import Ear, Event, Said

_LOOK_EVERY_S = 0.25
"""In a worker thread, a cancel is an exception that is raised at the next bytecode: the wait must not be endless."""
_KILL_AFTER_S = 5.0
_PIECE_BYTES = 256 * 1024


class Process:
    """A dbt that runs."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.code: int | None = None
        """With which it ended; negative for a signal."""

    def events(self) -> Iterator[Event]:
        """What it says until it ends."""
        ear = Ear()
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        with selectors.DefaultSelector() as selector:
            for pipe in (self._child.stdout, self._child.stderr):
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(_LOOK_EVERY_S):
                    data = os.read(key.fd, _PIECE_BYTES)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._child.stdout:
                        yield from ear.feed(data)
                    else:
                        yield Said(unique_id="", level="warning", text=data.decode("utf-8", "replace").rstrip())
                if self._child.poll() is not None and not selector.select(0):
                    break
        yield from ear.end()
        self.code = self._child.wait()


@contextmanager
def started(command: Sequence[str], place: Place) -> Iterator[Process]:
    """dbt with all that it starts in its group; at the end of the block it is gone, whatever happened in it."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place.workdir,
        env=environment_of(place),
        process_group=0,
    )
    try:
        yield Process(child)
    finally:
        if child.poll() is None:
            _signal(child, signal.SIGINT)  # so that it takes back the queries of a server that runs them
            try:
                child.wait(_KILL_AFTER_S)
            except subprocess.TimeoutExpired:
                pass
            _signal(child, signal.SIGKILL)
            child.wait()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def _signal(child: subprocess.Popen[bytes], signo: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signo)
