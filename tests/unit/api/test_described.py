"""The strings below the fields of the API's types are in its description."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from toque.api.app import create_app
from toque.api.asking import Paging
from toque.api.wire.model import Page, Wire


class Animal(Wire):
    """Of a zoo."""

    name: str = Field(alias="called")
    """What it answers to."""
    age: int = Field(description="In years.")
    """Of no interest to others."""
    legs: int


class Bird(Animal):
    """With wings."""

    legs: int
    """Always two,
    but for accidents."""


router = APIRouter()


@router.get("/birds")
async def _birds(page: Paging) -> Page[Bird]:
    raise NotImplementedError


def test_fields_are_described_as_the_source_does_unless_they_say_something_themselves() -> None:
    schemas = create_app(more=(router,)).openapi()["components"]["schemas"]
    described = {name: each.get("description") for name, each in schemas["Bird"]["properties"].items()}
    assert described == {
        "called": "What it answers to.",
        "age": "In years.",
        "legs": "Always two,\nbut for accidents.",
    }
    assert "Opaque" in schemas["Page_Bird_"]["properties"]["next"]["description"]
