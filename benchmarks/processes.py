"""Processes of a system that is measured: their memory, their processor time, their end."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil


def pss_mb(pid: int) -> float:
    """Proportional set size: shared pages counted once over all who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no Pss in smaps_rollup of process {pid}")


def cpu_s(pid: int) -> float:
    """Processor time that one process has used so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_family(pid: int) -> None:
    """`kill -9` of a process and everything below it, the parent first so that nothing is started anew."""
    members = family(pid)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(members, timeout=10)


def run(
    command: Sequence[str], *, cwd: Path, env: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run to the end; at the timeout everything below the command is killed, too. Raises what went wrong."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            kill_family(process.pid)
            raise
    if process.returncode != 0:
        said = "\n".join((err or out).splitlines()[-15:])
        raise RuntimeError(f"{Path(command[0]).name} {' '.join(command[1:])} ended with {process.returncode}: {said}")
    return subprocess.CompletedProcess(command, 0, out, err)


class PeakMemory:
    """Samples the PSS of one process until the block ends: `peak_mb` since the last `restart`."""

    def __init__(self, pid: int, *, every_s: float = 0.2) -> None:
        self.peak_mb = 0.0
        self._pid = pid
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self.peak_mb = max(self.peak_mb, pss_mb(self._pid))
            except (FileNotFoundError, ProcessLookupError, RuntimeError):
                return


def end(process: subprocess.Popen[Any], *, timeout_s: float = 20) -> None:
    """SIGTERM, then `kill -9` of all that is left below."""
    members = family(process.pid)
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for member in members[1:]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
