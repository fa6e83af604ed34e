"""Runs a command of `shell(…)`: streams what it prints into the log, and turns its exit code into an outcome."""

from __future__ import annotations

import codecs
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import IO, Any, Literal, TypeAlias

from toque.errors import ToqueError, TransientError, UserError
from toque.worker.capture import current_log
from toque.worker.context import NoContext, context
from toque.worker.control import Skip
from toque.worker.log import Log

Ending: TypeAlias = Literal["success", "skip", "fail", "retry"]

GRACE_S = 5.0
"""Between SIGTERM and SIGKILL when the attempt is told to end; the executor may be less patient."""
LINE_CHARACTERS = 65_536


class CommandFailed(ToqueError):
    """A command ended with an exit code that means failure."""


class CommandGaveUp(UserError):
    """A command ended with an exit code that was mapped to `fail`: another attempt would end in the same way."""


def run_shell(
    command: str | Sequence[str],
    exits: Mapping[int, Ending],
    env: Mapping[str, str],
    cwd: str,
    /,
    **values: Any,
) -> str:
    """Run `command` and return the last line that it printed.

    `{name}` in it is replaced by that value, quoted for the shell. A list is run as it is, without a shell.
    """
    log = current_log()
    process = subprocess.Popen(
        _argv(command, values),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd or None,
        env={**os.environ, **_about_the_attempt(), **env},
        # A group of its own, in the session of the worker: it can be ended alone, and it ends with the worker.
        process_group=0,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    out = _Reader(process.stdout, "stdout", log)
    readers = (out, _Reader(process.stderr, "stderr", log))
    try:
        for reader in readers:
            reader.start()
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        for reader in readers:
            reader.join(timeout=1)  # a child that it left behind may hold the pipe open
    _raise_for(code, exits.get(code, "success" if code == 0 else None))
    return out.last_line


class _Reader(Thread):
    """Passes one stream of the command on as it comes."""

    def __init__(self, pipe: IO[bytes], name: Literal["stdout", "stderr"], log: Log | None) -> None:
        super().__init__(daemon=True, name=f"toque-shell-{name}")
        self._pipe = pipe
        self._stream: Literal["stdout", "stderr"] = name
        self._log = log
        self._tail = ""
        self._last = ""

    @property
    def last_line(self) -> str:
        """The last line that was not empty."""
        return self._tail.strip() or self._last

    def run(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self._pipe:
            while data := os.read(self._pipe.fileno(), 65_536):
                self._take(decoder.decode(data))
            self._take(decoder.decode(b"", final=True))

    def _take(self, text: str) -> None:
        if not text:
            return
        if self._log is not None:
            self._log.text(self._stream, text)
        else:
            print(text, end="", file=getattr(sys, self._stream))
        *whole, self._tail = (self._tail + text).split("\n")
        self._tail = self._tail[-LINE_CHARACTERS:]
        for line in reversed(whole):
            if line.strip():
                self._last = line.strip()[-LINE_CHARACTERS:]
                break


def _argv(command: str | Sequence[str], values: Mapping[str, Any]) -> list[str]:
    if not isinstance(command, str):
        return [part.format_map({name: str(value) for name, value in values.items()}) for part in command]
    quoted = {name: shlex.quote(str(value)) for name, value in values.items()}
    text = command.format_map(quoted)
    bash = shutil.which("bash")
    # Without pipefail a dump that dies in front of `| gzip` would count as a success.
    return [bash, "-o", "pipefail", "-c", text] if bash else ["/bin/sh", "-c", text]


def _about_the_attempt() -> dict[str, str]:
    try:
        running = context()
    except NoContext:
        return {}
    return {
        "TOQUE_RUN_ID": running.run_id,
        "TOQUE_TASK": running.task,
        "TOQUE_ATTEMPT": str(running.attempt),
        "TOQUE_IDEMPOTENCY_KEY": running.idempotency_key,
        "TOQUE_LOGICAL_TIME": running.logical_time.isoformat(),
    }


def _raise_for(code: int, ending: Ending | None) -> None:
    match ending:
        case "success":
            return
        case "skip":
            raise Skip(f"exit code {code}")
        case "retry":
            raise TransientError(f"the command ended with exit code {code}, which is worth a retry")
        case "fail":
            raise CommandGaveUp(f"the command ended with exit code {code}")
        case None:
            how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
            raise CommandFailed(f"the command {how}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _end(process: subprocess.Popen[bytes]) -> None:
    for signo, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signo)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience_s)
            return
