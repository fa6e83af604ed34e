"""Steps of a dbt project: the compiled SQL of its manifest, followed model by model in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import msgspec

from toque.data.lineage.catalog import Catalog
from toque.data.lineage.sql import Cache, lineage_of
from toque.data.lineage.steps import ColumnLineage, Step

_DIALECTS = {"postgres": "postgresql"}
_MADE = ("model", "snapshot")
_GIVEN = ("seed", "source")


def steps_of(
    manifest: Mapping[str, Any],
    catalog: Catalog,
    *,
    connection: str,
    keys: Mapping[str, str] | None = None,
    cache: Cache | None = None,
) -> list[Step]:
    """A step for each model and snapshot of a `manifest.json` as dbt leaves it, under `<connection>.<schema>.<name>`.

    `catalog` knows the columns of what the project reads; each model adds its own for those after it. A model without
    compiled SQL (a Python model, or a project that was only parsed) is a step whose columns are unknown. `keys`: of
    assets by unique id, where they go by another name.
    """
    adapter = str(manifest.get("metadata", {}).get("adapter_type") or "duckdb")
    nodes = {**manifest.get("sources", {}), **manifest.get("nodes", {})}
    names = {unique_id: _name(node, connection) for unique_id, node in nodes.items()} | dict(keys or {})
    catalog = catalog.with_names(
        names[each] for each, node in nodes.items() if node["resource_type"] in (*_MADE, *_GIVEN)
    )
    steps = []
    for unique_id in _in_order(nodes):
        node, target = nodes[unique_id], names[unique_id]
        if node["resource_type"] in _GIVEN:
            continue  # what its YAML describes need not be all of its columns: only the catalog knows them
        if node.get("config", {}).get("materialized") == "ephemeral":
            continue  # it is no table: those who read it have its SQL in theirs
        step = _step(node, target, catalog, _DIALECTS.get(adapter, adapter), cache)
        file = str(node.get("original_file_path") or "")
        step = msgspec.structs.replace(step, file=file, columns=tuple(_described(step, node)))
        if not step.inputs:
            above = node.get("depends_on", {}).get("nodes", [])
            step = msgspec.structs.replace(step, inputs=tuple(names[name] for name in above if name in names))
        steps.append(step)
        if step.columns and not step.unknown:
            catalog = catalog.with_table(target, [column.name for column in step.columns])
    return steps


def _in_order(nodes: Mapping[str, Any]) -> Iterator[str]:
    """Models, snapshots, seeds and sources, each after what it is made of; the same order each time."""
    kept = {name: node for name, node in sorted(nodes.items()) if node["resource_type"] in (*_MADE, *_GIVEN)}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, node in kept.items():
        sorter.add(name, *(above for above in node.get("depends_on", {}).get("nodes", []) if above in kept))
    return iter(sorter.static_order())


def _name(node: Mapping[str, Any], connection: str) -> str:
    table = node.get("alias") or node.get("identifier") or node["name"]
    return f"{connection}.{node['schema']}.{table}" if node.get("schema") else f"{connection}.{table}"


def _step(node: Mapping[str, Any], target: str, catalog: Catalog, dialect: str, cache: Cache | None) -> Step:
    sql = node.get("compiled_code") or node.get("compiled_sql") or ""
    if not sql or node.get("language", "sql") != "sql":
        why = "it is no SQL" if node.get("language", "sql") != "sql" else "dbt has not compiled it"
        return Step(target=target, via="dbt", by=node["name"], problem=why)
    steps = lineage_of(sql, catalog, dialect=dialect, target=target, cache=cache)
    if len(steps) != 1:
        return Step(target=target, via="dbt", by=node["name"], problem=f"it has {len(steps)} statements")
    return msgspec.structs.replace(steps[0], via="dbt", by=node["name"])


def _described(step: Step, node: Mapping[str, Any]) -> Iterator[ColumnLineage]:
    """Its columns, with what the project's YAML says of them."""
    said = {name.casefold(): str(column.get("description") or "") for name, column in node.get("columns", {}).items()}
    for column in step.columns:
        yield msgspec.structs.replace(column, doc=said.get(column.name.casefold(), ""))
