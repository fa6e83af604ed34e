"""Placeholders: what a task's result is while a pipeline is being traced.

They are typed as the result and can be passed on, projected (`r.field`, `r["key"]`, `a, b = r`) and nothing
else: whatever would need the value raises an error that says what to write instead.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from toque.authoring import sites
from toque.errors import UserError
from toque.graph.expr import Access, Const, Gather, Item, OutcomeOf, Param, Ref, RunReportOf

if TYPE_CHECKING:
    from toque.authoring.trace import Trace
    from toque.authoring.wiring import Marker

Held: TypeAlias = Const | Param | Ref | Item | Gather | OutcomeOf | RunReportOf


@dataclass(frozen=True, eq=False)
class Wired:
    """The inside of a placeholder."""

    trace: Trace
    held: Held
    label: str
    """What people call it: the name of the task, parameter or group."""
    annotation: Callable[[], Any] | None = None
    """Gives the type of the value, if it is known."""
    ends: tuple[str, ...] = ()
    """Nodes that must end before the value counts (a group that returns nothing)."""
    marker: Marker | None = None
    """An argument of the pipeline that its tasks are given by the worker: nothing else counts then."""
    asset: Marker | None = None
    """An asset that was made by a node: whoever is passed it reads what was kept."""
    marked: bool = False
    """Went through `ok`, `failures` or `outcomes`."""


class Placeholder:
    """A value that exists only at run time."""

    __slots__ = ("_toque_wired",)

    def __init__(self, wired: Wired) -> None:
        object.__setattr__(self, "_toque_wired", wired)

    def __getattr__(self, name: str) -> Placeholder:
        if name.startswith("_"):
            raise AttributeError(name)
        return _projected(self, ("attr", name))

    def __getitem__(self, key: object) -> Placeholder:
        if isinstance(key, str | int) and not isinstance(key, bool):
            return _projected(self, ("item", key))
        raise sites.refuse(
            f"{subject(self)} can be indexed with a constant string or number only: it exists at run time only.",
            fix="do it inside a task",
        )

    def __iter__(self) -> Iterator[Placeholder]:
        count = _unpacked_count()
        if count is not None:
            return iter([_projected(self, ("item", index)) for index in range(count)])
        site = sites.here_exactly()
        written = sites.tested(site.expression) or wired(self).label
        raise site.error(
            f"{subject(self)} cannot be iterated here: its items exist at run time only.",
            fix=f"some_task.map(each({written})), or iterate inside a task",
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise _refused(self, "cannot be changed here", "do it inside a task")

    def __repr__(self) -> str:
        return f"<{describe(self)}>"


def wired(placeholder: Placeholder) -> Wired:
    """The inside of `placeholder`."""
    inside: Wired = object.__getattribute__(placeholder, "_toque_wired")
    return inside


def describe(placeholder: Placeholder) -> str:
    """As a subject of a sentence."""
    inside = wired(placeholder)
    if inside.marker is not None:
        return f"parameter {inside.label}"
    match inside.held:
        case Param(path=path):
            return f"parameter {inside.label}{_path_text(path)}"
        case Item(path=path):
            return f"{_part_text(path)}one item of {inside.label}"
        case Gather():
            return f"the mapped result of {inside.label}"
        case Ref(path=path):
            return f"{_part_text(path)}the result of {inside.label}"
        case Const():
            return f"the result of {inside.label}"
        case _:
            return f"the outcome of {inside.label}"


def subject(placeholder: Placeholder) -> str:
    """The same at the beginning of a sentence."""
    text = describe(placeholder)
    return text[0].upper() + text[1:]


def _part_text(path: tuple[Access, ...]) -> str:
    return f"{_path_text(path)} of " if path else ""


def _path_text(path: tuple[Access, ...]) -> str:
    return "".join(f".{key}" if kind == "attr" else f"[{key!r}]" for kind, key in path)


def _projected(placeholder: Placeholder, step: Access) -> Placeholder:
    inside = wired(placeholder)
    held = inside.held
    if isinstance(held, Param | Ref | Item) and inside.marker is None:
        if inside.annotation is not None:
            inside.trace.note_projection(describe(placeholder), inside.annotation, step)
        projected = type(held)(**{**_fields(held), "path": (*held.path, step)})
        return Placeholder(replace(inside, held=projected, annotation=_annotation_of_part(inside.annotation, step)))
    if isinstance(held, Gather):
        raise sites.refuse(
            f"{subject(placeholder)} is a list that is complete at run time only: no part of it can be taken here.",
            fix="take it inside a task",
        )
    raise sites.refuse(f"No part of {describe(placeholder)} can be taken here.", fix="take it inside a task")


def _fields(held: Param | Ref | Item) -> dict[str, Any]:
    return {name: getattr(held, name) for name in held.__struct_fields__}


def _annotation_of_part(annotation: Callable[[], Any] | None, step: Access) -> Callable[[], Any] | None:
    if annotation is None:
        return None

    def part() -> Any:
        from toque.authoring.types import part_type

        return part_type(annotation(), step)

    return part


def _unpacked_count() -> int | None:
    """How many names `a, b = placeholder` has on its left; None when this is no unpacking.

    Python does not tell an iterator how often it will be asked, but the instruction being executed does.
    """
    frame = sys._getframe(2)
    instructions = dis.get_instructions(frame.f_code)
    for instruction in instructions:
        if instruction.offset == frame.f_lasti:
            return instruction.arg if instruction.opname.startswith("UNPACK_SEQUENCE") else None
    return None


def _refusal(what: str, fix: str) -> Callable[..., Any]:
    def refused(self: Placeholder, *_: object) -> Any:
        raise _refused(self, what, fix)

    return refused


def _refused(placeholder: Placeholder, what: str, fix: str) -> UserError:
    site = sites.here_exactly()
    written = sites.tested(site.expression) or wired(placeholder).label
    return site.error(
        f"{subject(placeholder)} {what}: it exists at run time only.", fix=fix.replace("EXPRESSION", written)
    )


_ARITHMETIC = (
    *(
        f"__{prefix}{name}__"
        for name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
        for prefix in ("", "r", "i")
    ),
    *("__lshift__", "__rshift__", "__neg__", "__pos__", "__abs__", "__invert__", "__divmod__", "__rdivmod__"),
)
_REFUSED: dict[tuple[str, ...], tuple[str, str]] = {
    ("__bool__",): ("has no truth value here", "with when(EXPRESSION): …, or decide inside a task"),
    ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"): (
        "cannot be compared here",
        "compare inside a task; branch on its result with when() or branch()",
    ),
    ("__len__", "__length_hint__"): ("has no length here", "count inside a task"),
    ("__contains__",): ("cannot be searched here", "search inside a task"),
    ("__hash__",): ("cannot be a key or an element of a set here", "build the dict or set inside a task"),
    ("__str__", "__format__", "__bytes__"): (
        "cannot be formatted here",
        "pass it to a task and format it there",
    ),
    ("__call__",): ("cannot be called here", "call it inside a task"),
    ("__int__", "__float__", "__complex__", "__index__", "__round__"): (
        "is no number here",
        "compute it inside a task and pass its result",
    ),
    ("__setitem__", "__delitem__", "__delattr__"): ("cannot be changed here", "do it inside a task"),
    ("__await__", "__aiter__", "__anext__"): ("cannot be awaited", "drop the await: a pipeline only wires tasks"),
    ("__enter__", "__aenter__"): (
        "is no context manager here",
        "with when(…), branch(…).case(…) or setup(…, teardown=…)",
    ),
    ("__exit__", "__aexit__"): ("is no context manager here", "with setup(…, teardown=…)"),
    _ARITHMETIC: ("cannot be computed with here", "compute it inside a task and pass its result"),
}

for _names, (_what, _fix) in _REFUSED.items():
    for _name in _names:
        setattr(Placeholder, _name, _refusal(_what, _fix))
