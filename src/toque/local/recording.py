"""Recording: metrics and artifacts that attempts report, kept beside their logs as JSON lines.

They are signals, not facts: nothing is decided by them, so they cost no transaction, and what was reported in the last
instants before a `kill -9` of the owner may be missing. Retention removes them with the logs of the run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from toque.ports.executor import Artifact, Metric, Signal

log = logging.getLogger("toque.runtime")

FLUSH_S = 0.2
FILE = "signals.jsonl"


class Recorded(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the file."""

    t: int
    """Microseconds since 1970-01-01 UTC."""
    signal: Literal["metric", "artifact"]
    task: str
    map_index: tuple[int, ...] = ()
    attempt: int
    name: str
    value: Any = None
    """Number of a metric; a small artifact itself, in tagged JSON."""
    kind: str = ""
    """Of an artifact."""
    blob: str = ""
    """Key of an artifact that is not small."""
    codec: str = "json"
    """Form of an artifact (see `ValueRef`)."""
    inline: bytes = b""
    """A small artifact that is no JSON: an image, a table."""
    size_bytes: int = 0


class Recorder:
    """Appends to the files of runs, a little later and many lines at a time."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._waiting: dict[str, bytearray] = {}
        self._flush: asyncio.TimerHandle | None = None

    def signal(self, signal: Signal) -> None:
        """Keep a metric or artifact; progress is only ever looked at live."""
        match signal:
            case Metric():
                line = _line(signal, "metric", value=signal.value)
            case Artifact(value=ref):
                small = ref.inline or b""
                line = _line(
                    signal,
                    "artifact",
                    value=msgspec.json.decode(small) if small and ref.codec == "json" else None,
                    kind=signal.kind,
                    blob=ref.blob or "",
                    codec=ref.codec,
                    inline=b"" if ref.codec == "json" else small,
                    size_bytes=ref.size_bytes,
                )
            case _:
                return
        self._waiting.setdefault(signal.run_id, bytearray()).extend(msgspec.json.encode(line) + b"\n")
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        for run_id, lines in self._waiting.items():
            try:
                folder = self._logs / run_id
                folder.mkdir(parents=True, exist_ok=True)
                with open(folder / FILE, "ab") as file:
                    file.write(lines)
            except OSError as problem:
                log.warning("metrics and artifacts of run %s were not recorded: %s", run_id, problem)
        self._waiting.clear()


def recorded(logs: Path, run_id: str) -> list[Recorded]:
    """The metrics and artifacts of a run, in the order in which they were reported."""
    try:
        lines = (logs / run_id / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Recorded))
        except msgspec.MsgspecError:
            continue  # a kill cut it in two
    return found


def _line(signal: Metric | Artifact, what: Literal["metric", "artifact"], **fields: Any) -> Recorded:
    return Recorded(
        t=time.time_ns() // 1000,
        signal=what,
        task=signal.task,
        map_index=signal.map_index,
        attempt=signal.attempt,
        name=signal.name,
        **fields,
    )
