"""The logs of a run: one file of JSON lines for each attempt, read as one stream in order of time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

MERGED_FILES = 256
"""More files than this are read one after the other: each open one costs a descriptor."""

_NAME = re.compile(r"(_|\d+(?:\.\d+)*)-(\d+)\.jsonl")


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line of a log, and where it comes from. Fields as `toque.worker.log` writes them."""

    t: int
    """Microseconds since 1970-01-01 UTC."""
    level: str = "info"
    stream: str = "log"
    msg: str = ""
    logger: str = ""
    task: str = ""
    map_index: tuple[int, ...] = ()
    attempt: int = 0


@dataclass(frozen=True)
class AttemptLog:
    """The file of one attempt."""

    path: Path
    task: str
    map_index: tuple[int, ...]
    attempt: int


@dataclass(frozen=True)
class Wanted:
    """Which attempts a reader asks for; "" and None mean all."""

    task: str = ""
    map_index: tuple[int, ...] = ()
    attempt: int | None = None

    def __call__(self, log: AttemptLog) -> bool:
        return (
            self.task in ("", log.task)
            and self.map_index == log.map_index[: len(self.map_index)]
            and self.attempt in (None, log.attempt)
        )


def attempt_logs(directory: Path, wanted: Wanted) -> list[AttemptLog]:
    """The logs below the directory of a run, by task, map index and attempt."""
    found = []
    for path in directory.glob("*/*.jsonl"):
        name = _NAME.fullmatch(path.name)
        if name:
            index = () if name[1] == "_" else tuple(map(int, name[1].split(".")))
            log = AttemptLog(path, path.parent.name.replace("~", "/"), index, int(name[2]))
            if wanted(log):
                found.append(log)
    return sorted(found, key=lambda log: (log.task, log.map_index, log.attempt))


def read(logs: Iterable[AttemptLog]) -> Iterator[Line]:
    """All lines; in order of time unless there are too many files to merge."""
    streams = [_lines(log) for log in logs]
    if len(streams) > MERGED_FILES:
        for stream in streams:
            yield from stream
    else:
        yield from heapq.merge(*streams, key=lambda line: line.t)


def follow(
    list_logs: Callable[[], list[AttemptLog]], is_over: Callable[[], bool], pause: Callable[[], None]
) -> Iterator[Line]:
    """What is there, then what comes, until the run is over and everything was read."""
    positions: dict[Path, int] = {}
    while True:
        over = is_over()  # before reading: what is written after the answer is read by the next round
        news = [line for log in list_logs() for line in _new_lines(log, positions)]
        yield from sorted(news, key=lambda line: line.t)
        if over:
            return
        if not news:
            pause()


def _lines(log: AttemptLog) -> Iterator[Line]:
    with open(log.path, "rb") as file:
        for raw in file:
            line = _decoded(raw, log)
            if line is not None:
                yield line


def _new_lines(log: AttemptLog, positions: dict[Path, int]) -> Iterator[Line]:
    with open(log.path, "rb") as file:
        file.seek(positions.get(log.path, 0))
        for raw in file:
            if not raw.endswith(b"\n"):
                break  # still being written
            positions[log.path] = positions.get(log.path, 0) + len(raw)
            line = _decoded(raw, log)
            if line is not None:
                yield line


def _decoded(raw: bytes, log: AttemptLog) -> Line | None:
    """None for a line that a kill cut in two."""
    try:
        line = msgspec.json.decode(raw, type=Line)
    except msgspec.MsgspecError:
        return None
    line.task, line.map_index, line.attempt = log.task, log.map_index, log.attempt
    return line
