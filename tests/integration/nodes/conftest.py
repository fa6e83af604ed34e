"""Pipelines of loads, syncs and assets, node by node in this process: what each attempt reports is there to look at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.attempts import spec
from toque.authoring import loader
from toque.engine.assets import AnyAssetEvent, Checked, Materialized
from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.graph.ir import Pipeline, TaskNode
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.executor import Artifact, Signal
from toque.settings import load as load_settings
from toque.store.blobs import MemoryBlobs
from toque.worker import attempt, values
from toque.worker.environment import Environment


class Ran:
    """What the attempts of one run reported, by node."""

    def __init__(self, reports: dict[str, Any], signals: list[Signal], blobs: MemoryBlobs) -> None:
        self.reports = reports
        self.signals = signals
        self.blobs = blobs

    def result(self, node: str) -> Any:
        report = self.reports[node]
        assert isinstance(report, AttemptSucceeded), report.error
        return values.decode(report.result, self.blobs)

    def error(self, node: str) -> Any:
        report = self.reports[node]
        assert isinstance(report, AttemptFailed)
        return report.error

    def told(self, node: str) -> tuple[AnyAssetEvent, ...]:
        return tuple(self.reports[node].assets)

    def made(self, node: str) -> Materialized:
        (found,) = (event for event in self.told(node) if isinstance(event, Materialized))
        return found

    def checked(self, node: str) -> dict[str, Checked]:
        return {event.check: event for event in self.told(node) if isinstance(event, Checked)}

    def artifact(self, name: str) -> Any:
        (found,) = (each for each in self.signals if isinstance(each, Artifact) and each.name == name)
        return values.decode(found.value, self.blobs)


class Project:
    """A project in a folder: its settings, one file, and a DuckDB warehouse."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = '[connections.warehouse]\ntype = "duckdb"\npath = "shop.duckdb"\n'
        self.blobs = MemoryBlobs()
        self._loaded: list[Pipeline] = []

    def connect(self, name: str, **options: str) -> None:
        lines = "".join(f'{key} = "{value}"\n' for key, value in options.items())
        self.settings += f"[connections.{name}]\n{lines}"

    def load(self, source: str) -> Pipeline:
        """The last pipeline of a file."""
        (self.root / "toque.toml").write_text(self.settings)
        (self.root / "shop.py").write_text(dedent(source))
        self._loaded = [each.ir for each in loader.load_file(self.root / "shop.py", self.root)]
        return self._loaded[-1]

    @property
    def module(self) -> Any:
        """The file, imported."""
        return sys.modules["shop"]

    def named(self, name: str) -> Pipeline:
        """One of those that were loaded."""
        return next(each for each in self._loaded if each.name == name)

    def run(self, pipeline: Pipeline, **context: Any) -> Ran:
        """Each node once, until one fails."""
        signals: list[Signal] = []
        settings = load_settings(self.root, environ={})
        env = Environment(
            lambda: self.blobs, lambda: settings, signals.append, project=str(self.root), max_pickle_bytes=1_000_000
        )
        reports: dict[str, Any] = {}
        for node in pipeline.nodes:
            assert isinstance(node, TaskNode)
            reports[node.id] = attempt.execute(spec(node, **context), env)
            if isinstance(reports[node.id], AttemptFailed):
                break
        return Ran(reports, signals, self.blobs)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.root / "shop.duckdb", settings={"threads": 1})

    def execute(self, *statements: str) -> None:
        with self.warehouse.session() as session:
            for statement in statements:
                session.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.fetch(query)


def forget(root: Path) -> None:
    """Of what was imported."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(root)):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if entry != str(root)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty one, which is the working directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    yield Project(tmp_path)
    forget(tmp_path)
