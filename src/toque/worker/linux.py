"""What only Linux offers, by `prctl`; elsewhere these do nothing."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_FALLOC_KEEP_SIZE, _FALLOC_PUNCH_HOLE = 1, 2


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def become_subreaper() -> None:
    """Orphans among our descendants become our children: they can be reaped, and so be seen to be gone."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """SIGKILL this process when `parent` dies, which may have happened already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if sys.platform == "linux" and os.getppid() != parent:
        os._exit(1)


def free_head(fd: int, size_bytes: int) -> None:
    """Give the disk space of the first bytes of a file back; its length and offsets stay."""
    if sys.platform == "linux":
        call = ctypes.CDLL(None, use_errno=True).fallocate
        call(fd, _FALLOC_KEEP_SIZE | _FALLOC_PUNCH_HOLE, ctypes.c_longlong(0), ctypes.c_longlong(size_bytes))


def buffer_c_output_by_line() -> None:
    """C code that prints into a file is buffered by block; what it said before a kill would be lost."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    for name in ("stdout", "stderr"):
        libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, 1, 0)  # 1 is _IOLBF
