"""A command line to call, and a project with history to call it on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toque.cli.application import call
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo
from toque.graph import canonical
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.ports.store import Commit, Store, VersionRow
from toque.store import open_store

SECOND = 1_000_000
DAY = 86_400 * SECOND
ERROR = ErrorInfo(kind="data", type="ValueError", message="bad row", file="flow.py", line=7)


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Toque = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty declared project, which is the working directory."""
    for name in ("TOQUE_PROFILE", "TOQUE_STORE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    (root / "toque.toml").write_text('name = "example"\n')
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def toque(project: Path, capsys: pytest.CaptureFixture[str]) -> Toque:
    """Calls the command line in the project."""

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = call(arguments)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


def in_store(project: Path, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Do something with the project's store, which is made if need be."""

    async def main() -> Any:
        (project / ".toque").mkdir(exist_ok=True)
        store = open_store(f"sqlite:///{project}/.toque/toque.db")
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def version(name: str = "1111.aaaa", *, tasks: tuple[str, ...] = ("extract", "load"), at_us: int = 1) -> VersionRow:
    nodes = tuple(TaskNode(id=task, code=CodeRef(module="flow", qualname=task)) for task in tasks)
    ir = Pipeline(name="flights", nodes=nodes)
    return VersionRow(
        version=name,
        pipeline="flights",
        ir_hash=name.partition(".")[0],
        bundle=name.partition(".")[2],
        ir=canonical.encode(ir),
        created_us=at_us,
        git_commit="c0ffee" * 6,
        git_dirty=True,
        actor="ada",
    )


def run_row(run_id: str, state: RunState = RunState.SUCCEEDED, **fields: Any) -> RunRow:
    defaults: dict[str, Any] = {
        "pipeline": "flights",
        "version": "1111.aaaa",
        "parameters": {"year": 2013},
        "created_us": 1_000 * SECOND,
        "started_us": 1_000 * SECOND,
        "finished_us": 1_002 * SECOND if state.is_terminal else 0,
    }
    return RunRow(run_id=run_id, state=state, **{**defaults, **fields})


async def fill(store: Store) -> None:
    """Three runs: one that succeeded, one that failed, one that nobody owns any more."""
    await store.put_version(version(), make_current=True)
    task = TaskRow(run_id="r2", task="load", map_index=(3,), state=TaskState.FAILED, attempt=2, error=ERROR)
    done = TaskRow(run_id="r2", task="extract", state=TaskState.SUCCEEDED, attempt=1)
    await store.create_run(run_row("r1"))
    await store.create_run(run_row("r2", RunState.FAILED, owner="me"))
    await store.commit(Commit(instance="me", tasks=[task, done]))
    await store.create_run(run_row("r3", RunState.RUNNING, pipeline="other"))


@pytest.fixture
def history(project: Path) -> Path:
    """The project, with the runs of `fill`."""
    in_store(project, fill)
    return project
