"""What an attempt prints and logs, as JSON lines in its own file.

Each line is handed to the kernel before the call that made it returns, so that a `kill -9` loses nothing that was
printed as a whole line. Text without a line end waits for it, and for the end of the attempt.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

import msgspec

from toque.engine.values import TaskKey
from toque.worker.masking import Masker

StreamName: TypeAlias = Literal["stdout", "stderr", "log", "traceback"]

LIMIT_BYTES = 200 * 1024 * 1024
_MAX_WAITING = 10_000
"""Pieces of a line; one that never ends must not fill the memory."""
LEVELS: dict[str, str] = {"stdout": "info", "stderr": "warning", "log": "info", "traceback": "error"}


class Line(msgspec.Struct, omit_defaults=True):
    """One line of a log file."""

    t: int
    """Microseconds since 1970-01-01 UTC."""
    level: str
    stream: str
    msg: str
    logger: str = ""


_encoder = msgspec.json.Encoder()


def encoded(line: Line) -> bytes:
    """With its line end; characters that no UTF-8 can carry are replaced."""
    try:
        return _encoder.encode(line) + b"\n"
    except UnicodeEncodeError:
        line.msg = line.msg.encode("utf-8", "replace").decode()
        return _encoder.encode(line) + b"\n"


class LogFile:
    """A file of JSON lines, made at its first line and cut at a limit."""

    def __init__(self, path: str, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = path
        self._fd = -1
        self._left = limit_bytes
        self._limit = limit_bytes
        self._lost = 0
        self._opening = threading.Lock()

    @property
    def is_cut(self) -> bool:
        """Nothing is written any more."""
        return self._left < 0

    def write(self, lines: bytes) -> None:
        """Append whole lines in one system call: appends of several processes do not mix."""
        if not self.path or self._left < 0:
            return
        if self._fd < 0:
            # The only lock: a child that user code forks must not inherit one that somebody holds while writing.
            with self._opening:
                if self._fd < 0 and not self._open():
                    return
        self._left -= len(lines)
        if self._left < 0:
            text = f"the log of this attempt was cut here, at {self._limit // 2**20} MB"
            lines = encoded(Line(time.time_ns() // 1000, "warning", "log", text, "toque"))
        if self._told_what_is_lost():
            self._append(lines)
        else:
            self._lost += len(lines)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._fd >= 0:
            self._told_what_is_lost()
            os.close(self._fd)
            self._fd = -1

    # A full disk must not fail a task that prints; what the task itself writes will say so.

    def _open(self) -> bool:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            try:
                self._fd = os.open(self.path, flags, 0o644)
            except FileNotFoundError:
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                self._fd = os.open(self.path, flags, 0o644)
        except OSError:
            return False
        # A log that is continued (by whoever folds in what a killed worker left) has one limit for all of it.
        self._left -= os.fstat(self._fd).st_size
        return True

    def _append(self, lines: bytes) -> bool:
        rest = lines
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self._lost += len(lines)
        return not rest

    def _told_what_is_lost(self) -> bool:
        """False while there is no room for even that."""
        if not self._lost:
            return True
        text = f"{self._lost} bytes of this log are missing: they could not be written (is the disk full?)"
        # The first line end closes the line that was torn; readers pass over it.
        notice = b"\n" + encoded(Line(time.time_ns() // 1000, "warning", "log", text, "toque"))
        lost, self._lost = self._lost, 0
        if self._append(notice):
            return True
        self._lost = lost
        return False


def log_path(logs: str, run_id: str, key: TaskKey, attempt: int) -> str:
    """Where the JSON lines of an attempt are: `<logs>/<run>/<task>/<index>-<attempt>.jsonl`."""
    index = ".".join(map(str, key.map_index)) or "_"
    task = key.task.replace("/", "~")
    return os.path.join(logs, run_id, task, f"{index}-{attempt}.jsonl")


class Log:
    """The log of one attempt."""

    def __init__(self, file: LogFile, masker: Masker, echo: dict[str, TextIO] | None = None) -> None:
        self.file = file
        self._masker = masker
        self._partial: dict[tuple[StreamName, int], list[str]] = {}
        """By thread: lines that several print at once do not mix, and no lock is needed."""
        self._echo = echo or {}

    def line(self, stream: StreamName, text: str, *, level: str = "", logger: str = "") -> None:
        """Write one entry (it may contain line ends, as a traceback does)."""
        text = self._masker.mask(text)
        self.file.write(encoded(Line(time.time_ns() // 1000, level or LEVELS[stream], stream, text, logger)))

    def text(self, stream: StreamName, text: str) -> None:
        """Take text as a stream gets it: whole lines are written, the rest waits."""
        if self._echo and stream in self._echo:
            self._echo[stream].write(text)
        if self.file.is_cut or not text:
            return
        key = (stream, threading.get_ident())
        waiting = self._partial.get(key)
        if text == "\n":
            # `print` hands over its line end by itself.
            if waiting:
                del self._partial[key]
            self.lines(stream, "".join(waiting) if waiting else "")
            return
        head, end, rest = text.rpartition("\n")
        if not end:
            if waiting is None:
                self._partial[key] = [rest]
            else:
                waiting.append(rest)
                if len(waiting) >= _MAX_WAITING:
                    self.lines(stream, "".join(self._partial.pop(key)))
            return
        if waiting:
            head = "".join(waiting) + head
            del self._partial[key]
        if rest:
            self._partial[key] = [rest]
        self.lines(stream, head)

    def lines(self, stream: StreamName, text: str) -> None:
        """Write whole lines, the last without its end."""
        now_us, level = time.time_ns() // 1000, LEVELS[stream]
        text = self._masker.mask(text)
        if "\n" in text:
            self.file.write(b"".join([encoded(Line(now_us, level, stream, line)) for line in text.split("\n")]))
        else:
            self.file.write(encoded(Line(now_us, level, stream, text)))

    def close(self) -> None:
        """Write what waits for a line end, and close the file."""
        for (stream, _), waiting in self._partial.items():
            self.line(stream, "".join(waiting))
        self._partial.clear()
        self.file.close()
