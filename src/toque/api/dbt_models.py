"""The dbt models of a version of a pipeline, with their tests."""

from __future__ import annotations

from collections.abc import Mapping

from toque.api.services import Services
from toque.api.wire.dbt import DbtModel, DbtTest
from toque.engine.rows import RunRow
from toque.graph.expr import Const
from toque.graph.ir import Pipeline, TaskNode
from toque.ports.assets import SliceRow

TESTS = ("test", "unit_test")


async def models(asked: Services, ir: Pipeline, run: RunRow) -> list[DbtModel]:
    """In the order of the graph; none for a pipeline without dbt."""
    hosted = [node for node in ir.nodes if isinstance(node, TaskNode) and node.host and "dbt" in node.kwargs]
    made = [node for node in hosted if _said(node, "kind") not in TESTS]
    standing = await asked.store.assets.standings([key for node in made for key in node.writes])
    tests: dict[str, list[DbtTest]] = {}
    for node in hosted:
        if _said(node, "kind") in TESTS:
            test = DbtTest(task=node.id, name=_name(_said(node, "dbt")))
            for of in {each.source for each in node.upstream}:
                tests.setdefault(of, []).append(test)
    return [_model(node, tests.get(node.id, []), standing, run) for node in made]


def _model(node: TaskNode, tests: list[DbtTest], standing: Mapping[str, SliceRow], run: RunRow) -> DbtModel:
    asset = node.writes[0] if node.writes else ""
    newest = standing.get(asset)
    return DbtModel(
        task=node.id,
        unique_id=_said(node, "dbt"),
        kind=_said(node, "kind"),
        materialized=_said(node, "materialized"),
        asset=asset,
        file=node.origin.file if node.origin is not None else "",
        doc=node.meta.doc,
        docs=_said(node, "docs"),
        host=node.host,
        rows=newest.rows if newest is not None and newest.run_id == run.run_id else None,
        tests=tests,
    )


def _name(unique_id: str) -> str:
    """`test.shop.unique_orders.1a2b` is `unique_orders`; `unit_test.shop.orders.empty` is `empty`."""
    parts = unique_id.split(".")
    return parts[2] if parts[0] == "test" and len(parts) > 2 else parts[-1]


def _said(node: TaskNode, name: str) -> str:
    found = node.kwargs.get(name)
    return str(found.value) if isinstance(found, Const) else ""
