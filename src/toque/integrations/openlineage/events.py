"""Events of OpenLineage 2-0-2 as plain JSON: one START, and one COMPLETE, FAIL or ABORT, for each run.

The layout of each facet is that of its own version of the specification, which `_schemaURL` names. A dataset is an
asset: its namespace is the one declared for its connection (the connection itself when none is), its name the rest.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from toque.data.checks.verdicts import Verdict
from toque.data.lineage.steps import ColumnLineage

Kind: TypeAlias = Literal["START", "COMPLETE", "FAIL", "ABORT"]

_SPEC: Final = "https://openlineage.io/spec"
_PRODUCER: Final = "urn:toque"
_IDS: Final = uuid.UUID("5a0d8f6e-37d5-5bb4-9d3c-0c7f0b6e6f11")
"""What ids that are no UUID are hashed with."""


class Job(msgspec.Struct, frozen=True):
    """What runs: a pipeline, or a task of one as `pipeline.task`."""

    namespace: str
    name: str


class Parent(msgspec.Struct, frozen=True):
    """The run of a pipeline that a task run belongs to."""

    run_id: str
    job: Job


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a job."""

    id: str
    """The id of the run or task run; the same for all its events."""
    job: Job
    parent: Parent | None = None
    nominal_start: datetime | None = None
    """The logical time, or the start of the data interval."""
    nominal_end: datetime | None = None
    error: str = ""
    stack: str = ""
    sql: str = ""
    dialect: str = ""


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that was read or written."""

    asset: str
    """`<connection>.<path>`."""
    fields: tuple[tuple[str, str], ...] = ()
    """Names and types of its columns."""
    columns: tuple[ColumnLineage, ...] = ()
    """What its columns were made of; for outputs."""
    verdicts: tuple[Verdict, ...] = ()
    rows: int | None = None
    """How many were written; for outputs."""
    size_bytes: int | None = None


def event(
    kind: Kind,
    run: Run,
    at: datetime,
    *,
    inputs: Sequence[Dataset] = (),
    outputs: Sequence[Dataset] = (),
    namespaces: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One event. `namespaces` gives the OpenLineage namespace of a connection, such as `postgres://db:5432`."""
    known = namespaces or {}
    return {
        "eventType": kind,
        "eventTime": _time(at),
        "producer": _PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_uuid(run.id), "facets": _run_facets(run)},
        "job": {"namespace": run.job.namespace, "name": run.job.name, "facets": _job_facets(run)},
        "inputs": [_input(dataset, known) for dataset in inputs],
        "outputs": [_output(dataset, known) for dataset in outputs],
    }


def run_uuid(run_id: str) -> str:
    """The id as a UUID, which OpenLineage asks for: as it is, or a hash that is the same each time."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return str(uuid.uuid5(_IDS, run_id))


def _run_facets(run: Run) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if run.parent is not None:
        job = {"namespace": run.parent.job.namespace, "name": run.parent.job.name}
        facets["parent"] = _facet("1-2-0/ParentRunFacet", run={"runId": run_uuid(run.parent.run_id)}, job=job)
    if run.nominal_start is not None:
        end = {"nominalEndTime": _time(run.nominal_end)} if run.nominal_end is not None else {}
        facets["nominalTime"] = _facet("1-0-1/NominalTimeRunFacet", nominalStartTime=_time(run.nominal_start), **end)
    if run.error:
        stack = {"stackTrace": run.stack} if run.stack else {}
        facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet", message=run.error, programmingLanguage="python", **stack
        )
    return facets


def _job_facets(run: Run) -> dict[str, Any]:
    if not run.sql:
        return {}
    dialect = {"dialect": run.dialect} if run.dialect else {}
    return {"sql": _facet("1-1-0/SQLJobFacet", query=run.sql, **dialect)}


def _input(dataset: Dataset, namespaces: Mapping[str, str]) -> dict[str, Any]:
    return {**_name(dataset.asset, namespaces), "facets": _dataset_facets(dataset, namespaces), **_assertions(dataset)}


def _output(dataset: Dataset, namespaces: Mapping[str, str]) -> dict[str, Any]:
    facets = _dataset_facets(dataset, namespaces)
    if dataset.verdicts:  # of an output the specification lets any facet say it
        facets["dataQualityAssertions"] = _assertions(dataset)["inputFacets"]["dataQualityAssertions"]
    counted = {"rowCount": dataset.rows, "size": dataset.size_bytes}
    counted = {name: number for name, number in counted.items() if number is not None}
    statistics = _facet("1-0-2/OutputStatisticsOutputDatasetFacet", **counted)
    written = {"outputFacets": {"outputStatistics": statistics}} if counted else {}
    return {**_name(dataset.asset, namespaces), "facets": facets, **written}


def _dataset_facets(dataset: Dataset, namespaces: Mapping[str, str]) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if dataset.fields:
        fields = [{"name": name, "type": kind} for name, kind in dataset.fields]
        facets["schema"] = _facet("1-2-0/SchemaDatasetFacet", fields=fields)
    if known := {column.name: _made_of(column, namespaces) for column in dataset.columns if column.sources}:
        facets["columnLineage"] = _facet("1-2-0/ColumnLineageDatasetFacet", fields=known)
    return facets


def _made_of(column: ColumnLineage, namespaces: Mapping[str, str]) -> dict[str, Any]:
    return {
        "inputFields": [
            {
                **_name(source.table, namespaces),
                "field": source.column,
                "transformations": [{"type": "DIRECT", "subtype": source.how.upper()}],
            }
            for source in column.sources
        ]
    }


def _assertions(dataset: Dataset) -> dict[str, Any]:
    if not dataset.verdicts:
        return {}
    assertions = []
    for verdict in dataset.verdicts:
        said: dict[str, Any] = {
            "assertion": verdict.kind,
            "success": verdict.passed,
            "name": verdict.check,
            "severity": "error" if verdict.severity == "block" else "warn",
            "description": verdict.message,
        }
        if verdict.column:
            said["column"] = verdict.column
        assertions.append(said)
    facet = _facet("1-1-0/DataQualityAssertionsDatasetFacet", assertions=assertions)
    return {"inputFacets": {"dataQualityAssertions": facet}}


def _name(asset: str, namespaces: Mapping[str, str]) -> dict[str, str]:
    connection, _, path = asset.partition(".")
    return {"namespace": namespaces.get(connection, connection), "name": path or asset}


def _facet(schema: str, **fields: Any) -> dict[str, Any]:
    definition = schema.rpartition("/")[2]
    return {"_producer": _PRODUCER, "_schemaURL": f"{_SPEC}/facets/{schema}.json#/$defs/{definition}", **fields}


def _time(at: datetime) -> str:
    """With milliseconds and `Z`, as all collectors read it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
