"""Annotations, as far as they can be resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toque.worker import hints

if TYPE_CHECKING:
    from decimal import Decimal


def resolved(a: int, b: list[str], c) -> None: ...  # type: ignore[no-untyped-def]


def unresolved(a: int, b: Decimal) -> None: ...


def test_an_annotation_is_resolved() -> None:
    assert hints.of_parameter(resolved, "a") is int
    assert hints.of_parameter(resolved, "b") == list[str]


def test_where_there_is_none_it_is_none() -> None:
    assert hints.of_parameter(resolved, "c") is None
    assert hints.of_parameter(unresolved, "a") is None  # another one names what is not there at run time
    plain: Any = lambda a: a  # noqa: E731
    assert hints.of_parameter(plain, "a") is None
