"""What nobody should see is hidden, by its declaration or by its name."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.data.checks.masking import MASK, is_sensitive, masked


@pytest.mark.parametrize(
    "column",
    [
        *("email", "Email", "BillingEmail", "billing_email", "emails", "e_mail", "EMAIL_ADDRESS", "PersonEmail__c"),
        *("phone", "PhoneNumber", "MobilePhone", "mobile", "Fax", "phone2", "home_phone_2"),
        *("ssn", "SSN", "userSSN", "iban", "IBAN", "passport_no", "tax_id", "TaxId", "national_id"),
        *("first_name", "FirstName", "LASTNAME", "last name", "surname", "birthdate", "date_of_birth", "dob"),
        *("password", "api_key", "apiKey", "access_token", "client_secret", "card_number", "credit_card_last4"),
        *("street", "MailingStreet", "ip_address", "salary"),
    ],
)
def test_names_of_personal_data_and_secrets_are_sensitive(column: str) -> None:
    assert is_sensitive(column)


@pytest.mark.parametrize(
    "column",
    [
        *("id", "Id", "emailed", "emailed_at", "phonetic", "account_id", "name", "stage", "score", "created", "card"),
        *("birds", "tokenizer", "keyboard", "number", "first", "Lead_Score__c", ""),
    ],
)
def test_other_names_are_not(column: str) -> None:
    assert not is_sensitive(column)


def test_declared_columns_are_sensitive_in_any_case() -> None:
    assert is_sensitive("Notes", ["notes"])
    assert not is_sensitive("notes2", ["notes"])


def test_values_are_hidden_and_nulls_are_not() -> None:
    rows = [{"id": 1, "email": "a@x.y", "phone": None, "note": "n", "tags": ["a", {"email": "b@x.y", "k": 1}]}]
    assert masked(rows, ["note"]) == [
        {"id": 1, "email": MASK, "phone": None, "note": MASK, "tags": ["a", {"email": MASK, "k": 1}]}
    ]
    assert masked(rows, all_columns=True)[0]["id"] == MASK


def test_samples_are_short_and_can_be_stored() -> None:
    row = {"at": datetime(2026, 1, 1, tzinfo=UTC), "n": Decimal("1.5"), "b": b"\x00" * 5000, "t": "x" * 5000}
    row |= {"stamp": pd.Timestamp("2026-01-01"), "none": pd.NaT, "odd": Path("a/b"), "map": {1: {2}}, "list": (1, None)}
    (shown,) = masked([row])
    assert (shown["b"], shown["t"][-21:], len(shown["t"])) == (
        "5,000 bytes",
        "… (5,000 characters)".rjust(21, "x"),
        220,
    )
    assert (shown["stamp"], shown["none"]) == ("2026-01-01 00:00:00", "NaT")
    assert (shown["odd"], shown["map"], shown["list"]) == ("a/b", {"1": "{2}"}, [1, None])
    assert msgspec.json.decode(msgspec.json.encode(shown))["n"] == "1.5"


@given(st.text(max_size=40))
def test_any_name_can_be_asked(column: str) -> None:
    assert is_sensitive(column) in (True, False)
    assert is_sensitive(column, [column])
