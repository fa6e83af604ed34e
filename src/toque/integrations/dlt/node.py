"""The code of a load by dlt: runs dlt's pipeline in this attempt, and tells what became of each table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.engine.assets import Materialized
from toque.errors import DataError, TransientError, UserError
from toque.graph.ir import CodeRef
from toque.graph.loads import TableName
from toque.integrations.connections.warehouse import Warehouse
from toque.settings import find_project
from toque.worker import code
from toque.worker.context import Context, context

STATE = Path(".toque") / "dlt-pipelines"
"""Of the project: what was extracted and not loaded yet outlives a crash there."""


def run(
    *,
    source: Mapping[str, Any],
    into: Mapping[str, Any],
    resources: Sequence[str],
    version: str,
    into_connection: Warehouse,
    source_connection: Any = None,
) -> dict[str, Any]:
    """One run of dlt. Returns what people want to know of it, as JSON."""
    here = context()
    dlt = _imported()
    given = _source_of(source, resources)
    pipeline = dlt.pipeline(
        pipeline_name=into["key"].replace(".", "_") + "_" + source["qualname"].replace(".", "_"),
        pipelines_dir=str(find_project(Path.cwd()) / STATE),
        destination=_destination(into_connection),
        dataset_name=into["path"],
    )
    try:
        if pipeline.has_pending_data:
            here.logger.info("%s: what an earlier run has extracted is loaded first", pipeline.pipeline_name)
            pipeline.run()
        info = pipeline.run(given)
    except Exception as error:
        raise _meant(error) from error
    return _told(here, pipeline, info, _Told(into["key"], into["path"], resources, version, into_connection))


@dataclass(frozen=True)
class _Told:
    """What is told of, and where it stands."""

    key: str
    schema: str
    resources: Sequence[str]
    version: str
    warehouse: Warehouse


def _imported() -> Any:
    """dlt, which tells nobody that it is used."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    # One process: whoever forks beside threads may wait for ever.
    os.environ.setdefault("NORMALIZE__WORKERS", "1")
    try:
        import dlt
    except ModuleNotFoundError as error:
        raise UserError(f"a load by dlt needs {error.name}", fix='pip install "toque[dlt]"') from error
    return dlt


def _source_of(place: Mapping[str, Any], resources: Sequence[str]) -> Any:
    from dlt.extract import DltResource, DltSource

    found = code.locate(CodeRef(module=place["module"], qualname=place["qualname"]))
    made = found if isinstance(found, DltResource | DltSource) else found()
    if isinstance(made, DltResource):
        if [made.name] != list(resources):
            raise UserError(f"{place['qualname']} is the resource {made.name!r}", fix=f'resources=["{made.name}"]')
        return made
    if not isinstance(made, DltSource):
        raise UserError(f"{place['qualname']}() gives {made!r}, no source of dlt", fix="decorate it with @dlt.source")
    unknown = [name for name in resources if name not in made.resources]
    if unknown:
        known = ", ".join(made.resources)
        raise UserError(f"{place['qualname']} has no resource {unknown[0]!r}", fix=f"of {known}")
    return made.with_resources(*resources)


def _destination(warehouse: Warehouse) -> Any:
    import dlt

    options = dict(warehouse.options)
    match warehouse.type:
        case "duckdb":
            return dlt.destinations.duckdb(str(options["path"]))
        case "postgresql":
            return dlt.destinations.postgres(str(options["url"]))
        case kind:
            raise UserError(f"{warehouse.name} is a {kind} database: dlt loads into duckdb and postgresql here")


def _meant(error: Exception) -> Exception:
    """What dlt wraps: wrong data is not tried again, and what dlt itself calls transient is."""
    from dlt.common.schema.exceptions import DataValidationError
    from dlt.destinations.exceptions import DatabaseTransientException
    from dlt.load.exceptions import LoadClientJobRetry

    for each in _causes(error):
        if isinstance(each, DataValidationError):
            return DataError(str(each))
        if isinstance(each, DatabaseTransientException | LoadClientJobRetry | ConnectionError | TimeoutError):
            return TransientError(str(each))
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told(here: Context, pipeline: Any, info: Any, told: _Told) -> dict[str, Any]:
    schema = pipeline.default_schema
    normalized = pipeline.last_trace.last_normalize_info
    counts: Mapping[str, int] = normalized.row_counts if normalized is not None else {}
    added = {
        table: sorted(name for name in update["columns"] if not name.startswith("_dlt_"))
        for package in info.load_packages
        for table, update in package.schema_update.items()
        if not table.startswith("_dlt_")
    }
    loaded: dict[str, int] = {}
    for resource in told.resources:
        tables = [name for name, table in schema.tables.items() if _resource_of(schema, table) == resource]
        own = {name: counts.get(name, 0) for name in tables}
        loaded[resource] = sum(own.values())
        changed = {name: added[name] for name in tables if name in added}
        main = schema.naming.normalize_table_identifier(resource)
        rows, version = _standing(told.warehouse, TableName(name=main, schema=told.schema))
        here.tell(
            Materialized(
                asset=f"{told.key}.{resource}",
                data_version=version,
                code_version=told.version,
                rows=rows,
                columns=_columns(schema.tables.get(main, {"columns": {}})["columns"]),
                metadata={"loaded": own, **({"schema_changes": changed} if changed else {})},
            )
        )
    return {"loaded": loaded, "loads": list(info.loads_ids), **({"schema_changes": added} if added else {})}


def _standing(warehouse: Warehouse, table: TableName) -> tuple[int, str]:
    """How many rows there are, and a version that is the same while no load touched the table."""
    with warehouse.session() as session:
        if session.columns(table) is None:
            return 0, "0"
        named = warehouse.dialect.table(table)
        ((rows, last),) = session.fetch(f"SELECT count(*), max(_dlt_load_id) FROM {named}")
    return rows, f"{last}-{rows}"


def _columns(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    own = ((name, column) for name, column in found.items() if not name.startswith("_dlt_"))
    return tuple((name, str(column.get("data_type", ""))) for name, column in own)


def _resource_of(schema: Any, table: Mapping[str, Any]) -> str:
    from dlt.common.schema.utils import get_root_table

    return str(get_root_table(schema.tables, table["name"]).get("resource") or "")
