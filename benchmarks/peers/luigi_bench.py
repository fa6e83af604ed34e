"""Luigi: the local scheduler in process with one worker, each task leaving a small file as its target.

With a second worker Luigi forks a process for each task: six times slower a hop, and no quicker a fan-out.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import luigi

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


class Link(luigi.Task):  # type: ignore[misc, unused-ignore]
    """One task of the chain."""

    folder = luigi.Parameter()
    position = luigi.IntParameter()

    def requires(self) -> Any:
        return [Link(folder=self.folder, position=self.position - 1)] if self.position else []

    def output(self) -> Any:
        return luigi.LocalTarget(os.path.join(self.folder, str(self.position)))

    def run(self) -> None:
        with self.output().open("w") as out:
            out.write(str(time.time_ns()))


class Same(luigi.Task):  # type: ignore[misc, unused-ignore]
    """One task of the fan-out."""

    folder = luigi.Parameter()
    x = luigi.IntParameter()

    def output(self) -> Any:
        return luigi.LocalTarget(os.path.join(self.folder, str(self.x)))

    def run(self) -> None:
        with self.output().open("w") as out:
            out.write(str(self.x))


def build(tasks: list[luigi.Task]) -> None:
    """Run the tasks and everything that they require."""
    if not luigi.build(tasks, local_scheduler=True, workers=1, log_level="ERROR"):
        raise RuntimeError("Luigi reports a failure")


def chain(length: int) -> Sequence[int]:
    """Asking for the last link builds all of them."""
    with tempfile.TemporaryDirectory() as folder:
        build([Link(folder=folder, position=length - 1)])
        return [int((Path(folder) / str(position)).read_text()) for position in range(length)]


def fanout(xs: Iterable[int]) -> Sequence[int]:
    """All tasks in one build."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = [Same(folder=folder, x=x) for x in xs]
        build(tasks)
        return [int((Path(folder) / str(task.x)).read_text()) for task in tasks]


if __name__ == "__main__":
    report(measure(sizes_from_arguments(), version("luigi"), chain, fanout))
