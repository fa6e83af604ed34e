"""Whether a value of one type can be passed where another is asked for, as far as annotations tell.

Only what is certain to be wrong is refused: anything unknown, generic in unknown ways or structural fits.
"""

from __future__ import annotations

import collections.abc
from typing import Annotated, Any, Literal, NewType, TypeVar, get_args, get_origin, is_typeddict

from toque.authoring.types import UNKNOWN, is_union

_WIDER: dict[type, tuple[type, ...]] = {int: (float, complex), float: (complex,), bool: (int, float, complex)}
"""PEP 484's numeric tower."""


def fits(given: Any, expected: Any) -> bool:
    """A value annotated `given` may be passed to a parameter annotated `expected`."""
    given, expected = _plain(given), _plain(expected)
    if _says_nothing(given) or _says_nothing(expected) or given == expected:
        return True
    if is_union(given):
        # One member that fits is enough: a checker would ask for all, but the author may know better.
        return any(fits(part, expected) for part in get_args(given))
    if is_union(expected):
        return any(fits(given, part) for part in get_args(expected))
    if get_origin(given) is Literal:
        return all(_literal_fits(value, expected) for value in get_args(given))
    if get_origin(expected) is Literal:
        return isinstance(given, type) and any(isinstance(value, given) for value in get_args(expected))
    return _classes_fit(given, expected)


def _literal_fits(value: object, expected: Any) -> bool:
    if get_origin(expected) is Literal:
        return value in get_args(expected)
    return fits(type(value), expected)


def _classes_fit(given: Any, expected: Any) -> bool:
    given_class, expected_class = _class_of(given), _class_of(expected)
    if given_class is None or expected_class is None:
        return True
    if getattr(expected_class, "_is_protocol", False) and expected_class.__module__ not in (
        "collections.abc",
        "typing",
    ):
        return True
    if not _is_subclass(given_class, expected_class):
        return False
    return _arguments_fit(given, expected, given_class, expected_class)


def _arguments_fit(given: Any, expected: Any, given_class: type, expected_class: type) -> bool:
    of_given, of_expected = get_args(given), get_args(expected)
    if not of_given or not of_expected:
        return True
    if given_class is tuple and expected_class is tuple:
        return _tuples_fit(of_given, of_expected)
    if given_class is tuple:
        items = [part for part in of_given if part is not Ellipsis]
        return len(of_expected) != 1 or all(fits(item, of_expected[0]) for item in items)
    if len(of_given) != len(of_expected):
        return True
    return all(fits(one, other) for one, other in zip(of_given, of_expected, strict=True))


def _tuples_fit(given: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    if len(expected) == 2 and expected[1] is Ellipsis:
        return all(fits(item, expected[0]) for item in given if item is not Ellipsis)
    if len(given) == 2 and given[1] is Ellipsis:
        return all(fits(given[0], item) for item in expected)
    return len(given) == len(expected) and all(fits(one, other) for one, other in zip(given, expected, strict=True))


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if isinstance(annotation, NewType):
        return _plain(annotation.__supertype__)
    return type(None) if annotation is None else annotation


def _says_nothing(annotation: Any) -> bool:
    return annotation is UNKNOWN or annotation in (Any, object) or isinstance(annotation, TypeVar | str)


def _class_of(annotation: Any) -> type | None:
    if is_typeddict(annotation):
        return dict
    origin = get_origin(annotation) or annotation
    return origin if isinstance(origin, type) else None


def _is_subclass(given: type, expected: type) -> bool:
    try:
        if issubclass(given, expected):
            # A text is a sequence of texts, and hardly ever meant as one.
            return not (given is str and expected in (collections.abc.Sequence, collections.abc.Iterable))
    except TypeError:
        return True
    return any(issubclass(wider, expected) for wider in _WIDER.get(given, ()))
