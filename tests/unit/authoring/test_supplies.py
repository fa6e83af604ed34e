"""What a worker supplies: resources, connections, variables, secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.authoring import examples as e
from toque.authoring.supplies import Connection, Resource, Secret, Variable, resource, use
from toque.authoring.wiring import Marker
from toque.errors import UserError
from toque.graph.ir import Inject
from toque.worker.context import Interval


class Settings:
    """What the settings give for a connection."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    type = "shop"

    def revealed(self) -> dict[str, Any]:
        return self.options


plain = Connection("plain")


@resource(scope="attempt")
def windowed(window: Interval = use(Interval)) -> Iterator[str]:
    yield str(window)


def marker(found: Any) -> Marker:
    assert isinstance(found, Marker)
    return found


def test_a_resource_is_found_by_its_function_and_opened_with_what_it_needs() -> None:
    assert isinstance(e.client, Resource)
    inject = marker(use(e.client)).inject
    assert inject.code is not None
    assert (inject.kind, inject.code.qualname) == ("resource", "client")
    assert e.client.__toque_scope__ == "worker"
    assert list(e.client.__toque_inject__) == ["settings"]
    opened: Any = e.client.__toque_open__(settings=e.Shop("shop").__toque_open__(settings=Settings(url="u")))
    assert next(opened) == "u"


def test_a_connection_is_found_by_its_class_and_its_name() -> None:
    inject = marker(use(plain)).inject
    assert inject.code is not None
    assert (inject.kind, inject.name, inject.code.module, inject.code.qualname) == (
        "connection",
        "plain",
        "toque.authoring.supplies",
        "Connection",
    )


def test_the_fields_of_a_connection_are_filled_and_checked() -> None:
    opened = e.shop.__toque_open__(settings=Settings(url="https://shop", token="t", extra=1))
    assert (opened.url, opened.token, opened.options["extra"]) == ("https://shop", "t", 1)
    assert opened is not e.shop
    assert repr(opened) == "<connection shop>"


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert e.shop.__toque_open__(settings=Settings(url="u")).token == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "The connection 'shop' has no url, which Shop needs."),
        ({"url": ["secret"]}, "The connection 'shop' has a url that is not str."),
    ],
)
def test_a_wrong_connection_is_named_without_its_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        e.shop.__toque_open__(settings=Settings(**options))
    assert caught.value.message == message
    assert caught.value.fix == "url = … in [connections.shop] of toque.toml"
    assert "secret" not in str(caught.value)


def test_slots_of_a_connection_are_claimed_through_a_resource() -> None:
    assert marker(use(e.client)).connections == ("shop",)


def test_variables_and_secrets_are_named() -> None:
    assert marker(use(Variable("limit", int))).inject == Inject(kind="variable", name="limit")
    assert marker(use(Secret("token"))).inject == Inject(kind="secret", name="token")


def test_a_resource_of_an_attempt_may_use_what_belongs_to_the_attempt() -> None:
    assert windowed.__toque_scope__ == "attempt"
    assert marker(use(windowed)).lasting is False
