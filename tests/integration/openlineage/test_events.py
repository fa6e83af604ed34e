"""Events of OpenLineage: what they say, and that the types of the official client accept each of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from openlineage.client import event_v2
from openlineage.client.generated import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    error_message_run,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    sql_job,
)
from openlineage.client.serde import Serde

from toque.authoring.data_checks import not_null, row_count
from toque.data.checks.verdicts import of_row_count, of_rows
from toque.data.lineage.steps import ColumnLineage, ColumnSource
from toque.integrations.openlineage.events import Dataset, Job, Parent, Run, event, run_uuid

AT = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
RUN = Run(
    id="revops-1/scores/1",
    job=Job("toque", "revops.scores"),
    parent=Parent("0198a3de-6a35-7cc2-a6a8-d3ae00a1a2a3", Job("toque", "revops")),
    nominal_start=datetime(2026, 3, 29, tzinfo=UTC),
    nominal_end=datetime(2026, 3, 30, tzinfo=UTC),
    error="no such table",
    stack="Traceback …",
    sql="SELECT 1",
    dialect="duckdb",
)
OUTPUT = Dataset(
    asset="warehouse.marts.scores",
    fields=(("id", "integer"), ("score", "decimal(18, 3)")),
    columns=(
        ColumnLineage("score", (ColumnSource("warehouse.raw.events", "kind", "aggregation"),)),
        ColumnLineage("version"),
        ColumnLineage("odd", unknown="nobody knows"),
    ),
    verdicts=(of_rows(not_null("id").quarantine(), 2, 10), of_row_count(row_count(min=1), 10)),
    rows=8,
    size_bytes=4096,
)
INPUT = Dataset(asset="app.public.events", verdicts=(of_rows(not_null("id"), 1, 10),))


@pytest.fixture
def told() -> dict[str, Any]:
    return event("FAIL", RUN, AT, inputs=[INPUT], outputs=[OUTPUT], namespaces={"app": "postgres://db:5432"})


def test_an_event_says_what_ran_when_and_for_whom(told: dict[str, Any]) -> None:
    assert (told["eventType"], told["eventTime"]) == ("FAIL", "2026-03-29T10:00:00.123Z")
    assert told["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    assert (told["job"]["namespace"], told["job"]["name"]) == ("toque", "revops.scores")
    facets = told["run"]["facets"]
    assert facets["parent"]["run"]["runId"] == "0198a3de-6a35-7cc2-a6a8-d3ae00a1a2a3"
    assert facets["nominalTime"]["nominalEndTime"] == "2026-03-30T00:00:00.000Z"
    assert facets["errorMessage"]["message"] == "no such table"
    assert told["job"]["facets"]["sql"]["query"] == "SELECT 1"


def test_datasets_are_assets_in_the_namespace_of_their_connection(told: dict[str, Any]) -> None:
    (source,), (target,) = told["inputs"], told["outputs"]
    assert (source["namespace"], source["name"]) == ("postgres://db:5432", "public.events")
    assert (target["namespace"], target["name"]) == ("warehouse", "marts.scores")


def test_an_output_says_its_columns_what_they_are_made_of_and_how_many_rows(told: dict[str, Any]) -> None:
    (target,) = told["outputs"]
    assert [field["name"] for field in target["facets"]["schema"]["fields"]] == ["id", "score"]
    fields = target["facets"]["columnLineage"]["fields"]
    assert list(fields) == ["score"]  # what is unknown is not told as if it were known
    (made_of,) = fields["score"]["inputFields"]
    assert (made_of["namespace"], made_of["name"], made_of["field"]) == ("warehouse", "raw.events", "kind")
    assert made_of["transformations"] == [{"type": "DIRECT", "subtype": "AGGREGATION"}]
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == 8


def test_checks_are_told_as_assertions(told: dict[str, Any]) -> None:
    first, second = told["outputs"][0]["facets"]["dataQualityAssertions"]["assertions"]
    assert (first["assertion"], first["success"], first["severity"], first["column"]) == (
        "not_null",
        False,
        "warn",
        "id",
    )
    assert (second["assertion"], second["success"], "column" in second) == ("row_count", True, False)
    (read,) = told["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (read["severity"], read["description"]) == ("error", "1 row of 10 (10 %): id is null")


def test_a_bare_event_has_no_empty_facets() -> None:
    told = event("START", Run(id="r", job=Job("toque", "p")), AT, outputs=[Dataset(asset="out")])
    assert (told["run"]["facets"], told["job"]["facets"]) == ({}, {})
    assert told["outputs"] == [{"namespace": "out", "name": "out", "facets": {}}]


def test_ids_that_are_no_uuid_become_one_and_always_the_same() -> None:
    assert run_uuid("revops-1") == run_uuid("revops-1") != run_uuid("revops-2")
    assert run_uuid("0198A3DE-6a35-7cc2-a6a8-d3ae00a1a2a3") == "0198a3de-6a35-7cc2-a6a8-d3ae00a1a2a3"


FACETS: dict[str, Any] = {
    "parent": parent_run.ParentRunFacet,
    "nominalTime": nominal_time_run.NominalTimeRunFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "sql": sql_job.SQLJobFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
    "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def test_each_facet_is_one_of_the_official_client_in_the_same_version(told: dict[str, Any]) -> None:
    """The client makes the same facet from our fields: no name is ours, none that it needs is missing."""
    places = [told["run"]["facets"], told["job"]["facets"], *(each["facets"] for each in told["outputs"])]
    places += [told["inputs"][0]["inputFacets"], told["outputs"][0]["outputFacets"]]
    seen = set()
    for name, facet in ((name, facet) for place in places for name, facet in place.items()):
        kind = FACETS[name]
        fields = {key: value for key, value in facet.items() if not key.startswith("_")}
        again = json.loads(Serde.to_json(kind(**fields)))
        assert facet["_schemaURL"] == again["_schemaURL"], name
        assert {key: again[key] for key in fields} == fields
        seen.add(name)
    assert seen == set(FACETS)


def test_the_event_itself_is_one_of_the_official_client(told: dict[str, Any]) -> None:
    made = event_v2.RunEvent(
        eventType=event_v2.RunState(told["eventType"]),
        eventTime=told["eventTime"],
        run=event_v2.Run(runId=told["run"]["runId"]),
        job=event_v2.Job(namespace=told["job"]["namespace"], name=told["job"]["name"]),
        inputs=[event_v2.InputDataset(namespace=each["namespace"], name=each["name"]) for each in told["inputs"]],
        outputs=[event_v2.OutputDataset(namespace=each["namespace"], name=each["name"]) for each in told["outputs"]],
        producer=told["producer"],
    )
    again = json.loads(Serde.to_json(made))
    for key in ("eventType", "eventTime", "schemaURL"):
        assert again[key] == told[key]
    assert again["run"]["runId"] == told["run"]["runId"]
