"""Parameters of runs: their schema, and what is accepted."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from toque.authoring import parameters
from toque.authoring.supplies import use
from toque.errors import UserError
from toque.graph import constants
from toque.worker.context import Interval


class Mode(enum.Enum):
    FULL = "full"
    DELTA = "delta"


class Window(BaseModel):
    start: date
    days: int = 1


def many(
    year: int,
    name: str = "x",
    share: float = 0.5,
    full: bool = False,
    day: date = date(2026, 1, 2),
    tables: list[str] = ["a"],  # noqa: B006
    mode: Mode = Mode.FULL,
    kind: Literal["small", "big"] = "small",
    limit: int | None = None,
    window: Window = Window(start=date(2026, 1, 1)),  # noqa: B008
    span: Interval = use(Interval),
) -> None: ...


def bare(anything, other=3) -> None: ...  # type: ignore[no-untyped-def]


def narrow(year: Annotated[int, Field(ge=2000)]) -> None: ...


def typed(value: Any, annotation: Any) -> Any:
    def function(value) -> None: ...  # type: ignore[no-untyped-def]

    function.__annotations__ = {"value": annotation}
    return constants.decode(parameters.validate(function, "flights", {"value": value})["value"])


def test_the_schema_is_an_object_with_defaults() -> None:
    schema = parameters.schema(many)
    assert schema["required"] == ["year"]
    assert "span" not in schema["properties"]
    assert schema["properties"]["year"] == {"type": "integer"}
    assert schema["properties"]["name"] == {"type": "string", "default": "x"}
    assert schema["properties"]["day"] == {"type": "string", "format": "date", "default": "2026-01-02"}
    assert schema["properties"]["tables"]["default"] == ["a"]
    assert schema["properties"]["mode"]["default"] == "full"
    assert schema["properties"]["kind"]["enum"] == ["small", "big"]
    assert schema["properties"]["window"]["default"] == {"start": "2026-01-01", "days": 1}


def test_a_pipeline_without_parameters_has_an_empty_schema() -> None:
    assert parameters.schema(lambda: None) == {}


def test_without_annotations_anything_goes() -> None:
    assert parameters.schema(bare)["properties"] == {"anything": {}, "other": {"default": 3}}
    assert parameters.validate(bare, "flights", {"anything": "1"}) == {"anything": "1", "other": 3}


@pytest.mark.parametrize("annotation", [int, str, float, bool])
def test_simple_types_are_described_as_pydantic_does_without_importing_it(annotation: Any) -> None:
    def function(value: Any) -> None: ...

    function.__annotations__ = {"value": annotation}
    assert parameters.schema(function)["properties"]["value"] == TypeAdapter(annotation).json_schema()


def test_defaults_are_part_of_the_parameters() -> None:
    found = parameters.validate(many, "flights", {"year": "2013"})
    assert found["year"] == 2013
    assert constants.decode(found["day"]) == date(2026, 1, 2)
    assert constants.decode(found["mode"]) is Mode.FULL
    assert found["limit"] is None


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("2013", int, 2013),
        ("0.5", float, 0.5),
        ("true", bool, True),
        ("x", str, "x"),
        ("2013", str, "2013"),
        ("2026-03-29", date, date(2026, 3, 29)),
        ("2026-03-29T00:30:00Z", datetime, datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("1.10", Decimal, Decimal("1.10")),
        ("a/b", Path, Path("a/b")),
        ('["a", "b"]', list[str], ["a", "b"]),
        ("[1, 2]", tuple[int, int], (1, 2)),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ("null", int | None, None),
        ("delta", Mode, Mode.DELTA),
        ("big", Literal["small", "big"], "big"),
        ('{"start": "2026-01-01"}', Window, Window(start=date(2026, 1, 1))),
    ],
)
def test_strings_are_read_by_the_type_of_the_parameter(text: str, annotation: Any, value: Any) -> None:
    found = typed(text, annotation)
    assert found == value
    assert type(found) is type(value)


def test_values_of_python_stay_what_they_are() -> None:
    assert typed([1, 2], list[int]) == [1, 2]
    assert typed(Window(start=date(2026, 1, 1), days=3), Window).days == 3


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            {"year": "soon"},
            "flights: year='soon' is not int: Input should be a valid integer, unable to parse string as an integer.\n"
            "  Fix: -p year=… with a number",
        ),
        ({}, "flights needs the parameter 'year'.\n  Fix: -p year=…"),
        (
            {"year": 1, "yeer": 2},
            "flights has no parameter 'yeer'.\n  Fix: its parameters are: year, name, share, full, day, tables, mode, "
            "kind, limit, window",
        ),
        (
            {"year": 1, "kind": "huge"},
            "flights: kind='huge' is not Literal['small', 'big']: Input should be 'small' or 'big'.\n"
            "  Fix: -p kind=… with one of small, big",
        ),
        (
            {"year": 1, "tables": ["a", 3]},
            "flights: tables[1]=['a', 3] is not list[str]: Input should be a valid string.\n"
            '  Fix: -p tables=… with JSON, as in -p names=\'["a", "b"]\'',
        ),
    ],
)
def test_what_is_refused_is_named(raw: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError) as caught:
        parameters.validate(many, "flights", raw)
    assert str(caught.value) == text


def test_limits_of_pydantic_hold() -> None:
    assert parameters.validate(narrow, "flights", {"year": 2013}) == {"year": 2013}
    with pytest.raises(UserError, match="greater than or equal to 2000"):
        parameters.validate(narrow, "flights", {"year": "1999"})


def test_a_value_that_cannot_be_written_down() -> None:
    with pytest.raises(UserError, match="cannot be a parameter of flights"):
        parameters.validate(bare, "flights", {"anything": object()})
