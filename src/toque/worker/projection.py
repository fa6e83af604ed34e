"""Projections: `r.field`, `r["k"]` and `a, b = r`, applied to the value once it exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.errors import UserError
from toque.graph.expr import Access
from toque.worker import values


def project(value: Any, path: Sequence[Access], what: str) -> Any:
    """Follow `path` into `value`. `what` names the value in the error, e.g. "the result of 'extract'"."""
    for step, (kind, key) in enumerate(path):
        try:
            value = getattr(value, str(key)) if kind == "attr" else value[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            raise UserError(
                f"{what}{written(path[:step])} has no {written([(kind, key)])}: it is {_described(value)}",
                fix="return what the pipeline reads, or change what it reads",
            ) from None
    return value


def written(path: Sequence[Access]) -> str:
    """As the author wrote it.

    >>> written([("attr", "rows"), ("item", 0), ("item", "k")])
    ".rows[0]['k']"
    """
    return "".join(f".{key}" if kind == "attr" else f"[{key!r}]" for kind, key in path)


def export(value: Any, path: Sequence[Access]) -> bool | int | float | str | None:
    """The scalar at `path` that a branch looks at. Raises `UserError` for anything that is no scalar."""
    found = project(value, path, "the result")
    if type(found).__module__ == "numpy" and getattr(found, "size", 0) == 1:
        found = found.item()
    enum_value = getattr(found, "value", None)
    if not isinstance(found, bool | int | float | str) and isinstance(enum_value, bool | int | str):
        found = enum_value
    if found is None or isinstance(found, bool | int | float | str):
        return found
    raise UserError(
        f"result{written(path)} decides a branch and must be a bool, number, string or None: it is {_described(found)}",
        fix="return bool(…), or the name of the case",
    )


def count(value: Any, path: Sequence[Access]) -> int:
    """How many items the list at `path` has. Raises `UserError` if it is none."""
    return values.length(project(value, path, "the result"))


def _described(value: Any) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    article = "an" if name[0] in "aeiou" else "a"
    match value:
        case None:
            return "None"
        case dict():
            keys = ", ".join(repr(key) for key in list(value)[:5])
            return f"a dict with the keys {keys}{', …' if len(value) > 5 else ''}" if value else "an empty dict"
        case list() | tuple():
            return f"{article} {name} of {len(value)}"
        case _:
            return f"{article} {name}"
