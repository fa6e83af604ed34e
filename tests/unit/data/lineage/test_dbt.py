"""Lineage of a dbt project by its manifest, joined with the loads before it and the sync after it."""

from __future__ import annotations

from typing import Any

import pytest

from toque.data.lineage.catalog import Catalog
from toque.data.lineage.dbt import steps_of
from toque.data.lineage.sql import Cache
from toque.data.lineage.steps import mapping
from toque.data.lineage.stitching import Lineage


def model(name: str, sql: str, *above: str, schema: str = "marts", **given: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "alias": name,
        "compiled_code": sql,
        "language": "sql",
        "depends_on": {"nodes": list(above)},
        **given,
    }


def manifest(adapter: str = "duckdb") -> dict[str, Any]:
    return {
        "metadata": {"adapter_type": adapter},
        "sources": {
            "source.shop.raw.contact": {
                "resource_type": "source",
                "name": "contact",
                "identifier": "contact",
                "schema": "raw",
            },
        },
        "nodes": {
            # Named so that the order of the names is not the order in which they run.
            "model.shop.a_scores": model(
                "a_scores",
                "SELECT c.*, c.visits * w.weight AS score"
                ' FROM "shop"."staging"."stg_contact" AS c, "shop"."seeds"."weights" AS w',
                "model.shop.stg_contact",
                "seed.shop.weights",
            ),
            "model.shop.stg_contact": model(
                "stg_contact", 'SELECT * FROM "shop"."raw"."contact"', "source.shop.raw.contact", schema="staging"
            ),
            "seed.shop.weights": {
                "resource_type": "seed",
                "name": "weights",
                "schema": "seeds",
                "alias": "weights",
                "columns": {"weight": {}},
            },
            "test.shop.not_null": {
                "resource_type": "test",
                "name": "not_null",
                "schema": "t",
                "depends_on": {"nodes": []},
            },
            "model.shop.py": model("py", "def model(dbt, session): ...", "model.shop.a_scores", language="python"),
            "model.shop.parsed": model("parsed", "", "model.shop.a_scores"),
            "snapshot.shop.history": {**model("history", "SELECT score FROM marts.a_scores", "model.shop.a_scores")}
            | {"resource_type": "snapshot", "alias": "contact_history"},
        },
    }


CATALOG = Catalog({"warehouse.raw.contact": ["id", "visits"]}, connection="warehouse")


def test_models_are_followed_in_the_order_in_which_they_run() -> None:
    steps = {step.target: step for step in steps_of(manifest(), CATALOG, connection="warehouse")}
    scores = steps["warehouse.marts.a_scores"]
    assert (scores.via, scores.by) == ("dbt", "a_scores")
    assert [column.name for column in scores.columns] == ["id", "visits", "score"]
    assert [(each.table, each.column) for each in scores.columns[2].sources] == [
        ("warehouse.seeds.weights", "weight"),
        ("warehouse.staging.stg_contact", "visits"),
    ]
    assert steps["warehouse.marts.contact_history"].columns[0].sources[0].table == "warehouse.marts.a_scores"
    assert "warehouse.t.not_null" not in steps


@pytest.mark.parametrize(("name", "problem"), [("py", "it is no SQL"), ("parsed", "dbt has not compiled it")])
def test_what_has_no_sql_is_unknown_and_still_has_its_inputs(name: str, problem: str) -> None:
    steps = {step.by: step for step in steps_of(manifest(), CATALOG, connection="warehouse")}
    assert (steps[name].problem, steps[name].inputs) == (problem, ("warehouse.marts.a_scores",))


def test_a_seed_or_source_may_have_more_columns_than_its_yaml_describes() -> None:
    given = manifest()
    given["nodes"]["model.shop.a_scores"]["compiled_code"] = (
        'SELECT w.undescribed, w.* FROM "shop"."seeds"."weights" AS w'
    )
    (step,) = [each for each in steps_of(given, CATALOG, connection="warehouse") if each.by == "a_scores"]
    assert [(each.name, each.unknown != "") for each in step.columns] == [("undescribed", False), ("*", True)]


def test_a_field_of_the_crm_leads_through_the_project_to_the_field_that_it_came_from() -> None:
    load = mapping("crm.Contact", "warehouse.raw.contact", {"Id": "id", "Visits__c": "visits"}, via="load")
    sync = mapping("warehouse.marts.a_scores", "crm.Contact", {"score": "Score__c"}, via="sync")
    lineage = Lineage([load, *steps_of(manifest(), CATALOG, connection="warehouse"), sync])
    ends = [str(end) for end in lineage.upstream("crm.Contact.Score__c").ends]
    assert ends == ["crm.Contact.Visits__c", "warehouse.seeds.weights.weight"]


def test_the_adapter_says_the_dialect_and_a_second_look_parses_nothing() -> None:
    cache: Cache = {}
    given = manifest("postgres")
    given["nodes"]["model.shop.stg_contact"]["compiled_code"] = (
        "SELECT DISTINCT ON (id) id, visits::int FROM raw.contact"
    )
    first = steps_of(given, CATALOG, connection="warehouse", cache=cache)
    size = len(cache)
    assert steps_of(given, CATALOG, connection="warehouse", cache=cache) == first
    assert len(cache) == size == 3
    assert not first[0].unknown
