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


def of_home(home: Path) -> list[psutil.Process]:
    """Everything that runs with `HOME` at this folder: also what has left its parent. The folder is ours alone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(home):
                found.append(process)
    return found


def kill_all_of(home: Path) -> None:
    """`kill -9` of everything of this home, oldest first, until nothing is left that could start another one."""
    for _ in range(10):
        members = sorted(of_home(home), key=lambda process: process.create_time())
        if not members:
            return
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(members, timeout=5)
    raise RuntimeError(f"processes {[member.pid for member in of_home(home)]} do not end")


def run(
    command: Sequence[str], *, cwd: Path, env: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run to the end, at most for `timeout_s`. Raises what went wrong, with the last lines that it said."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            kill_all_of(Path(env["HOME"]))
            raise
    if process.returncode != 0:
        said = "\n".join((err or out).splitlines()[-15:])
        raise RuntimeError(f"{Path(command[0]).name} {' '.join(command[1:])} ended with {process.returncode}: {said}")
    return subprocess.CompletedProcess(command, 0, out, err)


class PeakMemory:
    """Samples the PSS of one process until the block ends."""

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
    """SIGTERM, and `kill -9` when that is not enough."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
