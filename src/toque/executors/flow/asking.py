"""Asking for steps: what async and sync bodies have in common. Used by one thread, the body's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyReport, Cancel, FlowEvicted, StepRequested
from toque.engine.values import TaskKey, ValueRef
from toque.errors import ToqueError
from toque.executors.flow.derived import Derived
from toque.executors.flow.ledger import Ledger
from toque.executors.flow.muting import Muting
from toque.executors.flow.scopes import Naming
from toque.graph.ir import CodeRef, TaskNode
from toque.worker import values
from toque.worker.attempt import Attempt
from toque.worker.environment import run_prefix, safe
from toque.worker.flow_errors import FlowDiverged, StepSkipped, diverged, step_failed
from toque.worker.stored import HandedOn

FlowMessage: TypeAlias = AnyReport | StepRequested | FlowEvicted | Cancel
"""What a host sends to the runtime."""

Send: TypeAlias = Callable[[Sequence[FlowMessage]], None]

SLEEP = TaskNode(id="toque.sleep", code=CodeRef(module="toque.worker.flow_context", qualname="sleep"))
LONGEST_SLEEP_S = 100 * 365 * 86400.0


class Asking:
    """Names the steps of one body, sends the requests, and opens the answers."""

    def __init__(self, attempt: Attempt, send: Send) -> None:
        spec = attempt.spec
        self.spec = spec
        self.body = TaskKey(spec.task, spec.map_index)
        self.ledger = Ledger()
        self.naming = Naming(self.body)
        self.derived = Derived(spec)
        self.failure: ToqueError | None = None
        """The body contradicted its record: whatever it does about that, the attempt fails with this."""
        self._env = attempt.env
        self._known = HandedOn()
        self.muting = Muting(attempt)
        self._send = send
        self._asked: dict[TaskKey, StepRequested] = {}
        """Sent or to be sent, not answered."""
        self._unsent: dict[TaskKey, StepRequested] = {}
        self._forgotten: set[TaskKey] = set()
        self._nodes: dict[str, tuple[TaskNode, TaskNode]] = {}

    # -- requests

    def step(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskKey:
        """Ask for a call of `node`. Raises `UserError` for arguments that cannot be stored."""
        key = self._next_key(node.id)
        place = values.Place(self._env.blobs, lambda: self._payload_key(key))
        # What is handed on by its name would have another name in the next run, and so miss the cache.
        is_cached = node.policy.cache is not None
        given = (tuple(args), dict(kwargs)) if is_cached else (self._known.args(args), self._known.kwargs(kwargs))
        payload = values.encode(given, place)
        self._ask(key, self._bare(node, key), payload.digest, payload=payload)
        return key

    def sleep(self, seconds: float) -> TaskKey:
        """Ask for a durable sleep. It counts from the first time that it is asked for."""
        if math.isnan(seconds):
            raise ValueError("cannot sleep for NaN seconds")
        key = self._next_key(SLEEP.id)
        until_us = self._env.now_us() + int(max(0.0, min(seconds, LONGEST_SLEEP_S)) * 1e6)
        # The digest is of the length, not of the end: a replay asks later, and sleeps no longer.
        self._ask(key, self._bare(SLEEP, key), values.digest(f"sleep:{float(seconds)!r}".encode()), until_us=until_us)
        return key

    def forget(self, key: TaskKey) -> None:
        """The body cancelled it: it is asked to be cancelled, or never asked for.

        What is open when the body ends is cancelled by the engine."""
        if self._unsent.pop(key, None) is not None:
            self._asked.pop(key, None)
            self.ledger.unask(key)
        elif key in self._asked and key not in self._forgotten:
            self._forgotten.add(key)
            self._send(
                [
                    Cancel(
                        run_id=self.spec.run_id,
                        task=key.task,
                        map_index=key.map_index,
                        actor="flow",
                        reason="the body of its flow no longer waits for it",
                    )
                ]
            )

    def flush(self) -> None:
        """Send what was asked for since the last time."""
        if self._unsent:
            requests = list(self._unsent.values())
            self._unsent.clear()
            self._send(requests)

    def end(self, report: AnyReport) -> None:
        """The body is over."""
        self._send([report])

    # -- answers

    def take(self) -> AnswerStep | None:
        """The next answer for the body; its clock goes on to when that step ended."""
        answer = self.ledger.take()
        if answer is not None:
            self._asked.pop(answer.step, None)
            self.derived.advance(answer.at_us)
            self.muting.told(self.ledger.told)
        return answer

    def check_quiet(self) -> FlowDiverged | None:
        """The body has nothing left to do: does that contradict its record?"""
        missing = self.ledger.missing()
        if missing:
            asked = ", ".join(map(str, self.ledger.open[:5])) or "nothing"
            return self.contradict(asked, missing)
        probe = self.ledger.probe()
        if probe is not None and probe[0] in self._asked:
            self._send([msgspec.structs.replace(self._asked[probe[0]], probe=probe[1])])
        return None

    def contradict(self, step: str, how: str) -> FlowDiverged:
        """The body did not repeat itself."""
        failure = diverged(step, how)
        self.failure = failure
        return failure

    def open(self, answer: AnswerStep) -> Any:
        """The result of a step. Raises what the body is to be raised."""
        if answer.diverged:
            raise self.contradict(str(answer.step), answer.diverged)
        if answer.error is None:
            return None if answer.result is None else self._decode(answer.step, answer.result)
        if answer.error.kind == "cancelled" and answer.error.type == "Skipped":
            raise StepSkipped(str(answer.step), answer.error.message)
        raise step_failed(str(answer.step), answer.error)

    def _decode(self, step: TaskKey, result: ValueRef) -> Any:
        try:
            value = values.decode(result, self._env.blobs)
            self._known.learn(value, result)
            return value
        except KeyError:
            raise ToqueError(f"the recorded result of step {step} is gone from the blob store") from None

    def _ask(
        self, key: TaskKey, node: TaskNode, digest: str, *, payload: ValueRef | None = None, until_us: int = 0
    ) -> None:
        request = StepRequested(
            run_id=self.spec.run_id,
            body=self.body.task,
            body_index=self.body.map_index,
            node=node,
            occurrence=key.map_index[-1],
            digest=digest,
            payload=payload,
            sleep_until_us=until_us,
            token=self.spec.token,
        )
        self.ledger.ask(key)
        self._asked[key] = request
        self._unsent[key] = request

    def _next_key(self, name: str) -> TaskKey:
        if self.failure is not None:
            raise self.failure
        return self.naming.next_key(name)

    def _bare(self, node: TaskNode, key: TaskKey) -> TaskNode:
        """The node of a step, shared by its occurrences."""
        known = self._nodes.get(key.task)
        if known is None or known[0] is not node:
            bare = msgspec.structs.replace(node, id=key.task, args=(), kwargs={}, upstream=(), guards=(), scope="")
            known = self._nodes[key.task] = (node, bare)
        return known[1]

    def _payload_key(self, key: TaskKey) -> str:
        # The token is part of it: a body that diverges overwrites nothing that a step may still read.
        token = self.spec.token
        index = ".".join(map(str, key.map_index))
        return f"{run_prefix(self.spec.run_id)}{safe(key.task)}/{index}/call-{token.boot}.{token.n}"
