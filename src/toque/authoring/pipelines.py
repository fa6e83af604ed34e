"""Pipelines: functions whose calls are written down once, and run many times."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

import msgspec

from toque.authoring import calls, flow_calls, groups, parameters, runs, sites, types, wiring
from toque.authoring.options import PipelineOptions, check_name, checked, duration_s, notified
from toque.authoring.placeholders import Placeholder, Wired
from toque.authoring.references import code_ref
from toque.authoring.schedules import schedules_of
from toque.authoring.tasks import checked_upstream, refuse_at_import
from toque.authoring.trace import Trace, current, tracing
from toque.graph.expr import Const, Param, RunReportOf
from toque.graph.ir import CodeRef, Concurrency
from toque.graph.ir import Pipeline as PipelineIR

if TYPE_CHECKING:
    from toque.authoring.asset_graphs import Selection
    from toque.authoring.producers import Producer

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A graph of tasks, written as a function. Made by `@pipeline`."""

    __toque_kind__ = "pipeline"

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        self.__toque_function__ = function
        self.settings = settings
        self.upstream = upstream
        self.signature = inspect.signature(function)
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self._traced: tuple[Trace, PipelineIR] | None = None

    @property
    def name(self) -> str:
        """What it is called everywhere."""
        return cast("str", self.settings.get("name") or self.__name__)

    @property
    def ir(self) -> PipelineIR:
        """Its graph. The body runs at the first use, and never again."""
        return self._trace()[1]

    @property
    def trace(self) -> Trace:
        """What tracing the body found, for checks."""
        return self._trace()[0]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add its graph, as a group, to the pipeline being traced."""
        trace = current()
        if trace is None:
            raise _refused_call(self.name)
        return cast("R", groups.inline(trace, self, args, kwargs))

    def map(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Its whole graph for each item of the arguments marked with `each()`; several are zipped, strictly."""
        return cast("list[R]", self._fan_out("zip", args, kwargs))

    def product(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Its whole graph for each combination of the items of the arguments marked with `each()`."""
        return cast("list[R]", self._fan_out("product", args, kwargs))

    def options(self, **options: Unpack[PipelineOptions]) -> Pipeline[P, R]:
        """The same pipeline with other options, for the next call or run."""
        settings = {**self.settings, **checked("pipeline", cast("dict[str, Any]", options))}
        return Pipeline(self.__toque_function__, settings, self.upstream)

    def after(self, *upstream: object) -> Pipeline[P, R]:
        """The same pipeline, waiting for results that it is not passed."""
        return Pipeline(
            self.__toque_function__, self.settings, (*self.upstream, *checked_upstream(self.name, upstream))
        )

    def run(self, *args: P.args, **kwargs: P.kwargs) -> runs.Run[R]:
        """Run it in this process and wait for its end; no server is needed. Raises `RunFailed`."""
        return runs.run(self, bound(self, args, kwargs))

    def validate(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of a run, checked and completed, in tagged JSON. Raises `UserError`."""
        return parameters.validate(self.__toque_function__, self.name, raw)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"

    def _trace(self) -> tuple[Trace, PipelineIR]:
        if self._traced is None:
            body: Callable[..., Any] = self.__toque_function__
            self._traced = traced(self, lambda trace, given: body(**given))
        return self._traced

    def _fan_out(self, mode: calls.MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trace = current()
        if trace is None:
            raise _refused_call(self.name)
        return groups.map_body(trace, self, mode, args, kwargs)


class _PipelineDecorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Pipeline[P, R]: ...


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(**options: Unpack[PipelineOptions]) -> _PipelineDecorator: ...
@overload
def pipeline(
    name: str, /, *, assets: Selection | Sequence[Producer], **options: Unpack[PipelineOptions]
) -> Pipeline[[], None]: ...
def pipeline(function: Any = None, /, *, assets: Any = None, **options: Any) -> Any:
    """Make a function that calls tasks a pipeline: `@pipeline` or `@pipeline(owner="data-team")`.

    Without a body: `nightly = pipeline("nightly", assets=[orders, revenue])`, or `assets=select("marts.*+")`.
    """
    settings = checked("pipeline", options)
    if isinstance(function, str) or assets is not None:
        return _of_assets(function, assets, settings)

    def decorate(function: Callable[..., Any]) -> Pipeline[Any, Any]:
        check_name(settings.get("name", getattr(function, "__name__", "")), "a pipeline")
        if inspect.iscoroutinefunction(function):
            raise sites.definition(function).error(
                f"{function.__name__} is async, and a pipeline only wires tasks.", fix="@flow, or def without async"
            )
        return Pipeline(function, settings)

    return decorate if function is None else decorate(function)


def _of_assets(name: Any, assets: Any, settings: dict[str, Any]) -> Pipeline[Any, Any]:
    from toque.authoring.asset_graphs import body_of

    if not isinstance(name, str) or assets is None:
        raise sites.refuse(
            "A pipeline without a body has a name and assets.", fix='pipeline("nightly", assets=[orders, revenue])'
        )
    check_name(name, "a pipeline")
    return Pipeline(body_of(name, assets), settings)


def traced(runnable: Any, body: Callable[[Trace, dict[str, Any]], Any]) -> tuple[Trace, PipelineIR]:
    """Run a body once and write down its graph."""
    function: Callable[..., Any] = runnable.__toque_function__
    trace = Trace(runnable.name)
    given: dict[str, Any] = {
        name: Placeholder(Wired(trace, Param(name=name), name, _annotation(function, name)))
        for name in parameters.declared(function)
    }
    for name, marker in calls.supplied(runnable):
        given[name] = groups.supplied_placeholder(trace, name, marker)
    if runnable.__toque_kind__ == "pipeline":
        trace.bodies[function] = None
    with tracing(trace), trace.within(bodies=(function,)):
        returned = body(trace, given)
        result = wiring.expression(trace, None, returned)
        for kind in ("on_failure", "on_success"):
            _add_hook(trace, kind, runnable.settings.get(kind), sites.definition(function))
    settings = runnable.settings
    ir = PipelineIR(
        name=runnable.name,
        nodes=tuple(draft.node() for draft in trace.drafts.values()),
        result=None if isinstance(result, Const) and result.value is None else result,
        parameters=parameters.schema(function),
        parameters_code=_code(function),
        concurrency=Concurrency(
            max_active_runs=settings.get("max_active_runs"), overlap=settings.get("overlap", "queue")
        ),
        deadline_s=duration_s("deadline", settings.get("deadline")),
        schedules=schedules_of(runnable),
        assets=tuple(trace.assets.values()),
        late_after_s=duration_s("late_after", settings.get("late_after")),
        notify=notified(settings),
        meta=calls.meta_of(runnable),
        origin=site_of(function).origin,
    )
    return trace, ir


def site_of(function: Callable[..., Any]) -> sites.Site:
    """Where a pipeline stands in the user's code: its function, or the call that made one without a body."""
    found = getattr(function, "__toque_site__", None)
    return found if isinstance(found, sites.Site) else sites.definition(function)


def bound(runnable: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The parameters given to a `run()`, by name."""
    refuse_at_import(runnable.name, fix=f'if __name__ == "__main__": {runnable.name}.run()')
    try:
        return dict(runnable.signature.bind_partial(*args, **kwargs).arguments)
    except TypeError as error:
        raise sites.refuse(f"{runnable.name}.run(): {error}.") from None


def _annotation(function: Callable[..., Any], name: str) -> Callable[[], Any]:
    return lambda: types.parameter_type(function, name)


def _code(function: Callable[..., Any]) -> CodeRef | None:
    # A pipeline defined in a test function can be traced and run where it stands; nobody else finds it.
    if "<locals>" in function.__qualname__:
        return None
    # Without the hash of its source: the graph is what the body wrote down, and is hashed itself.
    return msgspec.structs.replace(code_ref(function, "a pipeline"), source_hash="")


def _add_hook(trace: Trace, kind: str, hook: Any, site: sites.Site) -> None:
    if hook is None:
        return
    if getattr(hook, "__toque_kind__", "") != "task":
        shown = getattr(hook, "__name__", None) or repr(hook)
        raise site.error(f"{kind}={shown} is not a task.", fix=f"{kind}=some_task, without calling it")
    if hook.name in trace.drafts:
        # The author names no call of a hook, so one that is used twice cannot be told to take another name.
        hook = hook.options(name=f"{hook.name}_{kind}")
    report = Placeholder(Wired(trace, RunReportOf(), "the run"))
    placed = calls.call_task(trace, hook, (report,), {})
    draft = trace.drafts[wiring.nodes_of(trace, placed)[0]]
    draft.fields["hook"] = kind
    draft.site = site


def _refused_call(name: str) -> Exception:
    if flow_calls.in_flow():
        return sites.refuse(
            f"{name} is a pipeline, and a flow runs tasks and flows.", fix="call its tasks, or make it a @flow"
        )
    return sites.refuse(f"{name} is a pipeline: calling it outside of another one does nothing.", fix=f"{name}.run(…)")
