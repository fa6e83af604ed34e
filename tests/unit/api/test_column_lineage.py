"""Columns over the API: those of an asset with their checks, and the way of one across assets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.api.served import Followed, Served, flying
from tests.unit.api.test_asset_pages import made, tell
from toque.data.lineage.steps import ColumnLineage, ColumnSource, Step, mapping
from toque.engine.assets import Checked
from toque.graph.assets import Asset
from toque.ports.project import IndexedAsset, ProjectState

SCORES = Step(
    target="wh.marts.scores",
    inputs=("wh.raw.contact", "wh.raw.events"),
    columns=(
        ColumnLineage("id", (ColumnSource("wh.raw.contact", "Id"),), doc="Whose score it is."),
        ColumnLineage("score", (ColumnSource("wh.raw.events", "kind", "aggregation"),), expression="10 * count(kind)"),
        ColumnLineage("note", unknown="note may be a column of several tables"),
    ),
    via="dbt",
    by="scores",
    file="dbt/models/scores.sql",
)
LINEAGE = Followed(
    mapping("crm.Contact", "wh.raw.contact", ["Id"], via="load", by="contacts"),
    mapping("app.events", "wh.raw.events", ["kind"], via="load", by="events"),
    SCORES,
    Step(target="wh.report", inputs=("wh.marts.scores",), via="python", problem="nobody says"),
    mapping("wh.marts.scores", "crm.Contact", {"score": "Score__c"}, via="sync", by="send"),
)
ASSETS = {
    key: IndexedAsset(asset=Asset(key=key)) for key in ("app.events", "crm.Contact", "wh.marts.scores", "wh.report")
}


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    found = await flying(tmp_path)
    found.project.state = ProjectState(assets=ASSETS, indexed_us=1)
    found.lineage = LINEAGE
    found.start()
    return found


async def test_a_field_of_the_crm_leads_back_to_the_column_that_it_comes_from(served: Served) -> None:
    found = await served.get("/lineage", column="crm.Contact.Score__c", way="up")
    assert found["column"] == {"asset": "crm.Contact", "column": "Score__c"}
    assert [f"{each['asset']}.{each['column']}" for each in found["columns"]] == [
        "crm.Contact.Score__c",
        "wh.marts.scores.score",
        "wh.raw.events.kind",
        "app.events.kind",
    ]
    score, end = found["columns"][1], found["columns"][-1]
    assert score["made"] == [
        {"via": "dbt", "by": "scores", "file": "dbt/models/scores.sql", "line": 0, "expression": "10 * count(kind)"}
    ]
    assert (score["is_end"], end["is_end"], end["made"]) == (False, True, [])
    assert [each["how"] for each in found["hops"]] == ["identity", "aggregation", "identity"]
    assert (found["is_cut"], found["unknown_count"]) == (False, 0)


async def test_both_ways_are_one_answer_and_may_be_cut(served: Served) -> None:
    found = await served.get("/lineage", column="scores.score")
    assert {each["asset"] for each in found["columns"]} == {
        "crm.Contact",
        "wh.marts.scores",
        "wh.raw.events",
        "app.events",
    }
    cut = await served.get("/lineage", column="scores.score", depth=1)
    assert (len(cut["hops"]), cut["is_cut"]) == (2, True)
    down = await served.get("/lineage", column="app.events.kind", way="down")
    assert down["columns"][-1]["column"] == "Score__c"


async def test_what_nobody_knows_is_unknown_and_counted(served: Served) -> None:
    found = await served.get("/lineage", column="wh.marts.scores.note")
    assert found["columns"][0]["unknown"] == "note may be a column of several tables"
    assert found["unknown_count"] == 1


async def test_a_column_that_does_not_exist_is_not_found(served: Served) -> None:
    said = await served.refused("GET", "/lineage", status=404, column="crm.Contact.Nope")
    assert "crm.Contact.Nope" in said["detail"]
    await served.refused("GET", "/lineage", status=422, column="")
    await served.refused("GET", "/assets/nobody/columns", status=404)


async def test_the_columns_of_an_asset_have_types_checks_and_neighbours(served: Served) -> None:
    fine = Checked(asset="wh.marts.scores", check="in_range(score)", column="score", passed=True)
    bad = Checked(asset="wh.marts.scores", check="not_null(score)", column="score", passed=False, failed_rows=2)
    columns = (("id", "text"), ("score", "int64"), ("extra", "text"))
    await tell(served, 5, made("wh.marts.scores", columns=columns), bad)
    await tell(served, 6, made("wh.marts.scores", columns=columns), fine)
    found = await served.get("/assets/wh.marts.scores/columns")
    assert [(each["name"], each["type"]) for each in found["columns"]] == [
        ("id", "text"),
        ("score", "int64"),
        ("extra", "text"),
        ("note", ""),
    ]
    ident, score, extra, note = found["columns"]
    assert ident["doc"] == "Whose score it is."
    assert score["checks"] == [
        {"check": "in_range(score)", "passed": True, "severity": "block", "failed_rows": 0, "at_us": 6},
        {"check": "not_null(score)", "passed": False, "severity": "block", "failed_rows": 2, "at_us": 5},
    ]
    assert score["upstream"] == [{"asset": "wh.raw.events", "column": "kind"}]
    assert score["downstream"] == [{"asset": "crm.Contact", "column": "Score__c"}]
    assert (extra["upstream"], note["unknown"] != "", found["unknown_count"]) == ([], True, 1)


async def test_the_case_of_a_column_is_that_of_its_table(served: Served) -> None:
    await tell(served, 5, made("wh.marts.scores", columns=(("SCORE", "NUMBER"),)))
    found = (await served.get("/assets/wh.marts.scores/columns"))["columns"]
    assert [each["name"] for each in found] == ["SCORE", "id", "note"]
    assert found[0]["downstream"] == [{"asset": "crm.Contact", "column": "Score__c"}]


async def test_an_asset_whose_columns_nobody_states_says_why(served: Served) -> None:
    found = await served.get("/assets/wh.report/columns")
    assert (found["columns"], found["problem"]) == ([], "nobody says")
