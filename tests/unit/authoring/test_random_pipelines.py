"""Laws that hold for every pipeline that can be written.

Law 1: what tracing produces keeps the invariants of the IR.
Law 2: its canonical form comes back as the same value, and tracing again gives the same bytes.
Law 3: it does not differ from itself, and can be drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.authoring import examples as e
from toque.authoring.branches import one_of, when
from toque.authoring.groups import group
from toque.authoring.holes import each, ok, outcome
from toque.authoring.pipelines import pipeline
from toque.authoring.setups import setup
from toque.graph import canonical
from toque.graph.diff import diff, lines
from toque.graph.render import mermaid, tree
from toque.graph.validate import validate

FORMS = ("call", "map", "chain", "product", "tolerated", "group", "mapped group", "when", "setup", "outcome", "after")
programs = st.recursive(
    st.tuples(st.sampled_from(FORMS), st.integers(0, 5), st.just(())),
    lambda inner: st.tuples(st.sampled_from(FORMS), st.integers(0, 5), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=12,
)


class Writer:
    """Writes down a random program; each statement uses one of the values made before it, in the same scope."""

    def __init__(self) -> None:
        self.count = 0

    def name(self, base: str) -> str:
        self.count += 1
        return f"{base}_{self.count}"

    def block(self, statements: Any, values: list[Any]) -> list[Any]:
        """Values that may be used after the block."""
        values = list(values)
        for form, choice, inner in statements:
            value = values[choice % len(values)]
            values.append(self.statement(form, value, inner, values))
        return values

    def statement(self, form: str, value: Any, inner: Any, values: list[Any]) -> Any:
        double = e.double.options(name=self.name("t"))
        match form:
            case "call":
                return double(value)
            case "map":
                return e.total.options(name=self.name("sum"))(double.map(each([1, 2])))
            case "chain":
                chained = double.map(each(e.double.options(name=self.name("c")).map(each(range(2)))))
                return e.total.options(name=self.name("sum"))(chained)
            case "product":
                crossed = e.add.options(name=self.name("x")).product(each([1, 2]), each([value, 3]))
                return e.total.options(name=self.name("sum"))(crossed)
            case "tolerated":
                holed = double.options(tolerate="10%").map(each(e.numbers.options(name=self.name("n"))(value)))
                return e.total.options(name=self.name("sum"))(ok(holed))
            case "group" | "mapped group":
                return self.group(form, value, inner)
            case "when":
                with when(e.is_big.options(name=self.name("if"))(value)) as big:
                    left = self.block(inner, [double(value)])[-1]
                with big.otherwise():
                    right = e.double.options(name=self.name("e"))(value)
                return one_of(left, right)
            case "setup":
                with setup(double(value), teardown=e.drop.options(name=self.name("drop"))) as made:
                    return self.block(inner, [made])[-1]
            case "outcome":
                return e.kind.options(name=self.name("o"))(outcome(double(value)))  # type: ignore[arg-type]
            case _:
                return double.after(value, *values[:2])(1)

    def group(self, form: str, value: Any, inner: Any) -> Any:
        def body(item: int) -> int:
            # What the group is passed, and what it reads from around it.
            first = e.add.options(name=self.name("g"))(item, value)
            last = self.block(inner, [first])[-1]
            return e.double.options(name=self.name("last"))(last)

        made = group(name=self.name("group"))(body)
        if form == "group":
            return made(value)
        return e.total.options(name=self.name("sum"))(made.map(each([value, 1])))


def written(program: Any) -> Callable[..., Any]:
    def body(start: int = 1) -> Any:
        return Writer().block(program, [start])[-1]

    return body


@given(st.lists(programs, min_size=1, max_size=5))
def test_the_laws_of_pipelines(program: Any) -> None:
    ir = pipeline(name="random")(written(program)).ir
    assert validate(ir) == []
    assert canonical.decode(canonical.encode(ir)) == ir
    assert canonical.encode(pipeline(name="random")(written(program)).ir) == canonical.encode(ir)
    assert lines(diff(ir, ir)) == []
    assert len(tree(ir)) > 1
    assert mermaid(ir).startswith("flowchart TD\n")
