"""Files become pipelines."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.authoring.conftest import Write
from toque.authoring import loader
from toque.authoring.loader import Runnable
from toque.errors import UserError
from toque.graph import canonical
from toque.graph.ir import TaskNode

Load = Callable[[str], list[Runnable]]

SOURCE = """
from toque import flow, pipeline, task

@task
def extract(table: str) -> str:
    return table

@pipeline
def flights():
    extract("a")

@flow
def crawl(n: int): ...
"""


def test_pipelines_and_flows_of_a_file_in_its_order(load: Load) -> None:
    assert [runnable.name for runnable in load(SOURCE)] == ["flights", "crawl"]


def test_a_file_is_imported_as_its_module(write: Write, project: Path) -> None:
    path = write(SOURCE, "etl/daily/flows.py")
    (flights, _) = loader.load_file(path, project)
    (node,) = flights.ir.nodes
    assert isinstance(node, TaskNode)
    assert (node.code.module, node.code.qualname) == ("etl.daily.flows", "extract")
    assert flights.ir.parameters_code is not None
    assert flights.ir.parameters_code.module == "etl.daily.flows"
    assert node.origin is not None
    assert (node.origin.file, node.origin.line) == ("etl/daily/flows.py", 9)


def test_what_is_imported_from_another_file_belongs_to_that_file(write: Write, project: Path) -> None:
    first = write(SOURCE, "first.py")
    second = write(
        """
        from first import flights
        from toque import pipeline

        @pipeline
        def more():
            flights()
        """,
        "second.py",
    )
    loaded = loader.load_files([first, second], project)
    assert [[runnable.name for runnable in each.pipelines] for each in loaded] == [["flights", "crawl"], ["more"]]
    assert [node.id for node in loaded[1].pipelines[0].ir.nodes] == ["flights.extract"]


def test_a_broken_file_does_not_stop_the_others(write: Write, project: Path) -> None:
    broken = write("import nowhere_at_all", "broken.py")
    sound = write(SOURCE, "sound.py")
    loaded = loader.load_files([broken, sound], project)
    assert loaded[0].pipelines == ()
    assert loaded[0].error is not None
    assert (loaded[0].error.file, loaded[0].error.line) == ("broken.py", 1)
    assert [runnable.name for runnable in loaded[1].pipelines] == ["flights", "crawl"]


def test_one_name_in_two_files_is_an_error_of_the_second(write: Write, project: Path) -> None:
    paths = [write(SOURCE, "one.py"), write(SOURCE, "two.py")]
    loaded = loader.load_files(paths, project)
    assert loaded[0].error is None
    assert "The name flights is taken by another pipeline in one.py." in str(loaded[1].error)


def test_an_edited_file_is_read_anew(load: Load, project: Path) -> None:
    before = load(SOURCE)[0].ir
    after = load(SOURCE.replace('extract("a")', 'extract("b")'))[0].ir
    assert before.nodes != after.nodes


@pytest.mark.parametrize(("age_s", "is_kept"), [(0, False), (10, True)])
def test_bytecode_is_not_kept_of_what_may_be_edited_within_its_second(
    write: Write, project: Path, monkeypatch: pytest.MonkeyPatch, age_s: int, is_kept: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = write(SOURCE)
    saved_s = time.time() - age_s
    os.utime(path, (saved_s, saved_s))
    loader.load_file(path, project)
    assert Path(importlib.util.cache_from_source(path)).exists() == is_kept


def test_an_edited_helper_is_read_anew(write: Write, project: Path) -> None:
    helper = write("VALUE = 'a'", "helper.py")
    path = write(
        """
        from helper import VALUE
        from toque import pipeline, task
        @task
        def extract(table: str): ...
        @pipeline
        def flights():
            extract(VALUE)
        """
    )
    before = loader.load_file(path, project)[0].ir
    helper.write_text("VALUE = 'other'\n")
    assert loader.load_file(path, project)[0].ir.nodes != before.nodes


def test_nothing_is_imported_twice_while_nothing_changes(write: Write, project: Path) -> None:
    helper = write("print('imported')", "helper.py")
    first = write("import helper\n" + SOURCE, "first.py")
    loader.load_file(first, project)
    module = sys.modules["helper"]
    loader.load_file(write("import helper", "second.py"), project)
    assert sys.modules["helper"] is module
    assert helper.exists()


def test_two_projects_may_use_the_same_file_names(tmp_path: Path) -> None:
    results = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        (root / "same_name.py").write_text(SOURCE.replace('extract("a")', f'extract("{name}")'))
        results.append(loader.load_file(root / "same_name.py", root)[0].ir.nodes[0])
    assert results[0] != results[1]
    sys.modules.pop("same_name")


def test_the_same_file_in_two_places_is_one_version(tmp_path: Path) -> None:
    hashes = set()
    for name in ("here", "there"):
        root = tmp_path / name
        root.mkdir()
        (root / "moved.py").write_text(SOURCE)
        hashes.add(canonical.encode(loader.load_file(root / "moved.py", root)[0].ir))
    assert len(hashes) == 1
    sys.modules.pop("moved")


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("return table", "return table + ''", True),
        ("@task\n", "@task(doc='')\n", False),
        ("@task\n", "@task  # a remark\n", False),
        ("from toque", "\n\nfrom toque", False),
    ],
)
def test_the_hash_of_a_task_is_that_of_its_own_text(load: Load, before: str, after: str, changes: bool) -> None:
    hashes = []
    for source in (SOURCE, SOURCE.replace(before, after)):
        node = load(source)[0].ir.nodes[0]
        assert isinstance(node, TaskNode)
        hashes.append(node.code.source_hash)
    assert (hashes[0] != hashes[1]) is changes
    assert len(hashes[0]) == 16


def test_a_file_name_that_cannot_be_a_module(write: Write, project: Path) -> None:
    path = write(SOURCE, "my.flows.py")
    with pytest.raises(UserError) as caught:
        loader.load_file(path, project)
    assert str(caught.value) == (
        "my.flows.py\n  my.flows.py cannot be imported: a module name has no dots.\n  Fix: rename it to my_flows.py"
    )


def test_a_file_name_that_is_taken(write: Write, project: Path) -> None:
    path = write(SOURCE, "json.py")
    with pytest.raises(UserError, match="instead of this file") as caught:
        loader.load_file(path, project)
    assert caught.value.fix == "rename the file: its name is taken"


def test_a_file_outside_of_its_project(write: Write, project: Path) -> None:
    path = write(SOURCE)
    with pytest.raises(UserError, match="is not in the project"):
        loader.load_file(path, project / "elsewhere")


def test_an_error_inside_a_library_names_the_line_of_the_user(load: Load) -> None:
    with pytest.raises(UserError) as caught:
        load("import json\n\njson.loads('{')\n")
    assert (caught.value.file, caught.value.line, caught.value.source) == ("flows.py", 3, "json.loads('{')")
    assert caught.value.message.startswith("JSONDecodeError: ")


def test_an_error_in_a_helper_names_the_helper(write: Write, project: Path) -> None:
    write("def compute():\n    return 1 / 0\n", "helper.py")
    path = write("import helper\n\nhelper.compute()\n")
    with pytest.raises(UserError) as caught:
        loader.load_file(path, project)
    assert (caught.value.file, caught.value.line) == ("helper.py", 2)


def test_source_files_are_shown_relative_to_the_nearest_project(tmp_path: Path) -> None:
    from toque.authoring import sites

    (tmp_path / "toque.toml").write_text("")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert sites.relative(str(inner / "x.py")) == os.path.join("a", "b", "x.py")
    assert sites.relative("<stdin>") == "<stdin>"
