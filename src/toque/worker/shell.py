"""The code behind `shell("…")`: runs any executable, streams what it prints into the log, maps its exit code."""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import signal
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Literal, TypeAlias

from toque.errors import ToqueError, TransientError, UserError
from toque.worker.capture import current_log
from toque.worker.context import current, lone
from toque.worker.control import Skip

Ending: TypeAlias = Literal["success", "skip", "retry", "fail"]

KILL_AFTER_S = 5.0
_LOOK_EVERY_S = 0.25
"""In a worker thread, a cancel is an exception that is raised at the next bytecode: the wait must not be endless."""
_LAST_LINE_BYTES = 64 * 1024


class CommandFailed(ToqueError):
    """The command ended with a code that means failure."""


class CommandRefused(UserError):
    """The command ended with a code that is mapped to `"fail"`: another attempt will not help."""


def run_shell(
    command: str | Sequence[str], exits: Mapping[int, Ending], env: Mapping[str, str], cwd: str, /, **fields: Any
) -> str:
    """Run `command` and return the last line that it printed on stdout.

    A string goes to `bash -o pipefail` (else `sh`), its `{fields}` quoted; a list is run without a shell. Raises
    `Skip`, `TransientError` (worth a retry), `CommandRefused` or `CommandFailed`, as `exits` says of the exit code.
    """
    arguments = _arguments(command, fields)
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or None,
            env={**os.environ, **_about_the_attempt(), **env},
            process_group=0,
        )
    except FileNotFoundError as error:
        missing = cwd if cwd and not os.path.isdir(cwd) else arguments[0]
        raise UserError(f"{missing}: no such file or directory", fix="check the command, PATH and cwd=") from error
    with _ended(process):
        last = _stream(process)
        code = process.wait()
    name = command if isinstance(command, str) else " ".join(command)
    return _concluded(code, exits, last, name)


def _concluded(code: int, exits: Mapping[int, Ending], last: str, name: str) -> str:
    # Keys of a constant that has travelled as JSON are integers again: tagged JSON keeps them.
    ending = exits.get(code, "success" if code == 0 else None)
    ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    message = f"{name!r} {ended}"
    match ending:
        case "success":
            return last
        case "skip":
            raise Skip(message)
        case "retry":
            raise TransientError(message)
        case "fail":
            raise CommandRefused(message)
        case None:
            raise CommandFailed(message)


def _arguments(command: str | Sequence[str], fields: Mapping[str, Any]) -> list[str]:
    formatter = string.Formatter()
    if not isinstance(command, str):
        return [formatter.vformat(part, (), fields) for part in command]
    quoted = {name: _quoted(value) for name, value in fields.items()}
    text = formatter.vformat(command, (), quoted)
    bash = shutil.which("bash")
    return [bash, "-o", "pipefail", "-c", text] if bash else ["sh", "-c", text]


def _quoted(value: Any) -> str:
    """For the shell; a list becomes several words."""
    if isinstance(value, list | tuple):
        return " ".join(shlex.quote(str(item)) for item in value)
    return shlex.quote(str(value))


def _about_the_attempt() -> dict[str, str]:
    context = current.get() or lone.context
    if context is None:
        return {}
    return {
        "TOQUE_RUN_ID": context.run_id,
        "TOQUE_TASK": context.task,
        "TOQUE_ATTEMPT": str(context.attempt),
        "TOQUE_IDEMPOTENCY_KEY": context.idempotency_key,
    }


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens within: the command, with all that it started in its group, does not outlive it."""
    try:
        yield
    finally:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            try:
                process.wait(KILL_AFTER_S)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _signal(process: subprocess.Popen[bytes], signo: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signo)


def _stream(process: subprocess.Popen[bytes]) -> str:
    """Pass both streams on until the command closes them; the last line of stdout."""
    tail = b""
    with selectors.DefaultSelector() as selector:
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select(_LOOK_EVERY_S):
                pipe_in: IO[bytes] = key.fileobj  # type: ignore[assignment]
                data = pipe_in.read(64 * 1024)
                if not data:
                    selector.unregister(pipe_in)
                    continue
                _emit(key.data, data)
                if key.data == "stdout":
                    tail = (tail + data)[-_LAST_LINE_BYTES:]
            if process.poll() is not None and not selector.select(0):
                # Ended, and what is left of the pipes belongs to a background child that it leaves behind.
                break
    lines = tail.decode("utf-8", "replace").rstrip().splitlines()
    return lines[-1] if lines else ""


def _emit(stream: Literal["stdout", "stderr"], data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    log = current_log()
    if log is not None:
        log.text(stream, text)
    else:
        (sys.stdout if stream == "stdout" else sys.stderr).write(text)
