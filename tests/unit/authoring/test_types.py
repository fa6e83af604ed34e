"""What annotations say, and what fits."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar

import pytest

from toque.authoring import types
from toque.authoring.compatibility import fits

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Closable(Protocol):
    def close(self) -> None: ...


class Row(TypedDict):
    name: str


@dataclass
class Point:
    x: int
    label: str


def resolvable(a: int, b: Nowhere) -> list[str]: ...  # type: ignore[name-defined] # noqa: F821


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (int, int),
        (int, float),
        (bool, int),
        (Path, PurePath),
        (int, Any),
        (Any, int),
        (types.UNKNOWN, int),
        (int, T),
        (list[int], Sequence[int]),
        (list[int], Iterable[float]),
        (list, list[int]),
        (dict[str, int], Mapping[str, int]),
        (int, int | None),
        (int | None, int),
        (Optional[int], Optional[float]),  # noqa: UP045
        (Literal["a"], str),
        (Literal["a"], Literal["a", "b"]),
        (str, Literal["a", "b"]),
        (Annotated[int, "unit"], int),
        (UserId, int),
        (tuple[int, str], tuple[int, str]),
        (tuple[int, int], tuple[int, ...]),
        (tuple[int, int], Sequence[int]),
        (Point, Closable),
        (Row, dict[str, Any]),
        (None, type(None)),
        (type(None), None),
    ],
)
def test_a_value_that_may_be_right_fits(given: Any, expected: Any) -> None:
    assert fits(given, expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (str, int),
        (float, int),
        (PurePath, int),
        (list[str], list[int]),
        (list[str], Sequence[int]),
        (int, list[int]),
        (list[int], int),
        (str, Sequence[str]),
        (dict[str, int], Mapping[str, str]),
        (Literal["c"], Literal["a", "b"]),
        (Literal[1], str),
        (str | None, int),
        (tuple[int, str], tuple[int, int]),
        (tuple[int, str, int], tuple[int, str]),
        (tuple[int, str], Sequence[int]),
        (None, int),
        (Point, Row),
        (int, Literal["a"]),
    ],
)
def test_a_value_that_must_be_wrong_does_not_fit(given: Any, expected: Any) -> None:
    assert not fits(given, expected)


def test_annotations_are_resolved_one_by_one_when_one_of_them_cannot_be() -> None:
    assert types.hints(resolvable) == {"a": int, "return": list[str]}
    assert types.return_type(resolvable) == list[str]
    assert types.parameter_type(resolvable, "b") is types.UNKNOWN


@pytest.mark.parametrize(
    ("annotation", "item"),
    [
        (list[int], int),
        (Sequence[str], str),
        (tuple[int, ...], int),
        (tuple[int, str], types.UNKNOWN),
        (dict[str, int], str),
        (str, str),
        (int, types.UNKNOWN),
        (list, types.UNKNOWN),
    ],
)
def test_the_items_of_a_type(annotation: Any, item: Any) -> None:
    assert types.item_type(annotation) == item


@pytest.mark.parametrize(
    ("annotation", "step", "part"),
    [
        (Point, ("attr", "x"), int),
        (Point, ("attr", "nowhere"), types.UNKNOWN),
        (Row, ("item", "name"), str),
        (tuple[int, str], ("item", 1), str),
        (tuple[int, str], ("item", 5), types.UNKNOWN),
        (tuple[int, ...], ("item", 5), int),
        (dict[str, int], ("item", "k"), int),
        (list[int], ("item", 0), int),
        (int, ("item", 0), types.UNKNOWN),
    ],
)
def test_the_parts_of_a_type(annotation: Any, step: Any, part: Any) -> None:
    assert types.part_type(annotation, step) == part


@pytest.mark.parametrize(
    ("annotation", "cases"),
    [
        (Literal["a", 2], ["a", 2]),
        (Color, [Color.RED, Color.BLUE]),
        (bool, [True, False]),
        (Literal["a"] | None, ["a", None]),
        (str, None),
        (Literal["a"] | str, None),
    ],
)
def test_the_cases_of_a_type(annotation: Any, cases: Any) -> None:
    assert types.cases(annotation) == cases


def test_types_are_shown_as_they_are_written() -> None:
    assert [types.show(kind) for kind in (int, list[int], int | None, None.__class__, Point)] == [
        "int",
        "list[int]",
        "int | None",
        "None",
        "Point",
    ]


def test_the_type_of_a_constant_tells_its_items_where_they_agree() -> None:
    assert types.type_of([1, 2]) == list[int]
    assert types.type_of(["a", 1]) is list
    assert types.type_of(range(3)) == list[int]
    assert types.type_of(3) is int
