"""Acting: what is done after the commit, and never before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from toque.engine import effects as fx
from toque.engine.inputs import AttemptFailed
from toque.engine.values import ErrorInfo, TaskKey, Token
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode
from toque.ports.blobs import Blobs
from toque.ports.clock import Clock
from toque.ports.executor import AttemptSpec, Executor, WorkItem
from toque.runtime.batch import Batch
from toque.runtime.external import ExternalJobs
from toque.runtime.granting import executor_of
from toque.runtime.messages import Message
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import OwnedRun
from toque.runtime.specs import Specs
from toque.runtime.timers import Timers

Slot = tuple[str, int, str]
"""Executor, identity of the run's bundle, environment: what shares a work item."""


class Actor:
    """Carries out effects: dispatches, cancels, timers, answers."""

    def __init__(
        self,
        executors: Mapping[str, Executor],
        clock: Clock,
        timers: Timers,
        blobs: Blobs,
        options: RuntimeOptions,
        put: Callable[[Message], None],
        *,
        jobs: ExternalJobs,
    ) -> None:
        self._executors = executors
        self._clock = clock
        self._timers = timers
        self._specs = Specs(blobs, options)
        self._options = options
        self._put = put
        self._jobs = jobs

    def act(self, batch: Batch) -> None:
        """Do what `batch` decided, now that it is durable."""
        items: dict[Slot, tuple[OwnedRun, list[AttemptSpec]]] = {}
        for owned, effect in batch.effects:
            match effect:
                case fx.Dispatch(key=key, attempt=attempt, token=token):
                    self._prepare(items, owned, key, attempt, token)
                case fx.Acknowledge(key=key, token=token):
                    if (executor := self._executor(owned, key)) is not None:
                        executor.acknowledge(token)
                case fx.StopAttempt(key=key, token=token):
                    if (executor := self._executor(owned, key)) is not None:
                        executor.cancel(token, grace_s=self._options.cancel_grace_s)
                case fx.SetTimer():
                    self._timers.set(owned.machine.row.run_id, effect)
                case fx.AnswerStep(body=body):
                    if (executor := self._executor(owned, body)) is not None:
                        executor.answer(effect)  # type: ignore[attr-defined]
                case _:
                    pass
        for (name, _, environment), (owned, specs) in items.items():
            self._executors[name].submit(WorkItem(bundle=owned.bundle, environment=environment, attempts=tuple(specs)))

    def set_timers(self, batch: Batch) -> None:
        """Only those: the runs of `batch` were read again, and wait as they did."""
        for owned, effect in batch.effects:
            if isinstance(effect, fx.SetTimer):
                self._timers.set(owned.run_id, effect)

    async def held(self, tokens: Sequence[Token]) -> set[Token]:
        """Which dispatches an executor knows of."""
        known: set[Token] = set()
        for executor in self._executors.values():
            known.update(await executor.reconcile(tokens))
        return known

    def stop_all(self, owned: OwnedRun) -> None:
        """End every attempt of a run that is no longer ours."""
        for key, _, token in owned.machine.active():
            if (executor := self._executor(owned, key)) is not None:
                executor.cancel(token, grace_s=self._options.cancel_grace_s)

    def void(self, message: Message) -> None:
        """A report about a run that is not ours (any more) may be forgotten by its sender."""
        self._jobs.heard(message)
        token = getattr(message, "token", None)
        if isinstance(token, Token):
            for executor in self._executors.values():
                executor.acknowledge(token)

    def _executor(self, owned: OwnedRun, key: TaskKey) -> Executor | None:
        """None: nobody here could have taken the attempt, or the run has no such task (a stray report), or its host is
        told for it: what a host says of others goes the way of its own reports, and is not held until acknowledged."""
        state = owned.machine.nodes.get(key.task)
        if state is None or state.host is not None:
            return None
        return self._executors.get(self._name(owned, key))

    def _name(self, owned: OwnedRun, key: TaskKey) -> str:
        node = owned.machine.node(key.task)
        if not isinstance(node, TaskNode):
            raise ToqueBug(f"{key} runs on no executor")
        return executor_of(node)

    def _prepare(
        self,
        items: dict[Slot, tuple[OwnedRun, list[AttemptSpec]]],
        owned: OwnedRun,
        key: TaskKey,
        attempt: int,
        token: Token,
    ) -> None:
        executor = self._name(owned, key)
        if executor not in self._executors:
            missing = f"executor {executor!r} is not available here; there are {', '.join(self._executors)}"
            self._refuse(owned, key, attempt, token, ErrorInfo("code", "UnknownExecutor", missing, retryable=False))
            return
        try:
            spec = self._specs.build(owned, key, attempt, token)
        except OSError as problem:
            error = ErrorInfo("transient", "OSError", f"its inputs cannot be stored: {problem}")
            self._refuse(owned, key, attempt, token, error)
            return
        slot = (executor, id(owned.bundle), spec.node.policy.environment)
        items.setdefault(slot, (owned, []))[1].append(spec)

    def _refuse(self, owned: OwnedRun, key: TaskKey, attempt: int, token: Token, error: ErrorInfo) -> None:
        """The attempt cannot be handed to anybody: it has failed."""
        self._put(
            AttemptFailed(
                run_id=owned.run_id,
                task=key.task,
                map_index=key.map_index,
                attempt=attempt,
                token=token,
                finished_us=self._clock.now_us(),
                error=error,
            )
        )
