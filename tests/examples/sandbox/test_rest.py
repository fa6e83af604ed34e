"""The sandbox answers the real `simple-salesforce` as an organisation would."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.login import SalesforceLogin, token_login

from sandbox.salesforce.application import Sandbox
from sandbox.salesforce.login import CLIENT, PASSWORD, SECRET, TOKEN, USER
from sandbox.salesforce.server import SandboxServer
from tests.salesforce import Crm


def session_of(crm: Crm) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(crm.server.authority)
    return session


@pytest.fixture
def sf(crm: Crm) -> Salesforce:
    session = session_of(crm)
    token, _ = SalesforceLogin(USER, PASSWORD, TOKEN, scratch_url=crm.server.url, session=session)
    return Salesforce(session_id=token, instance_url=crm.server.url, session=session)


def test_a_wrong_password_is_refused(crm: Crm) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="Invalid username"):
        SalesforceLogin(USER, "wrong", TOKEN, scratch_url=crm.server.url, session=session_of(crm))


def test_a_token_is_given_to_a_known_client_only(crm: Crm) -> None:
    url, session = f"{crm.server.url}/services/oauth2/token", session_of(crm)
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    token, instance = token_login(url, form, "localhost", CLIENT, None, {}, session)
    assert Salesforce(session_id=token, instance=instance, session=session).limits()["DailyApiRequests"]["Max"] > 0
    with pytest.raises(SalesforceAuthenticationFailed, match="authentication failure"):
        token_login(url, form | {"client_secret": "wrong"}, "localhost", CLIENT, None, {}, session)


def test_a_query_comes_in_pages_and_leaves_out_what_was_deleted(sf: Salesforce, crm: Crm) -> None:
    ids = [crm.add(LastName=f"Name {number:02}") for number in range(13)]
    crm.remove(ids[3])
    soql = "SELECT Id, LastName, IsDeleted FROM Contact ORDER BY LastName"
    first = sf.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (12, False, 5)
    alive = sf.query_all(soql)["records"]
    assert [row["Id"] for row in alive] == ids[:3] + ids[4:]
    known = sf.query_all(soql, include_deleted=True)["records"]
    assert [row["Id"] for row in known if row["IsDeleted"]] == [ids[3]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("LastName = 'ADA'", "a"),
        ("Lead_Score__c >= 50 AND HasOptedOutOfEmail = FALSE", "b"),
        ("(LastName LIKE 'b%' OR LastName LIKE '%\\'%') AND Lead_Score__c != null", "bd"),
        ("Product_User_Id__c IN ('a', 'c')", "ac"),
        ("Product_User_Id__c NOT IN ('a', 'c')", "bd"),
        ("NOT Lead_Score__c > 60", "ac"),
        ("Lead_Score__c = null", "c"),
        ("SystemModstamp > 2026-11-02T10:00:01+01:00", "cd"),
        ("Trial_Ends__c < 2026-01-01", "d"),
        ("Name = 'grace bee'", "b"),
        ("Account_Tier__c = 'Team'", "a"),
    ],
)
def test_conditions_mean_what_they_say(sf: Salesforce, crm: Crm, where: str, expected: str) -> None:
    account = crm.add("Account", Name="Acme", Tier__c="Team")
    crm.add(LastName="Ada", Product_User_Id__c="a", Lead_Score__c=10, AccountId=account)
    crm.add(LastName="Bee", FirstName="Grace", Product_User_Id__c="b", Lead_Score__c=70)
    crm.clock.forward(2)
    crm.add(LastName="Cee", Product_User_Id__c="c")
    crm.add(
        LastName="O'Dee",
        Product_User_Id__c="d",
        Lead_Score__c=90,
        HasOptedOutOfEmail=True,
        Trial_Ends__c="2025-12-31",
    )
    found = sf.query_all(f"SELECT Product_User_Id__c FROM Contact WHERE {where} ORDER BY Product_User_Id__c")
    assert "".join(row["Product_User_Id__c"] for row in found["records"]) == expected


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Contact WHERE LastName = 'a' AND FirstName = 'b' OR Email = 'c'", "MALFORMED_QUERY"),
        ("SELECT Nope__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE Lead_Score__c = 'ten'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact LIMIT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName ~ 'a'", "MALFORMED_QUERY"),
        ('SELECT Id FROM Contact WHERE LastName = "a"', "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_is_no_soql_is_refused_by_name(sf: Salesforce, soql: str, code: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query(soql)
    assert caught.value.content[0]["errorCode"] == code


def test_order_limit_offset_and_count(sf: Salesforce, crm: Crm) -> None:
    for score in (None, 3, 1, 2):
        crm.add(LastName="x", Lead_Score__c=score)

    def scores(rest: str) -> list[Any]:
        return [row["Lead_Score__c"] for row in sf.query(f"SELECT Lead_Score__c FROM Contact {rest}")["records"]]

    assert scores("ORDER BY Lead_Score__c") == [None, 1, 2, 3]
    assert scores("ORDER BY Lead_Score__c DESC NULLS LAST LIMIT 2 OFFSET 1") == [2, 1]
    assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 4


def test_a_record_is_made_read_changed_and_deleted(sf: Salesforce, crm: Crm) -> None:
    made = sf.Contact.create({"LastName": "Lovelace", "HasOptedOutOfEmail": True})
    assert len(made["id"]) == 18
    crm.clock.forward(5)
    assert sf.Contact.update(made["id"], {"FirstName": "Ada"}) == 204
    record = sf.Contact.get(made["id"][:15])
    assert (record["Name"], record["HasOptedOutOfEmail"]) == ("Ada Lovelace", True)
    assert (record["CreatedDate"], record["SystemModstamp"]) == (
        "2026-11-02T09:00:00.000+0000",
        "2026-11-02T09:00:05.000+0000",
    )
    assert sf.Contact.upsert("Product_User_Id__c/u1", {"LastName": "New"}) == 201
    assert sf.Contact.upsert("Product_User_Id__c/u1", {"LastName": "Newer"}) == 200
    assert sf.Contact.get_by_custom_id("Product_User_Id__c", "u1")["LastName"] == "Newer"
    assert sf.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get(made["id"])


def test_what_was_updated_and_deleted_in_a_span(sf: Salesforce, crm: Crm) -> None:
    old, gone = crm.add(LastName="old"), crm.add(LastName="gone")
    crm.clock.forward(60)
    new = crm.add(LastName="new")
    crm.remove(gone)
    start, end = (crm.clock.now.replace(second=second) for second in (0, 59))
    assert sf.Contact.updated(start, end)["ids"] == [new]
    assert [row["id"] for row in sf.Contact.deleted(start, end)["deletedRecords"]] == [gone]
    crm.sandbox.empty_bin()
    assert [row["id"] for row in sf.Contact.deleted(start, end)["deletedRecords"]] == [gone]
    crm.sandbox.forget_deletes()
    assert sf.Contact.deleted(start, end)["deletedRecords"] == []
    assert old in crm.all(by="Id")


def test_describe_tells_the_rules(sf: Salesforce) -> None:
    fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
    assert fields["Product_User_Id__c"]["externalId"]
    assert not fields["Name"]["createable"]
    assert [each["value"] for each in fields["Lead_Grade__c"]["picklistValues"]] == ["A", "B", "C", "D"]
    assert {"Account", "Contact"} <= {each["name"] for each in sf.describe()["sobjects"]}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"FirstName": "Ada"}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x", "Lead_Grade__c": "Z"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"LastName": "x", "Lead_Score__c": 101}, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        ({"LastName": "x", "Product_User_Id__c": "taken"}, "DUPLICATE_VALUE"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"LastName": "x", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "x", "Nope__c": 1}, "INVALID_FIELD"),
        ({"LastName": "x", "Lead_Score__c": "many"}, "JSON_PARSER_ERROR"),
        ({"LastName": "x", "AccountId": "001000000000000AAA"}, "MALFORMED_ID"),
        ({"LastName": "x", "Last_Seen__c": "yesterday"}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused(sf: Salesforce, crm: Crm, values: dict[str, Any], code: str) -> None:
    crm.add(LastName="first", Product_User_Id__c="taken")
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Contact.create(values)
    assert caught.value.content[0]["errorCode"] == code
    assert len(crm.all()) == 1


def of_contact(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Contact"}, **values}


def test_a_collection_has_a_result_for_each_record_in_order(sf: Salesforce, crm: Crm) -> None:
    crm.add(LastName="known", Product_User_Id__c="u1")
    records = [
        of_contact(Product_User_Id__c="u1", LastName="changed"),
        of_contact(Product_User_Id__c="u2", LastName="new", Lead_Score__c=-1),
        of_contact(Product_User_Id__c="u3", LastName="new"),
        of_contact(Product_User_Id__c="u4", LastName="twice"),
        of_contact(Product_User_Id__c="u4", LastName="twice"),
    ]
    path = "composite/sobjects/Contact/Product_User_Id__c"
    results = sf.restful(path, method="PATCH", json={"allOrNone": False, "records": records})
    assert [(each["success"], each.get("created")) for each in results] == [
        (True, False),
        (False, None),
        (True, True),
        (False, None),
        (False, None),
    ]
    assert set(crm.all()) == {"u1", "u3"}
    whole = sf.restful(path, method="PATCH", json={"allOrNone": True, "records": records[1:3]})
    assert whole[1]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"


def test_collections_create_update_and_delete(sf: Salesforce, crm: Crm) -> None:
    made = sf.restful(
        "composite/sobjects", method="POST", json={"records": [of_contact(LastName="a"), of_contact(LastName="b")]}
    )
    ids = [each["id"] for each in made]
    changed = sf.restful(
        "composite/sobjects",
        method="PATCH",
        json={"records": [of_contact(id=ids[0], LastName="c"), of_contact(LastName="nobody")]},
    )
    assert [each["success"] for each in changed] == [True, False]
    gone = sf.restful("composite/sobjects", {"ids": f"{ids[1]},{ids[1]}"}, "DELETE")
    assert [each["success"] for each in gone] == [True, False]
    assert gone[1]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    assert [row["LastName"] for row in crm.all(by="Id").values()] == ["c"]


def test_more_than_200_records_are_refused(sf: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="200"):
        sf.restful("composite/sobjects", method="POST", json={"records": [of_contact(LastName="a")] * 201})


def test_a_composite_request_may_name_what_an_earlier_one_made(sf: Salesforce, crm: Crm) -> None:
    root = f"/services/data/v{sf.sf_version}/sobjects"
    asked = [
        {"method": "POST", "url": f"{root}/Account", "referenceId": "acme", "body": {"Name": "Acme"}},
        {
            "method": "POST",
            "url": f"{root}/Contact",
            "referenceId": "ada",
            "body": {"LastName": "Ada", "AccountId": "@{acme.id}"},
        },
        {"method": "GET", "url": f"{root}/Contact/@{{ada.id}}", "referenceId": "read"},
    ]
    answered = sf.restful("composite", method="POST", json={"compositeRequest": asked})["compositeResponse"]
    assert [each["httpStatusCode"] for each in answered] == [201, 201, 200]
    assert answered[2]["body"]["AccountId"] == answered[0]["body"]["id"]


def test_an_expired_session_is_401(sf: Salesforce, crm: Crm) -> None:
    crm.arm("expire", "query")
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Contact")


def test_faults_happen_when_they_are_due(sf: Salesforce, crm: Crm) -> None:
    url = f"{sf.base_url}sobjects/Contact/"
    crm.arm("status", "POST", status=429, retry_after="7")
    answer = sf.session.post(url, json={"LastName": "a"}, headers=sf.headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    for kind, written in (("cut_before", 0), ("cut_after", 1), ("cut_body", 2)):
        requests.post(
            f"{crm.server.url}/admin/faults",
            json={"kind": kind, "match": "POST"},
            verify=str(crm.server.authority),
            timeout=10,
        )
        with pytest.raises(requests.exceptions.RequestException):
            sf.session.post(url, json={"LastName": "a"}, headers=sf.headers)
        assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == written


def test_an_organisation_survives_a_restart_of_its_server(crm: Crm, sf: Salesforce, tmp_path: Any) -> None:
    kept = sf.Contact.create({"LastName": "kept"})["id"]
    reopened = SandboxServer(Sandbox(tmp_path / "crm.db"), crm.server.authority.parent).start()
    try:
        again = Salesforce(session_id=sf.session_id, instance_url=reopened.url, session=session_of(crm))
        assert again.Contact.get(kept)["LastName"] == "kept"
    finally:
        reopened.close()
