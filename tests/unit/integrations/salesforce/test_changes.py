"""No change of Salesforce is missed: equal stamps, late commits, deletes in or out of the recycle bin, lost pages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.salesforce import Crm
from toque.errors import UserError
from toque.integrations.salesforce.changes import ChangesSpec, Gap, SalesforceChanges
from toque.integrations.salesforce.client import SalesforceClient
from toque.ports.sources import Batch


def changes(client: SalesforceClient, **more: Any) -> SalesforceChanges:
    return SalesforceChanges(client, "crm.Contact", ChangesSpec(object="Contact", **more))


def names(batches: list[Batch]) -> list[str]:
    return [name for batch in batches for name in batch.rows["LastName"].to_pylist()]


def gone(batches: list[Batch]) -> list[str]:
    return [
        row
        for batch in batches
        if batch.deleted is not None
        for row, deleted in zip(batch.rows["Id"].to_pylist(), batch.deleted.to_pylist(), strict=True)
        if deleted
    ]


def test_everything_comes_first_and_then_what_changed(crm: Crm, client: SalesforceClient) -> None:
    for number in range(7):
        crm.add(LastName=f"n{number}")
        crm.clock.forward()
    source = changes(client, lag_s=0)
    first = list(source.read(""))
    assert names(first) == [f"n{number}" for number in range(7)]
    assert [(batch.since, batch.upto) for batch in first] == [
        ("", "2026-11-02T09:00:04.000Z"),
        ("2026-11-02T09:00:04.000Z", "2026-11-02T09:00:06.000Z"),
    ]
    changed = crm.add(LastName="late")
    crm.clock.forward()
    crm.change(changed, LastName="later")
    again = list(source.read(first[-1].upto))
    assert names(again) == ["n6", "later"]
    assert all(batch.is_complete and batch.may_repeat for batch in again)


def test_rows_have_the_types_that_the_organisation_declares(crm: Crm, client: SalesforceClient) -> None:
    crm.add(
        LastName="Ada",
        Lead_Score__c=7,
        Active_Days__c=3,
        HasOptedOutOfEmail=True,
        Trial_Ends__c="2026-12-01",
        Last_Seen__c="2026-11-01T10:00:00+02:00",
    )
    (batch,) = changes(client).read("")
    (row,) = batch.rows.to_pylist()
    assert (row["Lead_Score__c"], row["Active_Days__c"], row["HasOptedOutOfEmail"]) == (7.0, 3, True)
    assert row["Trial_Ends__c"] == date(2026, 12, 1)
    assert row["Last_Seen__c"] == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert row["Email"] is None
    assert batch.order is not None
    assert batch.order.to_pylist() == [int(crm.clock.now.timestamp() * 1_000_000)]


def test_an_export_gives_the_same_rows_as_the_query(crm: Crm, client: SalesforceClient) -> None:
    for number in range(6):
        crm.add(LastName=f"n\n{number}", HasOptedOutOfEmail=number % 2 == 0, Lead_Score__c=number or None)
    crm.remove(crm.add(LastName="gone"))
    few, many = (list(changes(client, bulk_from=limit).read("")) for limit in (100, 2))
    assert [row for batch in few for row in batch.rows.to_pylist()] == many[0].rows.to_pylist()
    assert gone(few) == gone(many)
    assert crm.calls("jobs/query")


def test_a_query_that_fits_into_no_address_goes_by_export(
    crm: Crm, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toque.integrations.salesforce.changes._ADDRESS", 100)
    crm.add(LastName="Ada")
    assert names(list(changes(client).read(""))) == ["Ada"]
    assert crm.calls("jobs/query")


def test_a_record_that_shows_late_is_found_within_the_lag(crm: Crm, client: SalesforceClient) -> None:
    crm.add(LastName="early")
    crm.clock.forward(30)
    crm.add(LastName="newest")
    source = changes(client, lag_s=60)
    *_, last = source.read("")
    # A transaction that began before `newest` and is committed after it.
    crm.clock.forward(-10)
    crm.add(LastName="slow")
    again = list(source.read(last.upto))
    assert "slow" in names(again)
    assert again[-1].upto == last.upto


def test_equal_stamps_at_the_border_of_a_read_are_read_again(crm: Crm, client: SalesforceClient) -> None:
    crm.add(LastName="one")
    source = changes(client, lag_s=0)
    *_, last = source.read("")
    crm.add(LastName="other")
    assert sorted(names(list(source.read(last.upto)))) == ["one", "other"]


def test_deleted_records_are_told_as_deleted(crm: Crm, client: SalesforceClient) -> None:
    kept, removed = crm.add(LastName="kept"), crm.add(LastName="removed")
    source = changes(client)
    *_, last = source.read("")
    crm.clock.forward(5)
    crm.remove(removed)
    batches = list(source.read(last.upto))
    assert gone(batches) == [removed]
    assert kept not in gone(batches)


def test_what_left_the_recycle_bin_is_told_by_the_log_of_deletes(crm: Crm, client: SalesforceClient) -> None:
    removed = crm.add(LastName="removed")
    source = changes(client)
    *_, last = source.read("")
    crm.clock.forward(5)
    crm.remove(removed)
    crm.sandbox.empty_bin()
    batches = list(source.read(last.upto))
    assert gone(batches) == [removed]
    assert batches[-1].upto == last.upto


def test_a_gap_is_said_and_names_the_way_out(crm: Crm, client: SalesforceClient) -> None:
    removed = crm.add(LastName="removed")
    source = changes(client)
    *_, last = source.read("")
    crm.clock.forward(5)
    crm.remove(removed)
    crm.sandbox.empty_bin()
    crm.clock.forward(5)
    crm.sandbox.forget_deletes()
    with pytest.raises(Gap, match=r"mode=Replace\(\)"):
        list(source.read(last.upto))
    assert list(changes(client, on_gap="ignore").read(last.upto)) == []


def test_a_query_whose_pages_are_forgotten_begins_anew_where_it_stopped(crm: Crm, client: SalesforceClient) -> None:
    for number in range(12):
        crm.add(LastName=f"n{number:02}")
        crm.clock.forward()
    read = changes(client).read("")
    found = names([next(read)])
    crm.sandbox.state.rows("DELETE FROM _locators")
    found += names(list(read))
    assert sorted(set(found)) == [f"n{number:02}" for number in range(12)]


def test_a_formula_changes_without_a_stamp(crm: Crm, client: SalesforceClient) -> None:
    account = crm.add("Account", Name="Acme", Tier__c="Free")
    crm.add(LastName="Ada", AccountId=account)
    source = changes(client, fields=("Account_Tier__c",), lag_s=0)
    (first,) = source.read("")
    crm.clock.forward(5)
    crm.change(account, "Account", Tier__c="Team")
    (again,) = source.read("2026-11-02T09:00:00.000Z")
    assert (first.rows["Account_Tier__c"].to_pylist(), again.upto) == (["Free"], first.upto)


def test_fields_that_are_not_there_are_named(client: SalesforceClient) -> None:
    with pytest.raises(UserError, match="no field 'Nope'"):
        list(changes(client, fields=("Nope",)).read(""))


def test_an_object_without_records_has_no_batches(client: SalesforceClient) -> None:
    source = changes(client)
    assert list(source.read("")) == []
    source.confirm("")
    assert source.name == "crm.Contact"
