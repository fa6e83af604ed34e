"""One attempt: arguments in, user code, result out, whatever happens.

`execute` never raises: each way in which user code can end is one of the reports. The two drivers (`execute` for the
calling thread, `execute_async` for a running loop) share everything but the call itself.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import Token
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any, TypeAlias

import msgspec

from toque.engine.inputs import (
    AttemptCancelled,
    AttemptDeferred,
    AttemptFailed,
    AttemptReturned,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
)
from toque.engine.values import ErrorInfo, ValueRef
from toque.errors import UserError
from toque.ports.executor import AttemptSpec
from toque.worker import cache, hints, materializing, projection, stored, values
from toque.worker.arguments import Evaluator
from toque.worker.context import Context, current, lone
from toque.worker.control import Cancelled, NotYet, Skip
from toque.worker.environment import Environment, Plan, result_key
from toque.worker.failures import said
from toque.worker.log import Log, LogFile
from toque.worker.slices import Site

EndReport: TypeAlias = AttemptSucceeded | AttemptFailed | AttemptSkipped | AttemptDeferred | AttemptCancelled


def started(spec: AttemptSpec, env: Environment) -> AttemptStarted:
    """The report that must be on its way before `execute` is called."""
    return AttemptStarted(
        run_id=spec.run_id,
        task=spec.task,
        map_index=spec.map_index,
        attempt=spec.attempt,
        token=spec.token,
        started_us=env.now_us(),
        worker=env.worker,
    )


def returned(spec: AttemptSpec) -> AttemptReturned:
    """The report about an attempt that does not begin, since the lease is over (see `lease`)."""
    return AttemptReturned(
        run_id=spec.run_id, task=spec.task, map_index=spec.map_index, attempt=spec.attempt, token=spec.token
    )


def execute(spec: AttemptSpec, env: Environment, *, exclusive: bool = False) -> EndReport:
    """Make the attempt in this thread. `exclusive`: nothing else runs in this process, so that threads which user code
    starts belong to it, and signals may interrupt it."""
    attempt = Attempt(spec, env)
    token = attempt.enter(exclusive)
    try:
        with ExitStack() as scope:
            call = attempt.prepare(scope)
            if isinstance(call, AttemptSucceeded):
                return call
            lone.interruptible = exclusive
            attempt.context.check_cancelled()
            result = call.function(*call.args, **call.kwargs)
            if call.is_async or inspect.iscoroutine(result):
                result = asyncio.run(result)
            report = attempt.succeed(result, call)
            # Off before the resources are closed: an interrupted close would leak what it closes.
            lone.interruptible = False
        return report
    except BaseException as error:
        lone.interruptible = False
        return attempt.fail(error)
    finally:
        attempt.leave(token, exclusive)


async def execute_async(spec: AttemptSpec, env: Environment) -> EndReport:
    """Make the attempt on the running loop. Cancelling the task that awaits it cancels the attempt."""
    attempt = Attempt(spec, env)
    token = attempt.enter(exclusive=False)
    try:
        with ExitStack() as scope:
            call = attempt.prepare(scope)
            if isinstance(call, AttemptSucceeded):
                return call
            result = call.function(*call.args, **call.kwargs)
            if call.is_async or inspect.isawaitable(result):
                result = await result
            return attempt.succeed(result, call)
    except BaseException as error:
        return attempt.fail(error)
    finally:
        attempt.leave(token, exclusive=False)


@dataclass(slots=True)
class Call:
    """A call that is ready to be made."""

    function: Callable[..., Any]
    is_async: bool
    plan: Plan
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    cache_key: str = ""


class Attempt:
    """The steps around the call."""

    def __init__(self, spec: AttemptSpec, env: Environment) -> None:
        self.spec = spec
        self.env = env
        self.started_us = env.now_us()
        self.context = Context(spec, env.channel, Log(LogFile(spec.log_path), env.masker, env.echo))
        self._call: Call | None = None
        self._scope = ExitStack()

    def enter(self, exclusive: bool) -> Token[Context | None]:
        """From here on `context()` is this attempt's, and what is printed goes to its log."""
        if exclusive:
            lone.context = self.context
        self.env.running[self.spec.token] = (self.context, threading.get_ident())
        if self.env.raw is not None:
            self.env.raw.begin(self.context.log)
        return current.set(self.context)

    def leave(self, token: Token[Context | None], exclusive: bool) -> None:
        """The end of that."""
        self.context.close()
        if exclusive:
            lone.context = None
        self.env.running.pop(self.spec.token, None)
        current.reset(token)
        if self.env.raw is not None:
            self.env.raw.end(self.context.log)
        self.context.log.close()

    def prepare(self, scope: ExitStack) -> Call | AttemptSucceeded:
        """Resolve the code and evaluate the arguments; or the report at once, if the cache has the result."""
        spec, env = self.spec, self.env
        self._scope = scope
        plan = env.plan(spec.node)
        call = Call(plan.function, plan.is_async, plan)
        evaluator = Evaluator(spec, env.blobs, env.items)
        if spec.node.policy.cache is not None:
            cached = self._from_cache(call, evaluator)
            if cached is not None:
                return cached
        self._evaluate(call, evaluator)
        for name, inject in plan.inject:
            if inject.kind == "asset" and not env.supplier.replaces(inject):
                kind = hints.of_parameter(plan.function, name)
                call.kwargs[name] = materializing.supplied(inject, spec, kind, self._site())
            elif inject.kind == "context" and inject.name in materializing.OF_PARTITIONS:
                call.kwargs[name] = materializing.of_partitions(inject.name, spec)
            else:
                call.kwargs[name] = env.supplier.supply(inject, self.context, scope)
        self._call = call
        return call

    def succeed(self, result: Any, call: Call) -> EndReport:
        """Store the result and what the server must know of it."""
        spec, env, node = self.spec, self.env, self.spec.node
        if node.writes:
            result = materializing.written(spec, self.context, result, self._site())
        place = values.Place(env.blobs, lambda: call.cache_key or result_key(spec))
        ref = values.encode(result, place, mapped=call.plan.mapped, max_pickle_bytes=env.max_pickle_bytes)
        if self.context.cancelled:
            raise Cancelled
        exports = tuple(projection.export(result, path) for path in node.exports) if node.exports else ()
        lengths = self._lengths(result, ref) if node.lengths else ()
        finished_us = env.now_us()
        if call.cache_key:
            record = cache.Cached(ref, exports, lengths, finished_us, cache.attempt_id(spec))
            cache.put(env.blobs, call.cache_key, record)
        return AttemptSucceeded(
            run_id=spec.run_id,
            task=spec.task,
            map_index=spec.map_index,
            attempt=spec.attempt,
            token=spec.token,
            started_us=self.started_us,
            finished_us=finished_us,
            result=ref,
            exports=exports,
            lengths=lengths,
            assets=tuple(self.context.told),
        )

    def fail(self, error: BaseException) -> EndReport:
        """The report for whatever was raised."""
        common = self._common()
        match error:
            case NotYet():
                handle, problem = _plain(error.handle)
                if problem is None:
                    return AttemptDeferred(**common, resume_after_s=error.after_s, handle=handle)
                error = problem
            case Skip():
                return AttemptSkipped(**common, reason=self.env.failures.cut(said(error)))
            case Cancelled() | KeyboardInterrupt() | asyncio.CancelledError():
                return AttemptCancelled(**common)
            case _:
                pass
        info = self._describe(error)
        self.context.log.line("traceback", self.env.failures.traceback(error))
        return AttemptFailed(**common, error=info, assets=tuple(self.context.told))

    def _site(self) -> Site:
        return materializing.site(self.spec, self.env, self.context, self._scope)

    def _describe(self, error: BaseException) -> ErrorInfo:
        policy = self.spec.node.policy
        of_call = isinstance(error, TypeError) and self._call is not None and not _binds(self._call)
        try:
            return self.env.failures.describe(error, policy.retry, of_call=of_call)
        except Exception as broken:  # the retry rule's own code cannot be imported
            return self.env.failures.describe(broken)

    def _common(self) -> dict[str, Any]:
        spec = self.spec
        return {
            "run_id": spec.run_id,
            "task": spec.task,
            "map_index": spec.map_index,
            "attempt": spec.attempt,
            "token": spec.token,
            "started_us": self.started_us,
            "finished_us": self.env.now_us(),
        }

    def _evaluate(self, call: Call, evaluator: Evaluator) -> None:
        if self.spec.payload is not None:
            call.args, call.kwargs = stored.opened(self.spec.payload, self.env.blobs)
            return
        call.args = [evaluator.value(expr, as_list=as_list) for expr, as_list in call.plan.args]
        call.kwargs = {name: evaluator.value(expr, as_list=as_list) for name, expr, as_list in call.plan.kwargs}

    def _from_cache(self, call: Call, evaluator: Evaluator) -> AttemptSucceeded | None:
        policy = self.spec.node.policy.cache
        assert policy is not None

        def evaluated() -> tuple[tuple[Any, ...], dict[str, Any]]:
            self._evaluate(call, evaluator)
            return tuple(call.args), call.kwargs

        payload = self.spec.payload.digest if self.spec.payload is not None else ""
        call.cache_key = cache.key_of(policy, self.spec.node, evaluator.digest, evaluated, payload)
        found = cache.look_up(self.env.blobs, call.cache_key, policy, self.env.now_us())
        if found is None:
            return None
        return AttemptSucceeded(
            **self._common(),
            result=found.result,
            exports=found.exports,
            lengths=found.lengths,
            cached_from=found.made_by,
        )

    def _lengths(self, result: Any, ref: ValueRef) -> tuple[int, ...]:
        if isinstance(result, GeneratorType):
            # It is consumed by now; what it yielded is in its chunks.
            result = values.open_chunks(ref, self.env.blobs)
            return tuple(len(result) for _ in self.spec.node.lengths)
        return tuple(projection.count(result, path) for path in self.spec.node.lengths)


def _binds(call: Call) -> bool:
    try:
        inspect.signature(call.function).bind(*call.args, **call.kwargs)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _plain(handle: Any) -> tuple[Any, UserError | None]:
    """The handle of a `NotYet` as JSON, or what is wrong with it."""
    try:
        return msgspec.json.decode(msgspec.json.encode(handle)), None
    except (TypeError, ValueError) as error:
        return None, UserError(
            f"the handle of NotYet must be JSON: {error}", fix="hand over an id or a dict of plain values"
        )
