"""Sources of dlt as nodes: their resources are assets, whatever dlt makes of them."""

from __future__ import annotations

import json

import pytest

from tests.integration.nodes.conftest import Project
from toque.engine.assets import Materialized
from toque.errors import UserError
from toque.graph.ir import TaskNode

SOURCE = """
import json
from pathlib import Path

import dlt

from toque import Warehouse, dlt_load, pipeline

warehouse = Warehouse("warehouse")


@dlt.source
def tracker():
    given = json.loads(Path("tracker.json").read_text())

    @dlt.resource(primary_key="id", write_disposition="merge")
    def issues(since=dlt.sources.incremental("updated", initial_value=0)):
        yield [each for each in given["issues"] if each["updated"] >= since.last_value]

    @dlt.resource(write_disposition="replace")
    def people():
        yield given["people"]

    return issues, people


loaded = dlt_load(tracker, into=warehouse, schema="tracker", resources=["issues", "people"])
shop = pipeline("shop", assets=[loaded])
"""
FIRST = {
    "issues": [{"id": 1, "updated": 1, "labels": ["a", "b"]}, {"id": 2, "updated": 2}],
    "people": [{"name": "Ada"}],
}
THEN = {"issues": [{"id": 2, "updated": 3, "title": "new"}, {"id": 3, "updated": 4}], "people": [{"name": "Ada"}]}


@pytest.fixture
def tracker(project: Project) -> Project:
    write(project, FIRST)
    return project


def write(project: Project, given: object) -> None:
    (project.root / "tracker.json").write_text(json.dumps(given))


def test_resources_become_assets_with_their_rows_and_what_changed_of_their_schema(tracker: Project) -> None:
    shop = tracker.load(SOURCE)
    (node,) = shop.nodes
    assert isinstance(node, TaskNode)
    assert node.writes == ("warehouse.tracker.issues", "warehouse.tracker.people")
    first = tracker.run(shop)
    issues, people = (event for event in first.told(node.id) if isinstance(event, Materialized))
    assert (issues.rows, issues.metadata["loaded"]) == (2, {"issues": 2, "issues__labels": 2})
    assert (people.rows, [name for name, _ in people.columns]) == (1, ["name"])

    write(tracker, THEN)
    second = tracker.run(shop)
    changed, _ = (event for event in second.told(node.id) if isinstance(event, Materialized))
    assert changed.rows == 3
    assert changed.metadata["schema_changes"] == {"issues": ["title"]}
    assert changed.data_version != issues.data_version
    assert tracker.rows("SELECT id, title FROM tracker.issues ORDER BY id") == [(1, None), (2, "new"), (3, None)]

    third = tracker.run(shop)
    same, _ = (event for event in third.told(node.id) if isinstance(event, Materialized))
    assert same.rows == 3


def test_a_resource_that_is_not_there_and_a_source_that_is_none_are_named(tracker: Project) -> None:
    missing = tracker.load(SOURCE.replace('"issues", "people"', '"issues", "pulls"'))
    assert "no resource 'pulls'" in tracker.run(missing).error("tracker").message
    with pytest.raises(UserError, match="names no resources") as raised:
        tracker.load(SOURCE.replace('resources=["issues", "people"]', "resources=[]"))
    assert raised.value.line > 0
