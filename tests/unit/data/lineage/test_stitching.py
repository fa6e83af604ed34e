"""Lineage of a whole project, held against a golden file, and walked both ways."""

from __future__ import annotations

import pytest

from tests.unit.data.lineage import revops
from toque.data.lineage.sql import Cache
from toque.data.lineage.steps import ColumnLineage, ColumnSource, Step, mapping
from toque.data.lineage.stitching import ColumnName, Lineage, Made
from toque.data.lineage.trees import column_tree, table_tree
from toque.errors import NotFound

LINEAGE = Lineage(revops.steps())
SCORE = "crm.Contact.Lead_Score__c"


def test_the_lineage_of_the_project_is_the_golden_one() -> None:
    assert revops.written(revops.steps()) == (revops.GOLDEN / "revops.txt").read_text()


def test_a_second_look_parses_nothing() -> None:
    cache: Cache = {}
    first = revops.steps(cache)
    size = len(cache)
    assert revops.steps(cache) == first
    assert len(cache) == size == 5


def test_a_field_of_the_crm_leads_back_to_columns_of_the_sources() -> None:
    found = LINEAGE.upstream(SCORE)
    assert [str(end) for end in found.ends] == [
        "app.public.events.kind",
        "warehouse.marts.usage.events",
        "warehouse.raw.weights.weight",
    ]
    assert [hop.via for hop in found.hops if hop.depth == 1] == ["sync"]
    assert max(hop.depth for hop in found.hops) == 5
    assert found.unknown == ()


def test_names_are_found_in_any_case_and_by_their_end() -> None:
    assert LINEAGE.upstream("CRM.contact.LEAD_SCORE__C") == LINEAGE.upstream(SCORE)
    assert LINEAGE.upstream("Lead_Score__c") == LINEAGE.upstream(SCORE)


def test_a_column_of_a_source_leads_to_all_that_is_made_of_it() -> None:
    ends = {str(end) for end in LINEAGE.downstream("app.public.events.at").ends}
    assert "crm.Contact.Last_Seen__c" in ends
    assert "warehouse.marts.usage.last_kind_before" in ends
    assert LINEAGE.downstream(SCORE).hops == ()


def test_what_is_unknown_is_counted_with_its_reason() -> None:
    assert [(str(column), why) for column, why in LINEAGE.unknown] == [
        ("warehouse.marts.audit.*", "the columns of warehouse.elsewhere.notes are not known"),
        ("warehouse.marts.audit.remark", "remark may be a column of several tables"),
    ]
    assert LINEAGE.upstream("warehouse.marts.audit.remark").unknown[0][1] == "remark may be a column of several tables"


def test_tables_are_stitched_too() -> None:
    tables = LINEAGE.tables()
    assert tables["crm.Contact"] == ("warehouse.marts.scores_to_sync",)
    assert set(tables["warehouse.marts.scores_to_sync"]) == {
        "warehouse.staging.stg_contact",
        "warehouse.marts.usage",
        "warehouse.raw.weights",
    }


def test_an_unknown_name_is_told_with_what_there_is() -> None:
    with pytest.raises(NotFound, match=r"Nothing is known of a column 'crm\.Contact\.Nope'"):
        LINEAGE.upstream("crm.Contact.Nope")
    with pytest.raises(NotFound, match=r"one of several columns(.|\n)*warehouse\.raw\.contact\.Id"):
        LINEAGE.upstream("contact.Id")


def test_a_circle_ends() -> None:
    """The CRM's own id goes to the warehouse and back into the CRM."""
    found = LINEAGE.upstream("crm.Contact.Id")
    assert ColumnName("crm.Contact", "Id") in {hop.source for hop in found.hops}
    assert column_tree(found)[-1].endswith("crm.Contact.Id …")


def test_columns_behind_a_statement_that_could_not_be_read_are_unknown() -> None:
    made = Step(target="wh.m", inputs=("wh.a",), problem="MERGE is not followed column by column")
    lineage = Lineage([made, mapping("wh.m", "crm.C", {"score": "Score__c"}, via="sync", by="scores")])
    found = lineage.upstream("crm.C.Score__c")
    assert found.unknown == ((ColumnName("wh.m", "score"), "MERGE is not followed column by column"),)
    assert lineage.unknown == ((ColumnName("wh.m", "*"), "MERGE is not followed column by column"),)
    assert column_tree(found) == [
        "crm.C.Score__c  (sync scores)",
        "  wh.m.score  (unknown: MERGE is not followed column by column)",
    ]
    assert lineage.upstream("wh.m.anything").unknown[0][1] == "MERGE is not followed column by column"


def test_a_table_that_two_steps_write_has_both_origins() -> None:
    one = Step(target="t", columns=(ColumnLineage("c", (ColumnSource("a", "x", "aggregation"),)),))
    other = mapping("b", "t", {"y": "C"}, via="load")
    hops = Lineage([one, other]).upstream("t.c").hops
    assert {(str(hop.source), hop.how) for hop in hops} == {("a.x", "aggregation"), ("b.y", "identity")}


def test_a_walk_ends_where_it_is_told_to() -> None:
    found = LINEAGE.upstream(SCORE, depth=1)
    assert [str(hop.source) for hop in found.hops] == ["warehouse.marts.scores_to_sync.lead_score"]
    assert found.is_cut
    assert not LINEAGE.upstream(SCORE).is_cut
    assert not LINEAGE.upstream("app.public.events.kind", depth=1).is_cut


def test_columns_of_a_table_with_their_neighbours() -> None:
    assert [each.column for each in LINEAGE.columns_of("CRM.contact")][:2] == ["Id", "Email"]
    score = LINEAGE.find("warehouse.marts.scores_to_sync.lead_score")
    assert [str(each) for each in LINEAGE.next_to(score, "down")] == [SCORE]
    assert "warehouse.marts.usage.exports" in [str(each) for each in LINEAGE.next_to(score, "up")]
    (made,) = LINEAGE.made(LINEAGE.find(SCORE))
    assert made == Made("sync", "scores", "", 0, "")
    assert LINEAGE.made(LINEAGE.find("app.public.events.kind")) == ()


def test_trees_say_who_made_a_column_where_and_how() -> None:
    made = ColumnLineage("s", (ColumnSource("a", "x", "aggregation"),), expression="sum(x)")
    step = Step(target="t", inputs=("a",), columns=(made,), via="dbt", by="t", file="dbt/models/t.sql")
    lineage = Lineage([step, mapping("t", "u", {"s": "S"}, via="sync", by="send")])
    assert column_tree(lineage.upstream("u.S")) == [
        "u.S  (sync send)",
        "  t.s  (dbt t, dbt/models/t.sql: sum(x))",
        "    a.x",
    ]
    assert column_tree(lineage.downstream("a.x"), "down") == [
        "a.x",
        "  t.s  (dbt t, dbt/models/t.sql: sum(x))",
        "    u.S  (sync send)",
    ]
    assert table_tree("u", lineage.tables()) == ["u", "  t", "    a"]
    assert table_tree("a", lineage.tables(), "down", depth=1) == ["a", "  t"]
