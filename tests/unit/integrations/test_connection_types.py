"""What the forms ask for is what the clients take."""

from __future__ import annotations

import msgspec
import pytest

from toque.integrations.connection_types import connection_types
from toque.integrations.http.client import HttpOptions
from toque.integrations.salesforce.session import Options
from toque.notify import TYPES
from toque.notify.mail import KNOWN
from toque.settings.secret import is_telling

SCHEMAS = {each.type: each.options for each in connection_types()}


def test_salesforce_and_http_ask_for_every_option_of_their_clients() -> None:
    assert set(SCHEMAS["salesforce"]["properties"]) == set(Options.__struct_fields__)
    # Targets belong to syncs, which take them away before the client is made.
    assert set(SCHEMAS["http"]["properties"]) == {*HttpOptions.__struct_fields__, "targets"}


def test_whatever_can_be_told_has_a_form() -> None:
    assert set(TYPES) <= set(SCHEMAS)
    assert set(SCHEMAS["smtp"]["properties"]) == set(KNOWN)


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_a_form_is_a_schema_whose_telling_fields_take_references(kind: str) -> None:
    schema = SCHEMAS[kind]
    assert set(schema["required"]) <= set(schema["properties"])
    for name, each in schema["properties"].items():
        assert each["title"]
        assert not is_telling(name) or each["format"] == "secret", name
    msgspec.json.encode(schema)
