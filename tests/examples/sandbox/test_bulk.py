"""Bulk API 2.0 of the sandbox, driven by `simple-salesforce` where its client can."""

from __future__ import annotations

import csv
import io

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.login import SalesforceLogin

from sandbox.salesforce.login import PASSWORD, TOKEN, USER
from tests.salesforce import Crm


@pytest.fixture
def sf(crm: Crm) -> Salesforce:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(crm.server.authority)
    token, _ = SalesforceLogin(USER, PASSWORD, TOKEN, scratch_url=crm.server.url, session=session)
    return Salesforce(session_id=token, instance_url=crm.server.url, session=session)


def jobs(sf: Salesforce, method: str, path: str, **more: object) -> requests.Response:
    headers = {**sf.headers, **({"Content-Type": "text/csv"} if "data" in more else {})}
    return sf.session.request(method, f"{sf.base_url}jobs/{path}", headers=headers, **more)


def ingest(sf: Salesforce, content: str, operation: str = "upsert") -> str:
    asked = {"object": "Contact", "operation": operation, "externalIdFieldName": "Product_User_Id__c"}
    job = str(jobs(sf, "POST", "ingest", json=asked).json()["id"])
    assert jobs(sf, "PUT", f"ingest/{job}/batches", data=content.encode()).status_code == 201
    jobs(sf, "PATCH", f"ingest/{job}", json={"state": "UploadComplete"})
    return job


def table(sf: Salesforce, job: str, kind: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(jobs(sf, "GET", f"ingest/{job}/{kind}").text, newline="")))


def test_a_job_that_is_complete_may_hold_failures(sf: Salesforce, crm: Crm) -> None:
    job = ingest(sf, 'Product_User_Id__c,LastName,Description\nu1,Ada,"two\nlines"\nu2,,\n,x,\n')
    info = jobs(sf, "GET", f"ingest/{job}").json()
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 2)
    assert [row["sf__Created"] for row in table(sf, job, "successfulResults")] == ["true"]
    assert [row["sf__Error"].partition(":")[0] for row in table(sf, job, "failedResults")] == [
        "REQUIRED_FIELD_MISSING",
        "MISSING_ARGUMENT",
    ]
    assert crm.all()["u1"]["Description"] == "two\nlines"
    assert jobs(sf, "DELETE", f"ingest/{job}").status_code == 204
    assert jobs(sf, "GET", f"ingest/{job}").status_code == 404


def test_what_a_limit_cut_off_is_unprocessed(sf: Salesforce, crm: Crm) -> None:
    crm.sandbox.state.set("bulk limit", "1")
    job = ingest(sf, "Product_User_Id__c,LastName\nu1,Ada\nu2,Bee\n")
    assert jobs(sf, "GET", f"ingest/{job}").json()["state"] == "Failed"
    assert [row["LastName"] for row in table(sf, job, "unprocessedrecords")] == ["Bee"]
    assert set(crm.all()) == {"u1"}


def test_an_empty_value_changes_nothing_and_the_mark_empties(sf: Salesforce, crm: Crm) -> None:
    crm.add(LastName="Ada", Product_User_Id__c="u1", FirstName="A", Title="Dr")
    ingest(sf, "Product_User_Id__c,FirstName,Title,HasOptedOutOfEmail\nu1,,#N/A,TRUE\n")
    row = crm.all()["u1"]
    assert (row["FirstName"], row["Title"], row["HasOptedOutOfEmail"]) == ("A", None, 1)


def test_an_unknown_column_fails_the_whole_job(sf: Salesforce, crm: Crm) -> None:
    job = ingest(sf, "Product_User_Id__c,Nope\nu1,Ada\n")
    assert "Nope" in jobs(sf, "GET", f"ingest/{job}").json()["errorMessage"]
    assert len(table(sf, job, "unprocessedRecords")) == 1


def test_inserts_updates_and_deletes_by_id(sf: Salesforce, crm: Crm) -> None:
    ingest(sf, "LastName,Product_User_Id__c\nAda,u1\n", "insert")
    record = crm.all()["u1"]["Id"]
    ingest(sf, f"Id,LastName\n{record},Bee\n", "update")
    assert crm.all()["u1"]["LastName"] == "Bee"
    ingest(sf, f"Id\n{record}\n", "delete")
    assert crm.all() == {}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"object": "Nope", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Contact", "operation": "merge"}, "INVALIDOPERATION"),
        ({"object": "Contact", "operation": "upsert"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_cannot_be_is_refused(sf: Salesforce, asked: dict[str, str], code: str) -> None:
    assert jobs(sf, "POST", "ingest", json=asked).json()[0]["errorCode"] == code


def test_a_job_takes_one_upload_while_it_is_open(sf: Salesforce, crm: Crm) -> None:
    job = jobs(sf, "POST", "ingest", json={"object": "Contact", "operation": "insert"}).json()["id"]
    assert jobs(sf, "DELETE", f"ingest/{job}").status_code == 400
    assert jobs(sf, "PUT", f"ingest/{job}/batches", data=b"LastName\nAda\n").status_code == 201
    assert jobs(sf, "PUT", f"ingest/{job}/batches", data=b"LastName\nAda\n").status_code == 400
    assert jobs(sf, "PATCH", f"ingest/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert jobs(sf, "PATCH", f"ingest/{job}", json={"state": "UploadComplete"}).status_code == 400
    assert crm.all() == {}


def test_an_export_comes_in_pages(sf: Salesforce, crm: Crm) -> None:
    for number in range(5):
        crm.add(LastName=f"Name\n{number}", HasOptedOutOfEmail=number == 2)
    pages = list(sf.bulk2.Contact.query("SELECT LastName, HasOptedOutOfEmail FROM Contact", max_records=2, wait=0))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
    assert len(pages) == 3
    assert [row["LastName"] for row in rows] == [f"Name\n{number}" for number in range(5)]
    assert [row["HasOptedOutOfEmail"] for row in rows].count("true") == 1


def test_an_export_of_everything_tells_of_deleted_records(sf: Salesforce, crm: Crm) -> None:
    crm.remove(crm.add(LastName="gone"))
    (page,) = sf.bulk2.Contact.query_all("SELECT LastName, IsDeleted FROM Contact", wait=0)
    assert page == '"LastName","IsDeleted"\n"gone","true"\n'
