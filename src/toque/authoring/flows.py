"""Flows: ordinary Python whose task calls are durable steps; the graph unfolds while the body runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from toque.authoring import calls, parameters, runs
from toque.authoring.options import FlowOptions, checked
from toque.authoring.pipelines import bound, traced
from toque.authoring.tasks import Task, check_function, checked_upstream
from toque.authoring.trace import Trace
from toque.graph.ir import Pipeline as PipelineIR

P = ParamSpec("P")
R = TypeVar("R")


class Flow(Task[P, R]):
    """A pipeline whose body decides while it runs. Made by `@flow`.

    It is a task as well: called in a pipeline it is one node, called in another flow a part of its body.
    """

    __toque_kind__ = "flow"

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        super().__init__(function, settings, upstream)
        self._traced: tuple[Trace, PipelineIR] | None = None

    @property
    def ir(self) -> PipelineIR:
        """Its graph: one node, the body."""
        return self._trace()[1]

    @property
    def trace(self) -> Trace:
        """What tracing found, for checks."""
        return self._trace()[0]

    def options(self, **options: Unpack[FlowOptions]) -> Flow[P, R]:
        """The same flow with other options, for the next call or run."""
        settings = {**self.settings, **checked("flow", cast("dict[str, Any]", options))}
        return Flow(self.__toque_function__, settings, self.upstream)

    def after(self, *upstream: object) -> Flow[P, R]:
        """The same flow, waiting for results that it is not passed."""
        return Flow(self.__toque_function__, self.settings, (*self.upstream, *checked_upstream(self.name, upstream)))

    def run(self, *args: P.args, **kwargs: P.kwargs) -> runs.Run[R]:
        """Run it in this process and wait for its end; no server is needed. Raises `RunFailed`."""
        return runs.run(self, bound(self, args, kwargs))

    def validate(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of a run, checked and completed, in tagged JSON. Raises `UserError`."""
        return parameters.validate(self.__toque_function__, self.name, raw)

    def __repr__(self) -> str:
        return f"<flow {self.name}>"

    def _trace(self) -> tuple[Trace, PipelineIR]:
        if self._traced is None:
            self._traced = traced(self, lambda trace, given: calls.call_task(trace, self, (), given))
        return self._traced


class _FlowDecorator(Protocol):
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Flow[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Flow[P, R]: ...


@overload
def flow(function: Callable[P, Coroutine[Any, Any, R]], /) -> Flow[P, R]: ...
@overload
def flow(function: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(**options: Unpack[FlowOptions]) -> _FlowDecorator: ...
def flow(function: Any = None, /, **options: Any) -> Any:
    """Make a function a flow: `@flow` or `@flow(timeout="1h")`. After a crash the body runs again, and finished
    steps answer from their record."""
    settings = checked("flow", options)

    def decorate(function: Callable[..., Any]) -> Flow[Any, Any]:
        check_function(function, "a flow")
        return Flow(function, settings)

    return decorate if function is None else decorate(function)
