"""Rehearsals: one attempt at a task or node in the process of a test, outside of any run."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toque.authoring import calls, overrides
from toque.authoring.pipelines import pipeline
from toque.authoring.producers import Node
from toque.authoring.wiring import Marker
from toque.engine.inputs import AnyReport, AttemptFailed
from toque.engine.values import Token
from toque.errors import ToqueError, UserError
from toque.graph.ir import CodeRef, Inject, TaskNode
from toque.ports.executor import AttemptSpec
from toque.settings import find_project, load
from toque.store.blobs import MemoryBlobs
from toque.worker import code
from toque.worker.attempt import Attempt
from toque.worker.context import Context, current
from toque.worker.environment import Environment
from toque.worker.injection import Known, Supplier
from toque.worker.log import Log, LogFile

Supply = Callable[[Any, tuple[Any, ...], Mapping[str, Any], contextlib.ExitStack], dict[str, Any]]


class NodeFailed(ToqueError):
    """A model or test of a dbt project failed: whether it may run twice was not seen."""


@contextlib.contextmanager
def in_context(name: str, attempt: int, project: str | Path | None) -> Iterator[Supply]:
    """`context()` is that of an attempt within the block. Gives what supplies arguments out of the project."""
    environment = _environment(name, project, [])
    spec = _spec(TaskNode(id=name, code=CodeRef(module="", qualname="")), attempt)
    here = Context(spec, environment.channel, Log(LogFile(""), environment.masker))

    def supply(
        task: Any, args: tuple[Any, ...], named: Mapping[str, Any], scope: contextlib.ExitStack
    ) -> dict[str, Any]:
        bound = task.signature.bind_partial(*args, **named).arguments
        wanted = {parameter: marker for parameter, marker in calls.supplied(task) if marker.asset is None}
        missing = [parameter for parameter in wanted if isinstance(bound.get(parameter, wanted[parameter]), Marker)]
        return {each: environment.supplier.supply(wanted[each].inject, here, scope) for each in missing}

    token = current.set(here)
    try:
        with _in_folder(project):
            yield supply
    finally:
        current.reset(token)
        environment.supplier.close()


def run_node(node: Node, supplied: Mapping[str, Any], attempt: int, project: str | Path | None) -> Any:
    """What the code of a load, sync or dbt project does in a run, here; returns what it returns.

    `supplied` stands for connections, by argument. Raises what the code raises, `NodeFailed` when it told of a failure.
    """
    with _in_folder(project):
        nodes = [each for each in pipeline("verify", assets=[node]).ir.nodes if isinstance(each, TaskNode)]
        results = [
            _attempted(node.name, _spec(_freed(each, supplied), attempt, _hosted(each, nodes)), supplied, project)
            for each in nodes
            if node.is_run_by(each)
        ]
    return results[0] if len(results) == 1 else results


def _attempted(name: str, spec: AttemptSpec, supplied: Mapping[str, Any], project: str | Path | None) -> Any:
    reports: list[AnyReport] = []
    environment = _environment(name, project, reports)
    environment.replacements = _Given(supplied)
    environment.supplier = Supplier(environment.settings, environment.masker.add, environment.replacements)
    attempt = Attempt(spec, environment)
    token = attempt.enter(exclusive=False)
    try:
        with contextlib.ExitStack() as scope:
            call = attempt.prepare(scope)
            assert not hasattr(call, "result"), "no node of Toque's own has a cache"
            result = call.function(*call.args, **call.kwargs)
    finally:
        attempt.leave(token, exclusive=False)
        environment.supplier.close()
    for report in reports:
        if isinstance(report, AttemptFailed):
            raise NodeFailed(f"{report.task} failed, so {name} was not seen to its end: {report.error.message}")
    return result


class _Given:
    """Arguments that the test has handed over, and what it has put in place by `replace()`."""

    def __init__(self, supplied: Mapping[str, Any]) -> None:
        self._supplied = supplied

    def function_for(self, node: TaskNode) -> Callable[..., Any] | None:
        """The node's own, which has some of its arguments already."""
        return functools.partial(code.resolve(node.code), **self._supplied)

    def supplied(self, inject: Inject) -> tuple[bool, Any]:
        """See `overrides`."""
        return overrides.current().supplied(inject)


class _NoProject:
    """Knows nothing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def connection(self, name: str) -> Any:
        """None is there."""
        raise UserError(
            f"{self._name} needs something in place of {name}",
            fix=f"source=… or into=…, replace({name}, …), or project=… for the connections of toque.toml",
        )

    variable = secret = connection


def _in_folder(project: str | Path | None) -> contextlib.AbstractContextManager[None]:
    """Where the code of a project runs; it holds for the whole process."""
    return contextlib.nullcontext() if project is None else contextlib.chdir(project)


def _environment(name: str, project: str | Path | None, reports: list[AnyReport]) -> Environment:
    root = None if project is None else find_project(Path(project).absolute())

    def settings() -> Known:
        return _NoProject(name) if root is None else load(root)

    blobs = MemoryBlobs()
    return Environment(lambda: blobs, settings, lambda _: None, report=reports.append)


def _freed(node: TaskNode, supplied: Mapping[str, Any]) -> TaskNode:
    """Without what nobody has to supply any more."""
    left = {name: inject for name, inject in node.inject.items() if name not in supplied}
    return msgspec.structs.replace(node, inject=left)


def _hosted(host: TaskNode, nodes: list[TaskNode]) -> tuple[tuple[str, int], ...]:
    return tuple((each.id, 1) for each in nodes if each.host == host.id)


def _spec(node: TaskNode, attempt: int, members: tuple[tuple[str, int], ...] = ()) -> AttemptSpec:
    return AttemptSpec(
        run_id="verify",
        task=node.id,
        attempt=attempt,
        token=Token(0, attempt),
        node=node,
        idempotency_key=f"verify/{node.id}",
        members=members,
    )
