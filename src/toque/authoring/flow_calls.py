"""Flow calls: what calling a task, group or flow does while a flow body runs, and `submit`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from toque.authoring import calls, fanout, sites
from toque.authoring.options import task_policy, tolerance
from toque.authoring.references import code_ref, is_async
from toque.authoring.trace import current
from toque.authoring.wiring import Each
from toque.graph.ir import TaskNode
from toque.worker.flow_context import FlowContext, StepCall, StepHandle, current_flow

if TYPE_CHECKING:
    from toque.authoring.calls import Callee, MapMode

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Step(Coroutine[Any, Any, R_co]):
    """A step that was asked for: `await` it in an `async` flow, take its `result()` in a sync one.

    It is a coroutine, too, since `asyncio.create_task` and `TaskGroup.create_task` insist on one.
    """

    def __init__(self, handle: StepHandle) -> None:
        self._handle = handle
        self._running: Generator[Any, Any, R_co] | None = None

    def __await__(self) -> Generator[Any, None, R_co]:
        return cast("Generator[Any, None, R_co]", self._handle.__await__())

    def result(self) -> R_co:
        """The step's result; waits for it in a sync body. Raises what the step failed with."""
        return cast("R_co", self._handle.result())

    def done(self) -> bool:
        """The body has been told how the step ended."""
        return self._handle.done()

    def send(self, value: Any, /) -> Any:
        """Of a coroutine."""
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        """Of a coroutine."""
        return self._begun().throw(*error)

    def close(self) -> None:
        """Of a coroutine. The step goes on: it was asked for."""

    def _begun(self) -> Generator[Any, Any, R_co]:
        if self._running is None:
            self._running = self.__await__()
        return self._running


class Submit(Generic[P, R]):
    """`task.submit`: asks for a step without waiting for it."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Step[R]:
        """Ask for the step now."""
        flow = _flow_or_refuse(self._callee)
        if flow is None:
            return Step(_Direct(lambda: calls.call_plainly(self._callee, args, kwargs)))
        if self._callee.__toque_kind__ == "flow":
            return Step(_Direct(lambda: _nested(flow, self._callee, args, kwargs)))
        given = calls.arguments(self._callee, args, kwargs)
        step = _step_call(self._callee, given)
        return Step(flow.call(template(self._callee, given), step.args, step.kwargs))

    def map(self, *args: P.args, **kwargs: P.kwargs) -> Step[list[R]]:
        """Ask for one step for each item of the arguments marked with `each()`."""
        return cast("Step[list[R]]", self._fan_out("zip", args, kwargs))

    def product(self, *args: P.args, **kwargs: P.kwargs) -> Step[list[R]]:
        """Ask for one step for each combination of the items of the arguments marked with `each()`."""
        return cast("Step[list[R]]", self._fan_out("product", args, kwargs))

    def _fan_out(self, mode: MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step[Any]:
        flow = _flow_or_refuse(self._callee)
        if flow is None:
            return Step(_Direct(lambda: _plain_list(self._callee, mode, args, kwargs)))
        given = calls.arguments(self._callee, args, kwargs)
        steps = [_step_call(self._callee, items) for items in _spread(self._callee, mode, given)]
        node = template(self._callee, given)
        return Step(flow.map(node, steps, tolerate=tolerance(self._callee.settings)))


def in_flow() -> bool:
    """The body of a flow is running here."""
    return current_flow() is not None


def call(callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A bare call in a flow: a step whose result is awaited at once."""
    flow = current_flow()
    assert flow is not None
    if callee.__toque_kind__ == "flow":
        return _nested_bare(flow, callee, args, kwargs)
    if flow.is_async:
        raise _bare(callee)
    given = calls.arguments(callee, args, kwargs)
    step = _step_call(callee, given)
    return flow.call_blocking(template(callee, given), step.args, step.kwargs)


def fan_out(callee: Callee, mode: MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A bare `.map()` in a flow."""
    flow = current_flow()
    assert flow is not None
    if flow.is_async:
        raise _bare(callee)
    submit: Submit[Any, Any] = Submit(callee)
    return submit._fan_out(mode, args, kwargs).result()


def call_group(callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A group called in a sync flow: its steps stand below its name."""
    flow = current_flow()
    assert flow is not None
    if flow.is_async:
        raise sites.refuse(
            f"{callee.name} is a group, and a group cannot await.", fix="call its tasks with submit, or make it a @flow"
        )
    with flow.nested(callee.name):
        return callee.__toque_function__(*args, **kwargs)


def plain_fan_out(callee: Callee, mode: MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """`.map()` where nothing runs: calls the function for each item, so that bodies can be unit tested."""
    if is_async(callee.__toque_function__):
        raise sites.refuse(
            f"{callee.name} is async: outside of a pipeline its .map() has nothing to await it.",
            fix=f"await {callee.name}.submit.map(…)",
        )
    return _plain_list(callee, mode, args, kwargs)


def template(callee: Callee, given: list[calls.Argument]) -> TaskNode:
    """The node of a step; its arguments travel beside it. Made once for a callee: a flow may call it in a loop."""
    passed = frozenset(argument.name for argument in given)
    made: dict[frozenset[str], TaskNode] = vars(callee).setdefault("_templates", {})
    found = made.get(passed)
    if found is None:
        found = made[passed] = _template(callee, passed)
    return found


def _template(callee: Callee, passed: frozenset[str]) -> TaskNode:
    supplied = dict(calls.supplied(callee))
    return TaskNode(
        id=callee.name,
        code=code_ref(callee.__toque_function__),
        inject={name: marker.inject for name, marker in supplied.items() if name not in passed},
        policy=task_policy(callee.settings, pools=calls.connection_pools(callee, supplied.values())),
        meta=calls.meta_of(callee),
    )


class _Direct:
    """A step handle for what is no step: a nested flow's body, or a plain function in a unit test."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run
        self._done = False

    def __await__(self) -> Generator[Any, None, Any]:
        return self._awaited().__await__()

    def result(self) -> Any:
        value = self._run()
        if inspect.isawaitable(value):
            if isinstance(value, Coroutine):
                value.close()
            raise sites.refuse("An async step has no result() here.", fix="await it, in an async flow")
        self._done = True
        return value

    def done(self) -> bool:
        return self._done

    async def _awaited(self) -> Any:
        value = self._run()
        value = await value if inspect.isawaitable(value) else value
        if isinstance(value, list):
            value = [await item if inspect.isawaitable(item) else item for item in value]
        self._done = True
        return value


def _flow_or_refuse(callee: Callee) -> FlowContext | None:
    if current() is not None:
        raise sites.refuse(
            f"{callee.name}.submit belongs in a flow; a pipeline only wires tasks.", fix=f"{callee.name}(…)"
        )
    return current_flow()


def _step_call(callee: Callee, given: list[calls.Argument]) -> StepCall:
    for argument in given:
        if isinstance(argument.value, Each):
            raise sites.refuse("each() belongs in .map() or .product().", fix=f"{callee.name}.submit.map(…)")
        if isinstance(argument.value, Step | Awaitable):
            raise sites.refuse(
                f"{argument.name} of {callee.name} is a step that nobody awaited.", fix=f"{argument.name}=await …"
            )
    kwargs = {argument.key: argument.value for argument in given if argument.key is not None}
    args = [argument.value for argument in given if argument.key is None]
    return StepCall([*calls.fixed_arguments(callee), *args], kwargs)


def _spread(callee: Callee, mode: MapMode, given: list[calls.Argument]) -> list[list[calls.Argument]]:
    """The calls that a fan-out stands for."""
    positions = [index for index, argument in enumerate(given) if isinstance(argument.value, Each)]
    if not positions:
        raise fanout.nothing_to_iterate(callee, mode, given)
    axes = [list(given[index].value.items) for index in positions]
    if mode == "zip" and len({len(axis) for axis in axes}) > 1:
        lengths = ", ".join(f"{given[index].name}: {len(axis)}" for index, axis in zip(positions, axes, strict=True))
        raise sites.refuse(
            f"{callee.name}.map() zips lists of different lengths ({lengths}).", fix="lists of one length"
        )
    rows: Sequence[tuple[Any, ...]] = list(zip(*axes, strict=True) if mode == "zip" else product(*axes))
    spread = []
    for row in rows:
        items = list(given)
        for index, value in zip(positions, row, strict=True):
            items[index] = items[index]._replace(value=value)
        spread.append(items)
    return spread


def _plain_list(callee: Callee, mode: MapMode, given_args: tuple[Any, ...], given_kwargs: dict[str, Any]) -> list[Any]:
    results = []
    for items in _spread(callee, mode, calls.arguments(callee, given_args, given_kwargs)):
        args = tuple(argument.value for argument in items if argument.key is None)
        kwargs = {argument.key: argument.value for argument in items if argument.key is not None}
        results.append(calls.call_plainly(callee, args, kwargs))
    return results


def _nested(flow: FlowContext, callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The body of a flow called in a flow: part of the same body, its steps below its name."""
    if is_async(callee.__toque_function__):
        return _nested_async(flow, callee, args, kwargs)
    with flow.nested(callee.name):
        return callee.__toque_function__(*args, **kwargs)


async def _nested_async(flow: FlowContext, callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with flow.nested(callee.name):
        return await callee.__toque_function__(*args, **kwargs)


def _nested_bare(flow: FlowContext, callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if flow.is_async:
        raise _bare(callee)
    if is_async(callee.__toque_function__):
        raise sites.refuse(f"{callee.name} is async, and this flow is not.", fix="async def for the outer flow")
    return _nested(flow, callee, args, kwargs)


def _bare(callee: Callee) -> Exception:
    site = sites.here_exactly()
    name, dot, rest = site.expression.partition("(")
    head, _, method = name.rpartition(".")
    if dot and method in {"map", "product"}:
        fixed = f"await {head}.submit.{method}({rest}"
    elif dot:
        fixed = f"await {name}.submit({rest}"
    else:
        fixed = f"await {callee.name}.submit(…)"
    return site.error(
        f"{callee.name} is called bare in an async flow, where a call cannot wait.", fix=sites.one_line(fixed)
    )
