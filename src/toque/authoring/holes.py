"""Holes: the visible gaps that tolerated failures and skips leave in mapped results; and `each`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

from toque.authoring import sites, wiring
from toque.authoring.placeholders import Placeholder, Wired, describe
from toque.authoring.trace import current, required
from toque.authoring.wiring import Each
from toque.graph.expr import Gather, OutcomeOf, Ref
from toque.worker.outcomes import Failure, Ok, Skipped

T = TypeVar("T")


def each(items: Iterable[T], /) -> T:
    """Marks the argument that `.map()` or `.product()` iterates: `clean.map(each(files), mode="strict")`."""
    return cast("T", Each(items))


def ok(results: Sequence[T], /) -> list[T]:
    """The results of the indexes that succeeded, in order."""
    return cast("list[T]", _gathered("ok", results))


def failures(results: Sequence[object], /) -> list[Failure]:
    """The failures among the indexes, in order."""
    return cast("list[Failure]", _gathered("failures", results))


def outcomes(results: Sequence[T], /) -> list[Ok[T] | Failure | Skipped]:
    """How each index ended, in order."""
    return cast("list[Ok[T] | Failure | Skipped]", _gathered("outcome", results))


def outcome(result: T, /) -> Ok[T] | Failure | Skipped:
    """How a task ended. Whoever is passed it starts whatever the outcome was, and so handles a failure."""
    trace = required("outcome()", otherwise="in a flow: try: … except StepFailed: …")
    if not isinstance(result, Placeholder):
        raise sites.refuse(f"outcome() needs the result of a task; {result!r} is a constant.", fix="outcome(task())")
    inside = wiring.own(trace, result)
    match inside.held:
        case Ref(node=node, path=()):
            held = Wired(trace, OutcomeOf(node=node), inside.label)
            return cast("Ok[T] | Failure | Skipped", Placeholder(held))
        case Ref():
            fix = f"outcome({inside.label}) before taking a part of it"
        case Gather():
            fix = f"outcomes({inside.label})"
        case _:
            fix = "outcome(task())"
    raise sites.refuse(f"outcome() needs the whole result of one task; this is {describe(result)}.", fix=fix)


def _gathered(holes: Literal["ok", "failures", "outcome"], results: Any) -> Placeholder | list[Any]:
    form = "outcomes" if holes == "outcome" else holes
    if current() is None and isinstance(results, list):
        return _of_values(holes, results)
    trace = required(f"{form}()")
    inside = wiring.own(trace, results) if isinstance(results, Placeholder) else None
    if inside is None or not isinstance(inside.held, Gather) or inside.marked:
        what = describe(results) if isinstance(results, Placeholder) else repr(results)
        raise sites.refuse(
            f"{form}() needs the results of a .map(); this is {what}.", fix=f"{form}(some_task.map(each(items)))"
        )
    held = Gather(map=inside.held.map, holes=holes)
    annotation = inside.annotation if holes == "ok" else None
    return Placeholder(replace(inside, held=held, marked=True, annotation=annotation))


def _of_values(holes: Literal["ok", "failures", "outcome"], results: list[Any]) -> list[Any]:
    """In a flow a map with `tolerate` has ended: its result holds `Ok | Failure | Skipped`."""
    match holes:
        case "ok":
            return [item.value if isinstance(item, Ok) else item for item in results if not _is_hole(item)]
        case "failures":
            return [item for item in results if isinstance(item, Failure)]
        case "outcome":
            return [item if isinstance(item, Ok) or _is_hole(item) else Ok(item) for item in results]


def _is_hole(item: object) -> bool:
    return isinstance(item, Failure | Skipped)
