"""Tasks that say what they read and write: edges follow, and what they made is known."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from tests.integration.nodes.conftest import Project
from toque.engine.assets import Materialized, Observed
from toque.errors import UserError
from toque.graph.assets import AssetDependency
from toque.graph.ir import Pipeline

HEAD = dedent(
    """
    from toque import Merge, Upsert, Warehouse, each, load, materialized, observe, pipeline, task

    warehouse = Warehouse("warehouse")
    orders = warehouse.table("raw.orders")

    @task(writes=[orders])
    def fill(day: int = 1):
        return day

    @task(reads=[orders], writes=["report"])
    def report():
        observe(orders, rows=3)
        materialized("report", rows=1, version="v1", metadata={"pages": 2})
    """
)


@pytest.fixture
def graph(project: Project) -> Callable[[str], Pipeline]:
    return lambda source: project.load(HEAD + dedent(source))


def edges(pipeline: Pipeline) -> dict[str, list[str]]:
    return {node.id: [edge.source for edge in node.upstream] for node in pipeline.nodes}


def test_who_reads_waits_for_who_writes(graph: Callable[[str], Pipeline]) -> None:
    found = graph("@pipeline\ndef whole():\n    fill()\n    report()\n")
    assert edges(found) == {"fill": [], "report": ["fill"]}
    assert {asset.key: (asset.node, asset.upstream) for asset in found.assets} == {
        "warehouse.raw.orders": ("fill", ()),
        "report": ("report", (AssetDependency(asset="warehouse.raw.orders"),)),
    }


def test_who_reads_waits_for_all_that_were_mapped(graph: Callable[[str], Pipeline]) -> None:
    found = graph("@pipeline\ndef whole():\n    fill.map(each([1, 2]))\n    report()\n")
    assert edges(found)["report"] == ["fill[]"]


def test_a_load_and_a_task_are_joined_by_the_table_that_they_share(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
        copy = load(orders, into=warehouse.table("raw.copy"), mode=Upsert("id"))
        @pipeline
        def whole():
            fill()
            report.after(copy())()
        """
    )
    assert edges(found) == {"fill": [], "raw_copy": ["fill"], "report": ["fill", "raw_copy"]}


def test_a_load_is_read_as_what_it_makes(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
        copy = load(orders, into=warehouse.table("raw.copy"), mode=Upsert("id"))
        @pipeline
        def whole():
            copy()
            report.options(reads=[copy], name="after")()
        """
    )
    assert edges(found) == {"raw_copy": [], "after": ["raw_copy"]}


def test_what_a_task_told_is_recorded_and_what_it_did_not_tell_as_well(
    project: Project, graph: Callable[[str], Pipeline]
) -> None:
    ran = project.run(graph("@pipeline\ndef whole():\n    fill()\n    report()\n"))
    assert ran.told("report") == (
        Observed(asset="warehouse.raw.orders", rows=3),
        Materialized(asset="report", data_version="v1", rows=1, metadata={"pages": 2}),
    )
    assert [event.asset for event in ran.told("fill")] == ["warehouse.raw.orders"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("report()\n    fill()", "report reads warehouse.raw.orders, which is made only here"),
        ("fill()\n    fill.options(name='again')()", "warehouse.raw.orders is made by fill already"),
        ("report.options(reads='orders')()", "reads='orders' is no list of assets"),
    ],
)
def test_what_makes_no_order_is_refused(graph: Callable[[str], Pipeline], source: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        graph(f"@pipeline\ndef whole():\n    {source}\n")


def test_telling_of_no_asset_is_refused() -> None:
    from toque.worker.telling import observe

    with pytest.raises(UserError, match="3 is no asset"):
        observe(3)  # type: ignore[arg-type]
