"""Leads what user code prints, logs and warns into the log of the attempt that does so."""

from __future__ import annotations

import io
import logging
import sys
from typing import Any, TextIO

from toque.worker.context import current, lone
from toque.worker.log import Log, StreamName


class Output(io.TextIOBase):
    """Stands in for `sys.stdout` and `sys.stderr`: text goes to the log of the attempt that writes it, and to the
    stream behind when none does."""

    def __init__(self, name: StreamName, behind: TextIO) -> None:
        self._name: StreamName = name
        self.behind = behind

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> Any:
        """Bytes bypass this object: they are folded into the log like the output of C code."""
        return self.behind.buffer

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.behind.isatty() if current_log() is None else False

    def fileno(self) -> int:
        return self.behind.fileno()

    def write(self, text: str) -> int:
        log = current_log()
        if log is None:
            return self.behind.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        log.text(self._name, text)
        return len(text)

    def flush(self) -> None:
        self.behind.flush()


class Handler(logging.Handler):
    """Sends the records of `logging` to the log of the attempt that makes them, others to `elsewhere`."""

    def __init__(self, elsewhere: TextIO | None = None) -> None:
        super().__init__()
        self._elsewhere = elsewhere

    def emit(self, record: logging.LogRecord) -> None:
        log = current_log()
        if log is None and self._elsewhere is None:
            return
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if log is not None:
            log.line("log", text, level=record.levelname.lower(), logger=record.name)
        elif self._elsewhere is not None:
            self._elsewhere.write(text + "\n")


def current_log() -> Log | None:
    """The log of the attempt that runs here."""
    context = current.get() or lone.context
    return context.log if context is not None else None


def install(level: int = logging.INFO) -> None:
    """Take over `sys.stdout`, `sys.stderr`, the root logger and warnings of a process that runs nothing else."""
    sys.stdout = Output("stdout", sys.stdout)
    sys.stderr = Output("stderr", sys.stderr)
    # The level and the logger are fields of the line.
    logging.basicConfig(level=level, format="%(message)s", handlers=[Handler(sys.__stderr__)], force=True)
    logging.captureWarnings(True)


class Borrowed:
    """The same for a while, in a process that is not ours (a test, a notebook): what is printed is seen there too.
    Holders are counted, since attempts on one loop overlap."""

    def __init__(self) -> None:
        self._holders = 0
        self._streams: tuple[TextIO, TextIO] | None = None
        self._handler = Handler()
        self._level = logging.WARNING

    @property
    def echo(self) -> dict[str, TextIO]:
        """The real streams, for `Environment.echo`."""
        out, err = self._streams or (sys.stdout, sys.stderr)
        return {"stdout": out, "stderr": err}

    def take(self) -> None:
        """Begin, or take part."""
        self._holders += 1
        if self._holders == 1:
            self._streams = (sys.stdout, sys.stderr)
            sys.stdout = Output("stdout", sys.stdout)
            sys.stderr = Output("stderr", sys.stderr)
            root = logging.getLogger()
            self._level = root.level
            root.setLevel(min(root.level, logging.INFO) or logging.INFO)
            root.addHandler(self._handler)

    def give_back(self) -> None:
        """The last one restores what was there, unless somebody else has replaced it meanwhile."""
        self._holders -= 1
        if self._holders == 0 and self._streams is not None:
            if isinstance(sys.stdout, Output):
                sys.stdout = self._streams[0]
            if isinstance(sys.stderr, Output):
                sys.stderr = self._streams[1]
            root = logging.getLogger()
            root.removeHandler(self._handler)
            root.setLevel(self._level)
            self._streams = None
