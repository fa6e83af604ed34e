"""What reaches file descriptors 1 and 2 without passing `sys.stdout`: C code, child processes, crashes.

It goes to two files, never into a pipe: a pipe needs a reader, a reader in this process needs the GIL, and C code that
prints into a full pipe while it holds the GIL would wait for ever. The files are folded into the log of the attempt at
its end, every 50 ms while it lasts, and, after a kill, by whoever confirms the death: a small mapped file says which
log it is and how far the folding got.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from contextlib import suppress

from toque.worker import linux
from toque.worker.log import Log, LogFile, StreamName
from toque.worker.masking import Masker

FOLLOW_EVERY_S = 0.05
_STREAMS: tuple[StreamName, StreamName] = ("stdout", "stderr")
_HEAD = struct.Struct("<QQI")
"""How far stdout and stderr are folded, and the length of the path of the log that follows."""
_STATE_BYTES = 4096
_PIECE = 1024 * 1024
_SHRINK_ABOVE = 1024 * 1024
_FREE_ABOVE = 16 * 1024 * 1024
_LAST_CHARACTERS = 2000


class State:
    """What must survive a `kill -9`: the kernel keeps the pages of a mapped file."""

    def __init__(self, path: str, *, must_exist: bool = False) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (0 if must_exist else os.O_CREAT), 0o600)
        try:
            os.ftruncate(fd, _STATE_BYTES)
            self._map = mmap.mmap(fd, _STATE_BYTES)
        finally:
            os.close(fd)

    def read(self) -> tuple[list[int], str]:
        """(bytes folded of stdout and stderr, path of the log or "")."""
        out, err, length = _HEAD.unpack_from(self._map, 0)
        return [out, err], self._map[_HEAD.size : _HEAD.size + length].decode()

    def write(self, folded: list[int], log_path: str) -> None:
        """Remember both. Paths too long for the page are left out: their raw output is then lost in a kill."""
        path = log_path.encode()
        if len(path) > _STATE_BYTES - _HEAD.size:
            path = b""
        self._map[_HEAD.size : _HEAD.size + len(path)] = path
        _HEAD.pack_into(self._map, 0, *folded, len(path))

    def close(self) -> None:
        """Unmap it."""
        self._map.close()


class RawOutput:
    """The two files of one process, and the thread that follows them."""

    def __init__(self, files: str) -> None:
        self._fds = [_open(f"{files}.out"), _open(f"{files}.err")]
        for fd, standard in zip(self._fds, (1, 2), strict=True):
            os.dup2(fd, standard)
        self._state = State(f"{files}.state")
        self._folded = [0, 0]
        self._freed = [0, 0]
        self._logs: list[Log] = []
        """Of the attempts that run. The output is taken to be the latest one's, which is certain where there is one."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_following = False
        self._seen = 0
        self._count = 0
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, log: Log) -> None:
        """From here on the output belongs to `log`."""
        with self._lock:
            if self._logs:
                self._fold(self._logs[-1], final=False)
            self._logs.append(log)
            self._count += 1
            self._state.write(self._folded, log.file.path)
        if not self._wake.is_set():
            self._wake.set()
            if not self._is_following:
                self._is_following = True
                threading.Thread(target=self._follow, name="toque-output", daemon=True).start()

    def end(self, log: Log) -> None:
        """Fold the rest, if it is its; the output is nobody's from here on, or that of the latest that still runs."""
        with self._lock:
            if log not in self._logs:
                return  # in a child that user code forked
            if self._logs[-1] is log:
                self._fold(log, final=True)
            self._logs.remove(log)
            if self._logs:
                self._state.write(self._folded, self._logs[-1].file.path)

    def _follow(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(FOLLOW_EVERY_S)
            if self._count == self._seen and not self._logs:
                # Nothing ran since the last look: sleep without waking the machine. Look again after clearing, since
                # an attempt that began just before saw the event still set.
                self._wake.clear()
                if self._count != self._seen:
                    self._wake.set()
                continue
            self._seen = self._count
            with self._lock:
                if self._logs:
                    self._fold(self._logs[-1], final=False)

    def _fold(self, log: Log, *, final: bool) -> None:
        moved = False
        for number, fd in enumerate(self._fds):
            if os.fstat(fd).st_size > self._folded[number]:
                self._folded[number] = fold(fd, self._folded[number], log, _STREAMS[number], final=final)
                moved = True
                if self._folded[number] - self._freed[number] > _FREE_ABOVE:
                    linux.free_head(fd, self._folded[number])
                    self._freed[number] = self._folded[number]
        if final and max(self._folded) > _SHRINK_ABOVE:
            for number, fd in enumerate(self._fds):
                os.ftruncate(fd, 0)
                self._folded[number] = self._freed[number] = 0
        if moved or final:
            self._state.write(self._folded, "" if final else log.file.path)

    def _forget(self) -> None:
        # A forked child shares the files, but folding is the parent's.
        self._logs = []
        self._lock = threading.Lock()


def fold(fd: int, start: int, log: Log, stream: StreamName, *, final: bool) -> int:
    """Move what `fd` holds from `start` on into `log`, up to the last line end unless `final`; returns where it got."""
    while piece := os.pread(fd, _PIECE, start):
        end = piece.rfind(b"\n") + 1
        if not end and len(piece) < _PIECE and not final:
            break
        if not end or (final and len(piece) < _PIECE):
            end = len(piece)
        log.lines(stream, piece[:end].decode("utf-8", "replace").removesuffix("\n"))
        start += end
    return start


def last_words(files: str) -> str:
    """What a process said on stderr that died outside of any attempt: why it could not start."""
    with suppress(OSError, ValueError):
        if os.path.exists(f"{files}.state"):
            state = State(f"{files}.state", must_exist=True)
            _, path = state.read()
            state.close()
            if path:
                return ""
        with open(f"{files}.err", errors="replace") as file:
            return file.read()[-_LAST_CHARACTERS:].strip()
    return ""


def has_rest(files: str) -> bool:
    """Whether a dead process left output that is in no log yet; if not, its files are removed."""
    with suppress(OSError, ValueError):
        state = State(f"{files}.state", must_exist=True)
        folded, path = state.read()
        state.close()
        sizes = [os.stat(f"{files}.{ending}").st_size for ending in ("out", "err")]
        if path and any(size > done for size, done in zip(sizes, folded, strict=True)):
            return True
    _remove(files)
    return False


def fold_what_is_left(files: str, masker: Masker) -> None:
    """After the death of the process that had `files`: fold what it left into its last log, and remove the files."""
    with suppress(OSError, ValueError, UnicodeDecodeError):
        state = State(f"{files}.state", must_exist=True)
        folded, path = state.read()
        state.close()
        if path:
            log = Log(LogFile(path), masker)
            for number, ending in enumerate(("out", "err")):
                fd = os.open(f"{files}.{ending}", os.O_RDONLY)
                try:
                    fold(fd, folded[number], log, _STREAMS[number], final=True)
                finally:
                    os.close(fd)
            log.close()
    _remove(files)


def _remove(files: str) -> None:
    for ending in ("out", "err", "state"):
        with suppress(OSError):
            os.unlink(f"{files}.{ending}")


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
