"""Scopes: names of steps depend on the structure of the code only."""

from __future__ import annotations

import pytest

from toque.engine.values import TaskKey
from toque.errors import UserError
from toque.executors.flow.scopes import Scope

BODY = TaskKey("etl", (4,))


def test_calls_of_one_name_in_one_scope_are_counted_below_the_index_of_the_body() -> None:
    scope = Scope()
    assert [scope.key(BODY, name) for name in ("a", "b", "a")] == [
        TaskKey("etl/a", (4, 0)),
        TaskKey("etl/b", (4, 0)),
        TaskKey("etl/a", (4, 1)),
    ]


def test_branches_are_numbered_at_creation_however_they_interleave() -> None:
    root = Scope()
    first, second = root.child(), root.child()
    assert str(second.key(BODY, "a")) == "etl/1/a[4.0]"
    assert str(first.key(BODY, "a")) == "etl/0/a[4.0]"
    assert str(first.child().key(BODY, "a")) == "etl/0/0/a[4.0]"


def test_flows_within_a_flow_have_names_and_their_count_does_not_touch_that_of_steps() -> None:
    root = Scope()
    assert str(root.nested("clean").key(BODY, "a")) == "etl/clean.0/a[4.0]"
    assert str(root.nested("clean").key(BODY, "a")) == "etl/clean.1/a[4.0]"
    assert str(root.key(BODY, "clean")) == "etl/clean[4.0]"


@pytest.mark.parametrize("name", ["", "a/b"])
def test_a_name_that_would_look_like_a_scope_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no name for a step"):
        Scope().key(BODY, name)
