"""The zygote: a small single-threaded process that forks workers in milliseconds, and is their parent.

It imports what a worker needs and never user code. As the parent it is the only one who can say for certain that a
worker is dead and its number not yet somebody else's, so all signals go through it. When its server is gone (end of
the stream), it kills every session that it started and exits; should it be killed itself, the kernel kills its workers.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from toque.worker import linux, sessions, wire
from toque.worker.framing import READ_BYTES, Unframer, framed
from toque.worker.masking import Masker
from toque.worker.rawoutput import fold_what_is_left, has_rest, last_words

_CHECK_EVERY_MS = 2
_PRELOAD_AFTER_MS = 1000
"""The first workers have their own imports to do; they come first."""
MAX_FDS = 16

Serve = Callable[[socket.socket, int, str], None]
"""(socket, reading end of the permits, path of the worker's files): serve until told to stop."""


class Zygote:
    """Forks, watches and kills."""

    def __init__(
        self, server: socket.socket, serve: Serve, masker: Callable[[], Masker], later: Sequence[str] = ()
    ) -> None:
        """`later`: modules that most workers need, imported when there is time for it, so that they are shared."""
        self._later = deque(later)
        self._server = server
        self._serve = serve
        self._masker = masker
        self._unframer = Unframer()
        self._fds: deque[int] = deque()
        self._pids: dict[int, int] = {}
        self._files: dict[int, str] = {}
        self._dying: dict[int, tuple[int, int]] = {}
        """Reaped workers of whose session something is left: number → (pid, status)."""
        self._folding: dict[int, wire.Died | None] = {}
        """Children that fold the output of the dead, and what to tell when they have."""
        self._is_orphan = False

    def run(self) -> None:
        """Serve until the server is gone and so are all workers."""
        linux.become_subreaper()
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._inherited = (wake_read, wake_write)
        gc.collect()
        gc.freeze()
        poll = select.poll()
        poll.register(self._server, select.POLLIN)
        poll.register(wake_read, select.POLLIN)
        while not self._is_orphan or self._pids or self._dying or self._folding:
            ready = poll.poll(self._patience_ms())
            if not ready and self._later:
                importlib.import_module(self._later.popleft())
                gc.freeze()
            for fd, _ in ready:
                if fd == wake_read:
                    os.read(wake_read, 4096)
                elif not self._is_orphan and not self._read():
                    self._is_orphan = True
                    poll.unregister(self._server)
                    for no in self._pids:
                        self._kill(no)
            self._reap()
            self._confirm()

    def _patience_ms(self) -> int | None:
        if self._dying:
            return _CHECK_EVERY_MS
        return _PRELOAD_AFTER_MS if self._later else None

    def _read(self) -> bool:
        """Obey what arrived. False at the end of the stream."""
        try:
            data, fds, _, _ = socket.recv_fds(self._server, READ_BYTES, MAX_FDS)
        except ConnectionError:
            return False
        self._fds.extend(fds)
        for payload in self._unframer.feed(data):
            match wire.decode_to_zygote(payload):
                case wire.Spawn() as message:
                    self._spawn(message)
                case wire.Send(no=no, signal=signo, everybody=everybody):
                    if no in self._pids:
                        if everybody:
                            sessions.signal_all(self._pids[no], signo)
                        else:
                            os.kill(self._pids[no], signo)
                case wire.Kill(no=no):
                    self._kill(no)
                case wire.Fold(files=files):
                    self._fold(files, None)
        return bool(data)

    def _kill(self, no: int) -> None:
        if no in self._pids:
            sessions.kill(self._pids[no])

    def _spawn(self, message: wire.Spawn) -> None:
        connection, permits = self._fds.popleft(), self._fds.popleft()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_worker(message, connection, permits, parent)
        os.close(connection)
        os.close(permits)
        self._pids[message.no] = pid
        self._files[message.no] = message.files
        self._tell(wire.Spawned(message.no, pid, sessions.start_mark(pid)))

    def _be_worker(self, message: wire.Spawn, connection: int, permits: int, parent: int) -> NoReturn:
        """In the child."""
        status = 1
        try:
            os.setsid()
            linux.die_with_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._server.close()
            for fd in (*self._inherited, *self._fds):
                os.close(fd)
            if message.python:
                # Why another interpreter cannot be a worker is said before it has taken over these files.
                errors = os.open(f"{message.files}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                for standard in (1, 2):
                    os.dup2(errors, standard)
                for fd in (connection, permits):
                    os.set_inheritable(fd, True)
                os.execv(message.python, worker_command(message, connection, permits))
            self._serve(socket.socket(fileno=connection), permits, message.files)
            # Clients that user code opened may want to say good-bye; its threads are not waited for.
            atexit._run_exitfuncs()
            status = 0
        except BaseException:
            # Above this frame is the zygote's own loop, which a child must never return to.
            sys.excepthook(*sys.exc_info())
        finally:
            _flush()
            os._exit(status)

    def _reap(self) -> None:
        """Take every dead child."""
        while (dead := _dead_child()) is not None:
            pid, status = dead
            no = next((no for no, known in self._pids.items() if known == pid), None)
            if no is not None:
                sessions.kill(pid)
            if status is None:
                _, status = os.waitpid(pid, 0)
            if no is not None:
                del self._pids[no]
                self._dying[no] = (pid, os.waitstatus_to_exitcode(status))
            elif pid in self._folding:
                died = self._folding.pop(pid)
                if died is not None:
                    self._tell(died)

    def _confirm(self) -> None:
        """Report workers of whose session nothing is left, after their last output is in the log."""
        for no, (pid, status) in list(self._dying.items()):
            if not sessions.members(pid):
                del self._dying[no]
                files = self._files.pop(no)
                self._fold(files, wire.Died(no, pid, status, last_words(files)))

    def _fold(self, files: str, died: wire.Died | None) -> None:
        """In a child of our own: there may be much to fold, and the secrets of the project are needed, of which a
        zygote keeps none. `died` is told afterwards."""
        if not has_rest(files):
            if died is not None:
                self._tell(died)
            return
        pid = os.fork()
        if pid == 0:
            try:
                self._server.close()
                fold_what_is_left(files, self._masker())
            finally:
                os._exit(0)
        self._folding[pid] = died

    def _tell(self, message: Any) -> None:
        if not self._is_orphan:
            try:
                self._server.sendall(framed(wire.encode(message)))
            except ConnectionError:
                pass  # the end of the stream is about to be read


def _dead_child() -> tuple[int, int | None] | None:
    """A dead child, and its status if it had to be reaped to find it.

    It need not where there is `waitid`: while a child is a zombie its number is its own, and its session can be killed
    without fear of hitting a stranger. macOS has none before Python 3.13.
    """
    try:
        if hasattr(os, "waitid"):
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return (found.si_pid, None) if found is not None else None
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def worker_command(message: wire.Spawn, connection: int, permits: int) -> list[str]:
    """How another interpreter becomes a worker."""
    arguments = ["worker", str(connection), str(permits), message.files]
    return [message.python, "-P", "-m", "toque.worker_main", *arguments]


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
