"""Tasks: functions that a worker runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from toque.authoring import calls, fanout, flow_calls, sites
from toque.authoring.options import TaskOptions, check_name, checked
from toque.authoring.references import code_ref
from toque.authoring.trace import current, loading

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A function as a unit of work. Made by `@task`.

    In the body of a pipeline a call adds a node to the graph; in a flow it is a durable step; anywhere else it
    calls the function.
    """

    __toque_kind__ = "task"

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        self.__toque_function__ = function
        self.settings = settings
        self.upstream = upstream
        self.signature = inspect.signature(function)
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def name(self) -> str:
        """What its node is called."""
        return cast("str", self.settings.get("name") or self.__name__)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add a node, take a step, or call the function: depends on where."""
        trace = current()
        if trace is not None:
            return cast("R", calls.call_task(trace, self, args, kwargs))
        if flow_calls.in_flow():
            return cast("R", flow_calls.call(self, args, kwargs))
        refuse_at_import(self.name)
        return cast("R", calls.call_plainly(self, args, kwargs))

    def map(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """One task run for each item of the arguments marked with `each()`; several are zipped, strictly."""
        return cast("list[R]", self._fan_out("zip", args, kwargs))

    def product(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """One task run for each combination of the items of the arguments marked with `each()`."""
        return cast("list[R]", self._fan_out("product", args, kwargs))

    @property
    def submit(self) -> flow_calls.Submit[P, R]:
        """The same call, awaitable: for the body of an `async` flow."""
        return flow_calls.Submit(self)

    def options(self, **options: Unpack[TaskOptions]) -> Task[P, R]:
        """The same task with other options, for the next call."""
        settings = {**self.settings, **checked("task", cast("dict[str, Any]", options))}
        return Task(self.__toque_function__, settings, self.upstream)

    def after(self, *upstream: object) -> Task[P, R]:
        """The same task, waiting for results that it is not passed."""
        return Task(self.__toque_function__, self.settings, (*self.upstream, *checked_upstream(self.name, upstream)))

    def __repr__(self) -> str:
        return f"<task {self.__module__}.{self.__qualname__}>"

    def __reduce__(self) -> tuple[Any, ...] | str:
        return self.__qualname__

    def _fan_out(self, mode: calls.MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trace = current()
        if trace is not None:
            return fanout.map_task(trace, self, mode, args, kwargs)
        if flow_calls.in_flow():
            return flow_calls.fan_out(self, mode, args, kwargs)
        refuse_at_import(self.name)
        return flow_calls.plain_fan_out(self, mode, args, kwargs)


class _TaskDecorator(Protocol):
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(**options: Unpack[TaskOptions]) -> _TaskDecorator: ...
def task(function: Any = None, /, **options: Any) -> Any:
    """Make a function a task: `@task` or `@task(retries=3, timeout="10m")`."""
    settings = checked("task", options)

    def decorate(function: Callable[..., Any]) -> Task[Any, Any]:
        check_function(function, "a task")
        return Task(function, settings)

    return decorate if function is None else decorate(function)


def check_function(function: object, what: str) -> None:
    """Refuse what a worker could not find or what is no function at all."""
    if hasattr(function, "__toque_kind__"):
        raise sites.refuse(f"{function!r} is decorated twice.", fix="one of the decorators")
    if not callable(function) or isinstance(function, type):
        raise sites.refuse(f"{function!r} is not a function, so it cannot be {what}.", fix="a function made with def")
    code_ref(function, what)
    check_name(getattr(function, "__name__", ""), what)


def checked_upstream(name: str, upstream: tuple[object, ...]) -> tuple[object, ...]:
    """The arguments of `.after()`: results of calls. Raises `UserError` for what was not called."""
    for item in upstream:
        if hasattr(item, "__toque_kind__"):
            other = getattr(item, "name", "it")
            raise sites.refuse(
                f"{name}.after() waits for results, and {other} has not been called.", fix=f"{name}.after({other}(…))"
            )
    return upstream


def refuse_at_import(name: str, *, fix: str = "") -> None:
    """A task called at the top level of a module would run in every process that imports it."""
    if loading.get():
        raise sites.refuse(
            f"{name} is called at the top level of a module, so it would run at every import.",
            fix=fix or f"call {name} in the body of a @pipeline or @flow",
        )
