"""Expressions: how an argument of a task is made from constants, parameters and the results of others.

The server never evaluates them (it would need user code); it only walks them for the nodes they name.
Workers evaluate them against the values that travel with an attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec

Access: TypeAlias = tuple[Literal["attr", "item"], str | int]
"""One projection step: `r.name` is `("attr", "name")`, `r["k"]` is `("item", "k")`."""


class Expr(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="expr"):
    """What all expressions share."""


class Const(Expr, frozen=True, tag="const"):
    """A literal in the tagged JSON of `toque.graph.constants` (type-identical on the way back)."""

    value: Any


class Param(Expr, frozen=True, tag="param"):
    """A parameter of the run, projected by `path`."""

    name: str
    path: tuple[Access, ...] = ()


class Ref(Expr, frozen=True, tag="ref"):
    """The result of the task run of `node` at the reader's own map index (cut to the node's depth)."""

    node: str
    path: tuple[Access, ...] = ()


class Item(Expr, frozen=True, tag="item"):
    """The element that the reader's innermost map (`map` is its node id) iterates on axis `axis`."""

    map: str
    axis: int
    path: tuple[Access, ...] = ()


class Gather(Expr, frozen=True, tag="gather"):
    """All results of map node `map`, in index order.

    `holes` says what a failed or skipped index becomes: `forbid` (an all-success map only), `ok` (left
    out), `failures` (only the failures), `outcome` (every index as `Ok | Failure | Skipped`).
    """

    map: str
    holes: Literal["forbid", "ok", "failures", "outcome"] = "forbid"


class OutcomeOf(Expr, frozen=True, tag="outcome"):
    """`Ok | Failure | Skipped` of `node`: its edge lets the reader start whatever the outcome was."""

    node: str


class ListOf(Expr, frozen=True, tag="list"):
    """A list literal that holds placeholders."""

    items: tuple[AnyExpr, ...]


class TupleOf(Expr, frozen=True, tag="tuple"):
    """A tuple literal that holds placeholders."""

    items: tuple[AnyExpr, ...]


class DictOf(Expr, frozen=True, tag="dict"):
    """A dict literal that holds placeholders; keys are constants in tagged JSON."""

    items: tuple[tuple[Any, AnyExpr], ...]


class RunReportOf(Expr, frozen=True, tag="run_report"):
    """The `RunReport` of the run itself: the one argument of an `on_failure`/`on_success` hook."""


AnyExpr: TypeAlias = Const | Param | Ref | Item | Gather | OutcomeOf | ListOf | TupleOf | DictOf | RunReportOf


def walk(expr: AnyExpr) -> Iterator[AnyExpr]:
    """`expr` and every expression inside it, outermost first."""
    yield expr
    match expr:
        case ListOf(items=items) | TupleOf(items=items):
            for item in items:
                yield from walk(item)
        case DictOf(items=pairs):
            for _, item in pairs:
                yield from walk(item)
        case _:
            pass
