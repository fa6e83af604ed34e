"""Processes by session: who is in it, whether it is gone, and how to end all of it.

A worker leads a session of its own. Its process group alone would not do: a shell with job control, or a library that
starts its children in groups of their own, leaves the group but not the session. A process that calls `setsid` itself
escapes; nothing short of a container prevents that.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

_PROC = "/proc"
HAS_PROC = os.path.exists("/proc/self/stat")
"""Without it (macOS) the process group stands for the session."""


def start_mark(pid: int) -> str:
    """Identifies a process beside its pid, which the kernel uses again; "" if there is nothing to tell it by."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def members(session: int) -> list[int]:
    """Pids of the living processes of `session`; zombies do not count."""
    if not HAS_PROC:
        return [session] if _group_exists(session) else []
    found = []
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields and fields[3] == str(session) and fields[0] not in "ZX":
                found.append(int(entry))
    return found


def signal_all(session: int, signo: int) -> None:
    """Signal every process of `session`. Its leader must be ours and not be reaped yet, or be known by its start mark:
    else the number may be somebody else's."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signo)
    if HAS_PROC:
        for pid in members(session):
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != session:
                    os.kill(pid, signo)


def kill(session: int) -> None:
    """SIGKILL to every process of `session`, also to those that it starts meanwhile."""
    for _ in range(100):
        signal_all(session, signal.SIGKILL)
        # The leader may be a zombie that only its parent can reap; everybody else must be gone.
        if not members(session):
            return


def resident_bytes(session: int) -> int:
    """Memory that the processes of `session` hold in RAM; 0 where that cannot be told."""
    total = 0
    for pid in members(session) if HAS_PROC else ():
        with suppress(OSError, IndexError, ValueError), open(f"{_PROC}/{pid}/statm") as file:
            total += int(file.read().split()[1])
    return total * os.sysconf("SC_PAGESIZE")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/pid/stat from the third (the state) on; the name before them may contain anything."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
