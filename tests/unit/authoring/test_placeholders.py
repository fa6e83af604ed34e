"""Whatever needs the value of a placeholder is refused, and nothing else is."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.authoring import examples as e
from toque.authoring.placeholders import Placeholder, describe, wired
from toque.authoring.trace import Trace, tracing
from toque.errors import UserError
from toque.graph.expr import Ref


@pytest.fixture
def result() -> Iterator[Any]:
    with tracing(Trace("flights")):
        yield e.double(1)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "not": operator.not_,
    "and": lambda x: x and 1,
    "if": lambda x: 1 if x else 2,
    "==": lambda x: x == 1,
    "!=": lambda x: x != 1,
    "<": lambda x: x < 1,
    "reflected >": lambda x: x < 1,
    "in": lambda x: 1 in x,
    "in a list": lambda x: x in [1],
    "len": len,
    "list": list,
    "sorted": sorted,
    "for": lambda x: [item + 1 for item in x],
    "star": lambda x: print(*x),
    "double star": lambda x: dict(**x),
    "+": lambda x: x + 1,
    "reflected +": lambda x: 1 + x,
    "sum": lambda x: sum([x, x]),
    "%": lambda x: x % 2,
    "text %": lambda x: f"{x}",
    "-x": operator.neg,
    "abs": abs,
    "int": int,
    "float": float,
    "round": round,
    "index": lambda x: [1, 2][x],
    "math": math.sqrt,
    "str": str,
    "format": "{}".format,
    "join": lambda x: ",".join([str(x)]),
    "call": lambda x: x(),
    "method": lambda x: x.upper(),
    "hash": hash,
    "key": lambda x: {x: 1},
    "set": lambda x: {x},
    "item assignment": lambda x: operator.setitem(x, 0, 1),
    "item deletion": lambda x: operator.delitem(x, 0),
    "attribute assignment": lambda x: setattr(x, "name", 1),
    "slice": lambda x: x[1:2],
    "with": lambda x: x.__enter__(),
}


@pytest.mark.parametrize("use", REFUSED)
def test_a_use_that_needs_the_value_is_refused_with_a_fix(result: Any, use: str) -> None:
    with pytest.raises(UserError) as caught:
        REFUSED[use](result)
    assert "the result of double" in caught.value.message.lower()
    assert caught.value.fix
    assert caught.value.file.endswith("test_placeholders.py")


def test_parts_are_placeholders_of_the_same_result(result: Any) -> None:
    assert wired(result.name["k"][0]).held == Ref("double", (("attr", "name"), ("item", "k"), ("item", 0)))
    assert describe(result.name) == ".name of the result of double"


def test_unpacking_takes_as_many_parts_as_there_are_names(result: Any) -> None:
    a, b, c = result
    assert [wired(part).held for part in (a, b, c)] == [Ref("double", (("item", index),)) for index in range(3)]
    ((_, second), _) = result
    assert wired(second).held == Ref("double", (("item", 0), ("item", 1)))


def test_more_than_255_names_can_be_unpacked(result: Any) -> None:
    names = ", ".join(f"n{index}" for index in range(300))
    scope = {"result": result}
    exec(f"{names} = result", scope)
    assert wired(scope["n299"]).held == Ref("double", (("item", 299),))


def test_identity_and_type_can_be_asked(result: Any) -> None:
    assert result is not None
    assert isinstance(result, Placeholder)
    assert repr(result) == "<the result of double>"
    assert not hasattr(result, "_private")


def test_a_placeholder_can_be_held_in_a_literal_and_copied(result: Any) -> None:
    assert copy.copy([result, 1])[0] is result
