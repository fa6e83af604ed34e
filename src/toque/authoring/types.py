"""Types: what annotations say about the values that are wired, as far as they say it."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

from toque.graph.expr import Access


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()
"""Nothing is known about the type: it fits everything."""


def hints(function: Callable[..., Any], *, extras: bool = False) -> dict[str, Any]:
    """The annotations of a function; those that cannot be resolved are left out. `extras` keeps `Annotated`."""
    raw = inspect.unwrap(getattr(function, "__toque_function__", function))
    try:
        return typing.get_type_hints(raw, include_extras=extras)
    except Exception:  # the user's annotations may name anything
        return _resolvable(raw)


def _resolvable(function: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    scope = getattr(function, "__globals__", {})
    for name, annotation in getattr(function, "__annotations__", {}).items():
        if not isinstance(annotation, str):
            found[name] = annotation
            continue
        try:
            found[name] = eval(annotation, scope)  # what typing.get_type_hints does, one at a time
        except Exception:
            continue
    return found


def return_type(function: Callable[..., Any]) -> Any:
    """What a call of it gives."""
    return hints(function).get("return", UNKNOWN)


def parameter_type(function: Callable[..., Any], parameter: str) -> Any:
    """What a parameter takes."""
    return hints(function).get(parameter, UNKNOWN)


def item_type(annotation: Any) -> Any:
    """The type of the items of something that is iterated."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Iterable) and arguments:
        if origin is tuple:
            return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else UNKNOWN
        return arguments[0]
    return str if annotation is str else UNKNOWN


def part_type(annotation: Any, step: Access) -> Any:
    """The type of `r.field` or `r["key"]`."""
    kind, key = step
    origin, arguments = get_origin(annotation), get_args(annotation)
    if kind == "attr":
        owner = origin or annotation
        return hints_of_class(owner).get(str(key), UNKNOWN) if isinstance(owner, type) else UNKNOWN
    if origin is tuple and arguments and isinstance(key, int):
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return arguments[0]
        return arguments[key] if -len(arguments) <= key < len(arguments) else UNKNOWN
    if origin is dict and len(arguments) == 2:
        return arguments[1]
    if isinstance(origin, type) and issubclass(origin, Sequence) and arguments and isinstance(key, int):
        return arguments[0]
    if isinstance(annotation, type) and typing.is_typeddict(annotation):
        return hints_of_class(annotation).get(str(key), UNKNOWN)
    return UNKNOWN


def hints_of_class(kind: type) -> dict[str, Any]:
    """The annotated fields of a class."""
    try:
        return typing.get_type_hints(kind)
    except Exception:  # the user's annotations may name anything
        return {}


def cases(annotation: Any) -> list[Any] | None:
    """The values that a branch may take: of a Literal, an Enum or bool; None when there is no such list."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return list(annotation)
    if annotation is bool:
        return [True, False]
    if is_union(annotation):
        found = [cases(part) if part is not type(None) else [None] for part in get_args(annotation)]
        return None if any(part is None for part in found) else [value for part in found for value in part or ()]
    return None


def is_union(annotation: Any) -> bool:
    """`A | B` or `Optional[A]`."""
    return get_origin(annotation) in (Union, types.UnionType)


def show(annotation: Any) -> str:
    """As a person would write it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__ if annotation is not type(None) else "None"
    return str(annotation).replace("typing.", "").replace("NoneType", "None")


def is_concrete(annotation: Any) -> bool:
    """Says something that a value could contradict."""
    return annotation is not UNKNOWN and annotation not in (Any, object) and not isinstance(annotation, TypeVar)


def type_of(value: object) -> Any:
    """The type of a constant, with that of its items where they agree."""
    if isinstance(value, range):
        return list[int]
    if type(value) in (list, set, frozenset):
        kinds = {type(item) for item in value}  # type: ignore[attr-defined]
        return type(value)[kinds.pop()] if len(kinds) == 1 else type(value)  # type: ignore[index]
    return type(value)
