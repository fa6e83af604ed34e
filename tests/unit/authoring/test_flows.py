"""Flows as graphs, and bodies that are called where nothing runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.authoring import examples as e
from toque.authoring.holes import each
from toque.authoring.shells import shell
from toque.errors import UserError
from toque.graph.expr import Param
from toque.graph.ir import TaskNode


def test_a_flow_is_a_pipeline_of_one_node() -> None:
    (node,) = e.async_flow.ir.nodes
    assert isinstance(node, TaskNode)
    assert (node.id, node.kind, node.kwargs) == ("async_flow", "flow", {"n": Param("n")})
    assert (node.policy.executor, node.code.mode) == ("flow", "async")
    assert e.async_flow.ir.result is not None


def test_a_task_called_where_nothing_runs_calls_its_function() -> None:
    assert e.double(4) == 8
    assert e.double.options(retries=3).after()(4) == 8


def test_a_sync_body_can_be_called_in_a_test() -> None:
    assert e.sync_flow(4) == 12
    assert e.double.map(each([1, 2])) == [2, 4]
    assert e.add.product(each([1, 2]), each([10, 20])) == [11, 21, 12, 22]


async def test_an_async_body_can_be_called_in_a_test() -> None:
    assert await e.async_flow(3) == [0, 2, 4]  # type: ignore[misc]
    assert await e.fetch.submit("u") == "u"
    assert await e.fetch.submit.map(each(["a", "b"])) == ["a", "b"]
    assert e.double.submit(2).result() == 4


def test_lists_of_different_lengths_do_not_zip() -> None:
    with pytest.raises(UserError, match=r"zips lists of different lengths \(x: 1, y: 2\)"):
        e.add.map(each([1]), each([1, 2]))


def test_an_async_step_has_no_result_to_wait_for() -> None:
    with pytest.raises(UserError, match="await it, in an async flow"):
        e.fetch.submit("u").result()


def test_nothing_is_supplied_where_nothing_runs() -> None:
    with pytest.raises(UserError) as caught:
        e.supplied("monday")
    assert caught.value.message == (
        "supplied was called outside of a run, where nothing supplies api, window, token, limit."
    )
    rest: dict[str, Any] = {"window": None, "token": "t", "limit": 3}
    assert e.supplied("monday", api="fake", **rest) == "monday"


def test_a_command_called_where_nothing_runs_is_run() -> None:
    assert shell("echo {text}", name="say")(text="a b; exit 3") == "a b; exit 3"


def test_groups_and_pipelines_mean_nothing_by_themselves() -> None:
    with pytest.raises(UserError, match="doubled is a group"):
        e.doubled(3)
    with pytest.raises(UserError, match="calling it outside of another one does nothing") as caught:
        e.inner(3)
    assert caught.value.fix == "inner.run(…)"


class Recorded:
    """A runtime that notes what the body asks for."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async
        self.asked: list[tuple[str, Any, Any]] = []

    def call_blocking(self, node: TaskNode, args: Any, kwargs: Any) -> Any:
        self.asked.append((node.id, list(args), dict(kwargs)))
        return 7


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> Any:
    from toque.worker import flow_context

    recorded = Recorded(is_async=request.param)
    token = flow_context._current.set(recorded)  # type: ignore[arg-type]
    yield recorded
    flow_context._current.reset(token)


@pytest.mark.parametrize("runtime", [False], indirect=True)
def test_a_call_in_a_sync_flow_is_a_step(runtime: Recorded) -> None:
    assert e.add.options(name="plus", retries=2)(1, y=2) == 7
    assert runtime.asked == [("plus", [], {"x": 1, "y": 2})]


@pytest.mark.parametrize("runtime", [True], indirect=True)
def test_a_bare_call_in_an_async_flow_names_the_fix(runtime: Recorded) -> None:
    with pytest.raises(UserError) as caught:
        e.add(1, y=2)
    assert caught.value.message == "add is called bare in an async flow, where a call cannot wait."
    assert caught.value.fix == "await e.add.submit(1, y=2)"
    with pytest.raises(UserError) as caught:
        e.double.map(each([1]))
    assert caught.value.fix == "await e.double.submit.map(each([1]))"


@pytest.mark.parametrize("runtime", [True], indirect=True)
def test_a_step_that_nobody_awaited_is_no_argument(runtime: Recorded) -> None:
    step: Any = e.fetch.submit

    class Pending:
        def __await__(self) -> Any: ...

    with pytest.raises(UserError, match="url of fetch is a step that nobody awaited"):
        step(Pending())
