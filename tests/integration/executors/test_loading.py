"""Files of a bundle are loaded by a worker, never here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import Bench, spec
from tests.integration.executors.conftest import Benches
from toque.errors import UserError
from toque.executors.loading import Loading
from toque.graph import canonical
from toque.graph.ir import TaskNode
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


async def loading(benches: Benches, tmp_path: Path, **files: str) -> tuple[Bench, Loading, BundleRef]:
    root = tmp_path / "project"
    root.mkdir()
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    bundle = BundleRef(hash="b", path=str(root), project=str(root))
    bench = await benches(bundle=bundle, project=str(root))
    return bench, Loading(bench.executor), bundle  # type: ignore[arg-type]


async def test_a_file_gives_its_pipelines_without_being_imported_here(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(benches, tmp_path, loaded_flights=GOOD)
    [loaded] = await loads.load(bundle, ["loaded_flights.py"])
    assert loaded.failure is None
    [pipeline] = [canonical.decode(data) for data in loaded.pipelines]
    assert pipeline.name == "flights"
    assert "loaded_flights" not in sys.modules


async def test_the_worker_that_loaded_is_the_first_warm_one(benches: Benches, tmp_path: Path) -> None:
    bench, loads, bundle = await loading(benches, tmp_path, flights=GOOD)
    [loaded] = await loads.load(bundle, ["flights.py"])
    [node] = canonical.decode(loaded.pipelines[0]).nodes
    assert isinstance(node, TaskNode)
    worker = next(iter(bench.executor._fleet.workers.values()))  # type: ignore[attr-defined]
    made = spec(node, parameters={"year": 2013})
    bench.submit(made)
    report: Any = await bench.end(made)
    assert report.result.inline == str(worker.pid).encode()


async def test_parameters_are_checked_by_their_types(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(benches, tmp_path, flights=GOOD)
    await loads.load(bundle, ["flights.py"])
    assert await loads.validate(bundle, "flights.py", "flights", {"year": "2014"}) == {"year": 2014}
    assert await loads.validate(bundle, "flights.py", "flights", {}) == {"year": 2013}
    with pytest.raises(UserError, match="year"):
        await loads.validate(bundle, "flights.py", "flights", {"year": "soon"})
    with pytest.raises(UserError, match="no pipeline 'trains'"):
        await loads.validate(bundle, "flights.py", "trains", {})


async def test_a_broken_file_is_reported_with_its_line_and_the_rest_is_loaded(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(
        benches, tmp_path, good=GOOD, broken="x = 1\nraise ValueError('no')\n", odd="x = (\n"
    )
    good, broken, odd = await loads.load(bundle, ["good.py", "broken.py", "odd.py"])
    assert len(good.pipelines) == 1
    assert broken.failure
    assert (broken.failure.file, broken.failure.line) == ("broken.py", 2)
    assert "ValueError: no" in broken.failure.message
    assert odd.failure
    assert odd.failure.line == 1


async def test_an_import_that_hangs_is_cut_off_and_named(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(benches, tmp_path, good=GOOD, hangs=HANGS)
    good, hangs = await loads.load(bundle, ["good.py", "hangs.py"], timeout_s=1.5)
    assert len(good.pipelines) == 1
    assert hangs.failure
    assert "did not end within 1.5 s" in hangs.failure.message
    assert (hangs.failure.file, hangs.failure.line, hangs.failure.source) == ("hangs.py", 5, "waits.wait()")
    assert hangs.failure.fix


async def test_a_file_that_ends_the_process_is_named(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(benches, tmp_path, good=GOOD, dies="import os\nos._exit(3)\n")
    good, dies = await loads.load(bundle, ["good.py", "dies.py"])
    assert len(good.pipelines) == 1
    assert dies.failure
    assert "died" in dies.failure.message


async def test_a_name_that_two_files_use_is_an_error_of_the_second(benches: Benches, tmp_path: Path) -> None:
    _, loads, bundle = await loading(benches, tmp_path, one=GOOD, two=GOOD, dies="import os\nos._exit(3)\n")
    for files in (["one.py", "two.py"], ["one.py", "two.py", "dies.py"]):
        one, two, *_ = await loads.load(bundle, files)
        assert one.failure is None
        assert two.failure
        assert "flights is taken" in two.failure.message
