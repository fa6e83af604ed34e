"""Parameters are validated by a worker, so that user code is never imported here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import Bench, spec
from tests.integration.executors.conftest import Benches
from toque.errors import UserError
from toque.executors.validating import validate
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, TaskNode
from toque.ports.executor import BundleRef

GOOD = """
from toque import pipeline, task
import os

@task
def pull(year: int) -> int:
    return os.getpid()

@pipeline
def flights(year: int = 2013):
    return pull(year)
"""

HANGS = """
import threading
waits = threading.Event()
def wait():
    waits.wait()
wait()
"""


async def bundled(benches: Benches, tmp_path: Path, **files: str) -> tuple[Bench, Any, BundleRef]:
    root = tmp_path / "project"
    root.mkdir()
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    bundle = BundleRef(hash="b", path=str(root), project=str(root))
    bench = await benches(bundle=bundle, project=str(root))
    return bench, bench.executor, bundle


async def test_parameters_are_checked_by_their_types_in_another_process(benches: Benches, tmp_path: Path) -> None:
    _, executor, bundle = await bundled(benches, tmp_path, validated_flights=GOOD)
    file = "validated_flights.py"
    assert await validate(executor, bundle, file, "flights", {"year": "2014"}) == {"year": 2014}
    assert await validate(executor, bundle, file, "flights", {}) == {"year": 2013}
    # Text may hold a number of any size: it reaches the task as it is.
    digits = "9" * 30
    assert await validate(executor, bundle, file, "flights", {"year": digits}) == {"year": {"$": "int", "v": digits}}
    with pytest.raises(UserError, match="year"):
        await validate(executor, bundle, file, "flights", {"year": "soon"})
    with pytest.raises(UserError, match="no pipeline 'trains'"):
        await validate(executor, bundle, file, "trains", {})
    with pytest.raises(UserError, match="more than 64 bits"):
        await validate(executor, bundle, file, "flights", {"year": 10**20})
    assert "validated_flights" not in sys.modules


async def test_the_worker_that_validated_is_the_first_warm_one(benches: Benches, tmp_path: Path) -> None:
    bench, executor, bundle = await bundled(benches, tmp_path, flights=GOOD)
    await validate(executor, bundle, "flights.py", "flights", {})
    [worker] = executor._fleet.workers.values()
    made = spec(TaskNode(id="pull", code=CodeRef(module="flights", qualname="pull"), args=(Const(value=2013),)))
    bench.submit(made)
    report: Any = await bench.end(made)
    assert report.result.inline == str(worker.pid).encode()


@pytest.mark.parametrize(("name", "line"), [("broken", 2), ("odd", 1)])
async def test_a_broken_file_is_named_with_its_line(benches: Benches, tmp_path: Path, name: str, line: int) -> None:
    _, executor, bundle = await bundled(benches, tmp_path, broken="x = 1\nraise ValueError('no')\n", odd="x = (\n")
    with pytest.raises(UserError) as caught:
        await validate(executor, bundle, f"{name}.py", "flights", {})
    assert (caught.value.file, caught.value.line) == (f"{name}.py", line)


async def test_an_import_that_hangs_is_cut_off_and_named(benches: Benches, tmp_path: Path) -> None:
    _, executor, bundle = await bundled(benches, tmp_path, hangs=HANGS)
    with pytest.raises(UserError, match=r"did not end within 1\.5 s") as caught:
        await validate(executor, bundle, "hangs.py", "flights", {}, timeout_s=1.5)
    assert (caught.value.file, caught.value.line, caught.value.source) == ("hangs.py", 5, "waits.wait()")
    assert caught.value.fix


async def test_a_file_that_ends_the_process_is_named(benches: Benches, tmp_path: Path) -> None:
    _, executor, bundle = await bundled(benches, tmp_path, dies="import os\nos._exit(3)\n")
    with pytest.raises(UserError, match="died") as caught:
        await validate(executor, bundle, "dies.py", "flights", {})
    assert caught.value.file == "dies.py"
