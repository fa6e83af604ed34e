"""What tests put in place, as whoever runs attempts sees it."""

from __future__ import annotations

import contextvars

import pytest

from toque.authoring import overrides
from toque.authoring.overrides import Overrides, Stub
from toque.graph.ir import CodeRef, Inject, TaskNode
from toque.worker.replacements import in_place

CODE = CodeRef(module="flows", qualname="extract")


def node(name: str) -> TaskNode:
    return TaskNode(id=name, code=CODE)


def test_nothing_is_in_place_outside_of_tests() -> None:
    assert overrides.current() == Overrides()
    assert in_place.get() is None


@pytest.mark.parametrize("name", ["extract", "second", "group.second", "crawl/scope/second"])
def test_a_stub_is_found_by_the_function_and_the_name_of_the_node(name: str) -> None:
    general, special = Stub(returns=1), Stub(returns=2)
    with (
        overrides.stubbed(("flows", "extract", ""), general),
        overrides.stubbed(("flows", "extract", "second"), special),
    ):
        found = overrides.current().function_for(node(name))
    assert found is (general if name == "extract" else special)


def test_other_code_is_left_alone() -> None:
    with overrides.stubbed(("flows", "other", ""), Stub()):
        assert overrides.current().function_for(node("extract")) is None


def test_supplies_are_told_apart_by_what_they_are() -> None:
    shop = Inject(kind="resource", name="", code=CODE)
    other = Inject(kind="resource", name="", code=CodeRef(module="flows", qualname="other"))
    token = Inject(kind="secret", name="token")
    with overrides.replaced(overrides.supply_key(shop), None), overrides.replaced(overrides.supply_key(token), "t"):
        current = overrides.current()
    assert current.supplied(shop) == (True, None)
    assert current.supplied(token) == (True, "t")
    assert current.supplied(other)[0] is False
    assert current.supplied(Inject(kind="variable", name="token"))[0] is False


def test_everything_is_put_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="x"), overrides.stubbed(("flows", "extract", ""), Stub()):
        raise ValueError("x")
    assert overrides.current() == Overrides()


def test_tests_that_run_beside_each_other_do_not_see_each_other() -> None:
    with overrides.stubbed(("flows", "extract", ""), Stub()):
        assert contextvars.Context().run(overrides.current) == Overrides()
        assert contextvars.copy_context().run(overrides.current).stubs
