"""A run in memory: its machine, its graph, its code, and who waits for its end."""

from __future__ import annotations

import asyncio

import msgspec

from toque.engine.rows import RunRow
from toque.engine.run import Run
from toque.graph.ir import Pipeline
from toque.ports.executor import BundleRef


class OwnedRun:
    """A run that this instance owns by lease."""

    __slots__ = ("bundle", "machine", "pipeline")

    def __init__(self, machine: Run, pipeline: Pipeline, bundle: BundleRef) -> None:
        self.machine = machine
        self.pipeline = pipeline
        self.bundle = bundle

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.machine.row.run_id


class Ends:
    """Who waits for the end of which run."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[RunRow]]] = {}
        self.elsewhere: set[str] = set()
        """Runs that somebody waits for, and that another instance carries to their end."""

    def wait(self, run_id: str) -> asyncio.Future[RunRow]:
        """A future of the row with which the run ends."""
        future: asyncio.Future[RunRow] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, []).append(future)
        return future

    def ended(self, row: RunRow) -> None:
        """Tell those who wait."""
        self.elsewhere.discard(row.run_id)
        for future in self._waiting.pop(row.run_id, ()):
            if not future.done():
                future.set_result(msgspec.structs.replace(row))

    def lost(self, run_id: str) -> None:
        """The run goes on elsewhere: whoever waits for it here still learns how it ends."""
        if run_id in self._waiting:
            self.elsewhere.add(run_id)

    def broken(self, error: BaseException) -> None:
        """The runtime stops: nobody will ever be told."""
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        self._waiting.clear()
        self.elsewhere.clear()
