"""What changed between two looks at a project, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.graph.pipelines import CODE, graph, task
from toque.graph.expr import Const
from toque.graph.ir import Axis, Concurrency, MapNode, Pipeline
from toque.local.project_words import changes_between, described
from toque.ports.project import BrokenFile, FileProblem, IndexedPipeline, ProjectState
from toque.store.bundles import Bundle

EDITED = msgspec.structs.replace(CODE, source_hash="1" * 16)


def bundle(**files: str) -> Bundle:
    named = {name.replace("_py", ".py").replace("_sql", ".sql"): digest for name, digest in files.items()}
    return Bundle(hash="h", path=Path("/b"), project=Path("/p"), files=named)


def indexed(name: str, ir: Pipeline | None = None, file: str = "flow.py") -> IndexedPipeline:
    return IndexedPipeline(name=name, file=file, version="v", file_version="v", ir=ir or graph(task("a")))


def broken(file: str, message: str) -> BrokenFile:
    return BrokenFile(file=file, problems=(FileProblem(message=message, line=1),), since_us=1)


def state(*pipelines: IndexedPipeline, broken: tuple[BrokenFile, ...] = ()) -> ProjectState:
    return ProjectState(pipelines={each.name: each for each in pipelines}, broken=broken)


def mapped(*others: Any) -> Pipeline:
    """A map of a task, which is two nodes and one task for people."""
    fan = MapNode(id="a[]", axes=(Axis(source=Const(value=[1, 2])),))
    inner = msgspec.structs.replace(task("a"), scope="a[]")
    return graph(fan, inner, *others)


def test_a_map_counts_once() -> None:
    assert told(state(), state(indexed("p", mapped(task("b"))))) == ["added p: new pipeline, 2 tasks"]
    assert described(graph(task("b")), mapped(task("b"))) == "1 new task"
    assert described(mapped(task("b")), graph(task("b"))) == "task a removed"


def told(old: ProjectState, new: ProjectState, before: Bundle | None = None, now: Bundle | None = None) -> list[str]:
    found = changes_between(old, new, before, now or bundle())
    return [f"{each.kind} {each.pipeline or each.file}: {each.words}" for each in found]


def test_at_the_first_look_everything_is_new() -> None:
    two = graph(task("a"), task("b"))
    assert told(ProjectState(), state(indexed("p"), indexed("q", two)), None, bundle(flow_py="1")) == [
        "added p: new pipeline, 1 task",
        "added q: new pipeline, 2 tasks",
    ]


def test_a_look_that_finds_the_same_says_nothing() -> None:
    same = state(indexed("p"), broken=(broken("bad.py", "no"),))
    assert told(same, same, bundle(flow_py="1"), bundle(flow_py="1")) == []


def test_a_graph_that_was_made_anew_and_is_equal_says_nothing() -> None:
    assert told(state(indexed("p")), state(indexed("p", graph(task("a"))))) == []


def test_a_pipeline_that_is_gone_keeps_its_history() -> None:
    assert told(state(indexed("p")), state()) == ["removed p: no longer defined; its history stays"]


def test_a_pipeline_that_goes_by_another_name_is_two_changes() -> None:
    assert told(state(indexed("p")), state(indexed("q"))) == [
        "added q: new pipeline, 1 task",
        "removed p: no longer defined; its history stays",
    ]


def test_a_file_is_told_as_broken_once_and_again_when_the_fault_is_another() -> None:
    first, second = broken("bad.py", "no pipeline"), broken("bad.py", "invalid syntax")
    assert told(state(), state(broken=(first,))) == ["broken bad.py: no pipeline"]
    assert told(state(broken=(first,)), state(broken=(broken("bad.py", "no pipeline"),))) == []
    assert told(state(broken=(first,)), state(broken=(second,))) == ["broken bad.py: invalid syntax"]
    assert told(state(broken=(second,)), state()) == ["mended bad.py: fine again"]


def test_the_problems_come_with_the_words() -> None:
    [change] = changes_between(state(), state(broken=(broken("bad.py", "x"),)), None, bundle())
    assert change.problems == (FileProblem(message="x", line=1),)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"lib_py": "1"}, {"lib_py": "2"}, ["changed lib.py: changed"]),
        ({}, {"lib_py": "1"}, ["changed lib.py: added"]),
        ({"lib_py": "1"}, {}, ["changed lib.py: removed"]),
        ({"b_sql": "1", "a_py": "1"}, {"b_sql": "2", "a_py": "2"}, ["changed a.py: changed", "changed b.sql: changed"]),
        ({"lib_py": "1"}, {"lib_py": "1"}, []),
    ],
)
def test_code_that_no_graph_shows_is_told_by_file(
    before: Mapping[str, str], now: Mapping[str, str], expected: list[str]
) -> None:
    assert told(state(), state(), bundle(**before), bundle(**now)) == expected


def test_a_file_is_told_once_by_what_it_means() -> None:
    edited = graph(task("a", code=EDITED))
    found = told(
        state(indexed("p")),
        state(indexed("p", edited)),
        bundle(flow_py="1", lib_py="1"),
        bundle(flow_py="2", lib_py="2"),
    )
    assert found == ["changed p: task a changed", "changed lib.py: changed"]


TASKS = [task(name) for name in "abcde"]
CHANGED = [task(name, code=EDITED) for name in "abcde"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (TASKS[:1], TASKS[:1], ""),
        (TASKS[:1], CHANGED[:1], "task a changed"),
        (TASKS[:3], CHANGED[:3], "tasks a, b, c changed"),
        (TASKS[:4], CHANGED[:4], "4 tasks changed"),
        (TASKS[:1], TASKS[:2], "1 new task"),
        (TASKS[:1], TASKS[:3], "2 new tasks"),
        (TASKS[:2], TASKS[:1], "task b removed"),
        (TASKS, TASKS[:1], "4 tasks removed"),
        (TASKS[:2], [CHANGED[0], task("z")], "task a changed, 1 new task, task b removed"),
    ],
)
def test_the_words_name_few_nodes_and_count_many(old: Any, new: Any, words: str) -> None:
    assert described(graph(*old), graph(*new)) == words


def test_options_of_the_pipeline_are_named_once() -> None:
    old = graph(task("a"))
    new = msgspec.structs.replace(old, concurrency=Concurrency(max_active_runs=2, overlap="skip"))
    assert described(old, new) == "concurrency changed"
