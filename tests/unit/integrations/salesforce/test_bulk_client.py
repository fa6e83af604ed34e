"""Our client of Bulk API 2.0: values keep their line ends, and every row has an outcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.salesforce import Crm
from toque.integrations.salesforce.bulk import NULL, Bulk, parts, read, written
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.session import Busy

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1)


@given(st.lists(st.fixed_dictionaries({"key": TEXT, "value": TEXT}), min_size=1))
def test_what_is_written_is_read_whatever_the_values_hold(rows: list[dict[str, str]]) -> None:
    assert list(read(written(rows).decode())) == rows


def test_empty_values_are_told_from_absent_ones() -> None:
    rows = [{"a": None, "b": True}, {"a": "", "c": 1.5}]
    assert written(rows) == f'"a","b","c"\n"{NULL}","true",""\n"{NULL}","","1.5"\n'.encode()


@given(st.lists(TEXT, max_size=30), st.integers(10, 200))
def test_parts_are_below_the_limit_and_lose_nothing(values: list[str], limit: int) -> None:
    rows = [{"v": value} for value in values]
    found = list(parts(rows, limit))
    assert [row for part in found for row in part] == rows
    assert all(len(written(part)) <= limit or len(part) == 1 for part in found)


def upsert(bulk: Bulk, rows: list[dict[str, object]]) -> str:
    job = bulk.create("Contact", "upsert", "Product_User_Id__c")
    bulk.upload(job, rows)
    return job


def test_accepted_failed_and_unprocessed_rows_are_all_told(crm: Crm, client: SalesforceClient) -> None:
    crm.sandbox.state.set("bulk limit", "2")
    rows = [{"Product_User_Id__c": f"u{n}", "LastName": name} for n, name in enumerate(["two\nlines", None, "late"])]
    bulk = Bulk(client)
    outcome = bulk.outcome(upsert(bulk, rows))
    assert outcome.state == "Failed"
    assert [row["LastName"] for row in outcome.accepted] == ["two\nlines"]
    assert [row["sf__Error"].partition(":")[0] for row in outcome.failed] == ["REQUIRED_FIELD_MISSING"]
    assert [row["Product_User_Id__c"] for row in outcome.unprocessed] == ["u2"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_broken_upload_is_aborted(crm: Crm, client: SalesforceClient, kind: str) -> None:
    crm.arm(kind, "PUT")
    with pytest.raises(Busy, match="aborted"):
        upsert(Bulk(client), [{"Product_User_Id__c": "u1", "LastName": "Ada"}])
    assert crm.all() == {}


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_broken_close_is_looked_after(crm: Crm, client: SalesforceClient, kind: str) -> None:
    crm.arm(kind, "PATCH")
    bulk = Bulk(client)
    job = upsert(bulk, [{"Product_User_Id__c": "u1", "LastName": "Ada"}])
    assert len(bulk.outcome(job).accepted) == 1
    assert set(crm.all()) == {"u1"}


def test_an_export_has_pages_and_keeps_line_ends(crm: Crm, client: SalesforceClient) -> None:
    for number in range(5):
        crm.add(LastName=f"{number}\n'\"")
    pages = list(Bulk(client).export("SELECT LastName FROM Contact ORDER BY LastName", size=2))
    assert [[row["LastName"] for row in page] for page in pages] == [
        ["0\n'\"", "1\n'\""],
        ["2\n'\"", "3\n'\""],
        ["4\n'\""],
    ]
