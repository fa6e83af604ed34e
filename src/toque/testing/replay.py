"""Replay: finds in a test what would only show after a crash, when the body of a flow runs again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from toque.authoring import overrides
from toque.authoring.flows import Flow
from toque.authoring.pipelines import bound
from toque.engine.inputs import AttemptSucceeded
from toque.engine.values import Token
from toque.errors import ToqueError, UserError
from toque.executors.flow.rehearsal import rehearse
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec
from toque.store.blobs import MemoryBlobs
from toque.worker import values
from toque.worker.environment import Environment
from toque.worker.injection import Known

P = ParamSpec("P")
T = TypeVar("T")


class FlowFailed(ToqueError):
    """The flow repeated itself, and failed each time."""


def verify_replay(flow: Flow[P, T]) -> Callable[P, T]:
    """A function that runs `flow` here, replays its body after each step, and returns the flow's result.

    Raises `FlowDiverged`, naming the step, when a replay asks for something else: the body used a clock, randomness or
    something outside. `verify_replay(crawl)("https://example.com")`
    """
    if not isinstance(flow, Flow):
        raise UserError(f"verify_replay() needs a flow; {flow!r} is none.", fix="verify_replay(some_flow)(…)")

    def verify(*args: P.args, **kwargs: P.kwargs) -> T:
        parameters = flow.validate(bound(flow, args, kwargs))
        outcome: list[Any] = []
        error: list[BaseException] = []
        # Steps that are async get a loop of their own, which a test that runs on one could not give them.
        replacements = overrides.current()

        def run() -> None:
            try:
                with overrides.put(replacements):
                    outcome.append(_rehearsed(flow, parameters))
            except BaseException as raised:
                error.append(raised)

        thread = threading.Thread(target=run, name="toque-replay")
        thread.start()
        thread.join()
        if error:
            raise error[0]
        return cast("T", outcome[0])

    return verify


def _rehearsed(flow: Flow[..., Any], parameters: dict[str, Any]) -> Any:
    (node,) = [node for node in flow.ir.nodes if isinstance(node, TaskNode) and not node.hook]
    clock = overrides.current().clock
    blobs = MemoryBlobs()
    environment = Environment(
        lambda: blobs,
        _no_settings,
        lambda signal: None,
        now_us=clock.now_us if clock is not None else lambda: time.time_ns() // 1000,
    )
    now_us = environment.now_us()
    spec = AttemptSpec(
        run_id="replay",
        pipeline=flow.name,
        task=node.id,
        attempt=1,
        token=Token(0, 0),
        node=node,
        parameters=parameters,
        idempotency_key="replay",
        created_us=now_us,
        logical_us=now_us,
    )
    report = rehearse(spec, environment)
    if isinstance(report, AttemptSucceeded):
        return values.decode(report.result, blobs)
    error = getattr(report, "error", None)
    raise FlowFailed(f"{flow.name} failed: {error.type}: {error.message}" if error else f"{flow.name} did not succeed")


def _no_settings() -> Known:
    raise UserError(
        "verify_replay() runs without a project: it knows no connections, variables and secrets.",
        fix="with replace(connection, fake): …",
    )
