"""Graphs of versions are written once, and answers are what the framework would have sent."""

from __future__ import annotations

import json

from toque import flow, pipeline, task
from toque.api.drawing import graph
from toque.api.drawings import Drawings, unfolds
from toque.api.wire.graphs import Graph
from toque.graph.ir import Pipeline


@task
def load(day: str) -> str:
    return day


@flow
async def crawl(day: str) -> str:
    return day


@pipeline
def fixed(day: str = "today") -> str:
    return load(day)


@pipeline
def unfolding(day: str = "today") -> str:
    return crawl(load(day))


def test_an_answer_is_the_graph() -> None:
    answer = Drawings().answer(fixed.ir, "v1")
    assert answer.media_type == "application/json"
    assert Graph.model_validate(json.loads(bytes(answer.body))) == graph(fixed.ir, "v1")


def test_a_version_is_written_once() -> None:
    drawings = Drawings()
    first = drawings.answer(fixed.ir, "v1")
    assert drawings.answer(Pipeline(name="never looked at"), "v1").body == first.body
    assert drawings.answer(fixed.ir, "v2").body != first.body


def test_the_version_that_nobody_asked_for_longest_is_forgotten() -> None:
    drawings = Drawings(kept=2)
    for version in ("v1", "v2", "v1", "v3"):
        drawings.answer(fixed.ir, version)
    other = Pipeline(name="other")
    assert json.loads(bytes(drawings.answer(other, "v1").body))["pipeline"] == fixed.ir.name
    assert json.loads(bytes(drawings.answer(other, "v2").body))["pipeline"] == "other"


def test_only_flows_add_nodes_to_a_run() -> None:
    assert not unfolds(fixed.ir)
    assert unfolds(unfolding.ir)
