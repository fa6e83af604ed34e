"""Sessions are renewed, waits are kept, and what Salesforce says arrives as an error with its words."""

from __future__ import annotations

import pickle

import pytest

from tests.salesforce import Crm
from toque.errors import TransientError, UserError
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.session import Busy, Options, Refused


def test_a_user_and_a_client_log_in(crm: Crm, client: SalesforceClient) -> None:
    assert "calls are left today" in client.probe()
    with SalesforceClient(crm.client_options) as other:
        assert other.count("SELECT COUNT() FROM Contact") == 0
    both = crm.options | crm.client_options | {"security_token": ""}
    assert SalesforceClient(both).count("SELECT COUNT() FROM Contact") == 0


def test_a_wrong_password_names_the_place_and_not_the_password(crm: Crm) -> None:
    with pytest.raises(UserError, match="refuses the login at https://localhost") as caught:
        SalesforceClient(crm.options | {"password": "wrong"}).probe()
    assert "wrong" not in str(caught.value)


def test_an_unknown_certificate_names_the_option(crm: Crm) -> None:
    with pytest.raises(UserError, match="ca_file"):
        SalesforceClient(crm.options | {"ca_file": ""}).probe()


def test_a_silent_address_may_heal(crm: Crm) -> None:
    gone = crm.options | {"url": "https://localhost:9"}
    with pytest.raises(TransientError, match="cannot be reached"):
        SalesforceClient(gone, Patience(tries=1)).probe()


@pytest.mark.parametrize("wrong", [{"username": "ada"}, {"url": 1}, {"user": "ada"}])
def test_options_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match="connection to Salesforce"):
        Options.of(wrong)


def test_an_expired_session_is_renewed_once(crm: Crm, client: SalesforceClient) -> None:
    client.probe()
    crm.sandbox.expire()
    client.probe()
    crm.arm("expire", "limits", times=9)
    with pytest.raises(Refused) as caught:
        client.probe()
    assert (caught.value.status, caught.value.code) == (401, "INVALID_SESSION_ID")


def test_it_waits_as_long_as_it_is_told(crm: Crm, client: SalesforceClient, naps: list[float]) -> None:
    crm.arm("status", "limits", status=429, retry_after="7")
    crm.arm("status", "limits", status=503)
    client.probe()
    assert naps == [7.0, 2.0]


def test_a_wait_that_is_too_long_is_left_to_the_task(crm: Crm, client: SalesforceClient, naps: list[float]) -> None:
    crm.arm("status", "limits", status=503, retry_after="3600")
    with pytest.raises(Busy) as caught:
        client.probe()
    assert (caught.value.retry_after_s, naps) == (3600, [])


def test_the_limit_of_a_day_is_no_refusal(crm: Crm, client: SalesforceClient) -> None:
    crm.arm("status", "limits", status=403, times=5)
    with pytest.raises(Busy, match="REQUEST_LIMIT_EXCEEDED"):
        client.probe()


@pytest.mark.parametrize("kind", ["cut_before", "cut_body", "cut_after"])
def test_a_broken_connection_is_tried_again_unless_that_could_do_harm(
    crm: Crm, client: SalesforceClient, kind: str
) -> None:
    crm.arm(kind, "limits")
    client.probe()
    crm.arm(kind, "POST")
    with pytest.raises(Unanswered):
        client.request("POST", "sobjects/Contact", json={"LastName": "Ada"}, is_repeatable=False)
    assert len(crm.all()) == (kind != "cut_before")


def test_a_refusal_has_salesforces_words_and_survives_a_process_border(client: SalesforceClient) -> None:
    with pytest.raises(Refused, match="No such column 'Nope'") as caught:
        client.count("SELECT Nope FROM Contact")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.code, copy.status, str(copy)) == ("INVALID_FIELD", 400, str(caught.value))


def test_pages_and_fields(crm: Crm, client: SalesforceClient) -> None:
    for number in range(7):
        crm.add(LastName=str(number))
    assert [len(page) for page in client.pages("SELECT Id FROM Contact")] == [5, 2]
    assert client.fields("Contact")["Lead_Score__c"]["type"] == "double"
    client.fields("Contact")
    assert len(crm.calls("describe")) == 1
