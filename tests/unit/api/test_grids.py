"""Rows of grids: those of a version are written once, those of other tasks with them."""

from __future__ import annotations

import msgspec

from toque import each, pipeline, task
from toque.api.grids import Grids
from toque.graph.ir import Pipeline


@task
def names() -> list[str]:
    return ["a"]


@task
def clean(name: str) -> str:
    return name


@pipeline
def mapped() -> list[str]:
    return clean.map(each(names()))


def read(raw: msgspec.Raw) -> list[tuple[str, str, int]]:
    return [(row["id"], row["kind"], row["depth"]) for row in msgspec.json.decode(raw)]


def test_maps_have_no_row_but_make_their_members_deeper() -> None:
    rows = Grids().rows(mapped.ir, "v1")
    assert rows.tasks == ["names", "clean"]
    places, written = rows.written(["names", "clean", "clean[]", "flow/step", "older"])
    assert places == [0, 1, 3, 4]
    assert read(written) == [("names", "task", 0), ("clean", "task", 1), ("flow/step", "step", 0), ("older", "task", 0)]


def test_the_same_tasks_are_written_once() -> None:
    rows = Grids().rows(mapped.ir, "v1")
    _, first = rows.written([*rows.tasks])
    assert rows.written([*rows.tasks])[1] is first
    assert len(rows.written([*rows.tasks, "older"])[0]) == 3


def test_the_version_that_nobody_asked_for_longest_is_forgotten() -> None:
    grids = Grids(kept=2)
    for version in ("v1", "v2", "v1", "v3"):
        grids.rows(mapped.ir, version)
    other = Pipeline(name="other")
    assert grids.rows(other, "v1").tasks == ["names", "clean"]
    assert grids.rows(other, "v2").tasks == []
