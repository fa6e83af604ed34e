"""Who lives on a SQLite file: each instance holds a lock on a file of its own, which its death lets go of.

`flock` and not a POSIX record lock: the latter is lost as soon as any descriptor of the file is closed in the
process. The kernel frees the lock however the process ends, so that no timeout is needed. A child made by `fork`
shares the lock, so it closes the descriptor at once; those that `exec` never inherit it.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

from toque.ports.store import AlreadyServed, StoreUnavailable

SERVER = "server"


class InstanceLocks:
    """The lock files beside one database."""

    def __init__(self, database: str) -> None:
        self._folder = Path(f"{database}-instances")
        self._held: dict[str, int] = {}
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def hold(self, instance: str, pid: int) -> None:
        """Be alive under this name until `release` or death."""
        if instance not in self._held:
            self._held[instance] = self._lock(f"{instance}.lock", pid, wait=True)

    def hold_server(self, pid: int) -> None:
        """Be the only server of this file. Raises `AlreadyServed`."""
        if SERVER in self._held:
            return
        try:
            self._held[SERVER] = self._lock(SERVER, pid, wait=False)
        except BlockingIOError:
            raise AlreadyServed(_pid_in(self._folder / SERVER)) from None

    def is_alive(self, instance: str) -> bool:
        """Whether some process holds the name."""
        if instance in self._held:
            return True
        path = self._folder / f"{instance}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            # Shared, so that two processes that look at once do not take each other for the holder.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def living(self) -> list[str]:
        """Names that some process holds."""
        return [name for name in self._known() if self.is_alive(name)]

    def sweep(self) -> None:
        """Remove the files that the dead left."""
        for name in self._known():
            if not self.is_alive(name):
                (self._folder / f"{name}.lock").unlink(missing_ok=True)

    def release(self) -> None:
        """Let go of everything."""
        for name, descriptor in self._held.items():
            if name != SERVER:
                (self._folder / f"{name}.lock").unlink(missing_ok=True)
            os.close(descriptor)
        self._held.clear()

    def _known(self) -> list[str]:
        return sorted(path.name.removesuffix(".lock") for path in self._folder.glob("*.lock"))

    def _forget(self) -> None:
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _lock(self, name: str, pid: int, *, wait: bool) -> int:
        """Descriptor of the locked file, `pid` written into it."""
        path = self._folder / name
        try:
            self._folder.mkdir(exist_ok=True)
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                    if _is_same_file(descriptor, path):
                        os.ftruncate(descriptor, 0)
                        os.pwrite(descriptor, str(pid).encode(), 0)
                        return descriptor
                except BaseException:
                    os.close(descriptor)
                    raise
                # A sweep removed the file between our open and our lock.
                os.close(descriptor)
        except BlockingIOError:
            raise
        except OSError as error:
            raise StoreUnavailable(f"the lock file {path} cannot be made: {error.strerror}") from error


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _pid_in(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except (OSError, ValueError):
        return 0
