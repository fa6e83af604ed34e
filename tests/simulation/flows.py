"""Flow bodies: small programs of stages, fixed by the seed, and the host that runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.scripts import retries_of, script_of
from toque.engine.effects import AnswerStep
from toque.engine.inputs import StepRequested
from toque.engine.values import TaskKey, Token, ValueRef
from toque.graph.ir import CodeRef, Meta, RetryPolicy, TaskNode, TaskPolicy

CODE = CodeRef(module="kitchen", qualname="step")
SLEEP = "sleep"


@dataclass(frozen=True)
class Call:
    """One step of a flow: an occurrence of a name."""

    node: TaskNode
    occurrence: int
    sleep_s: float = 0


@dataclass(frozen=True)
class Stage:
    """Steps that the body awaits together; with a fallback, it catches their errors and calls that."""

    calls: tuple[Call, ...]
    fallback: Call | None = None


def program_of(seed: int, key: TaskKey) -> tuple[Stage, ...]:
    """What the body `key` does."""
    rng = Random(f"flow/{seed}/{key}")
    used: dict[str, int] = {}

    def call(name: str) -> Call:
        used[name] = used.get(name, -1) + 1
        retry = RetryPolicy(times=1, delay_s=1) if name == "page" else None
        nested = name == "nested"
        policy = TaskPolicy(retry=retry, executor="flow" if nested else "process")
        node = TaskNode(
            id=f"{key.task}/{name}",
            code=CODE,
            kind="flow" if nested else "task",
            policy=policy,
            meta=Meta(doc="steady" if name in (SLEEP, "nested") else ""),
        )
        return Call(node, used[name], rng.choice((0.5, 3.0)) if name == SLEEP else 0)

    names = ["page", "page", "store", SLEEP]
    if key.task.count("/") < 1:
        names.append("nested")
    stages = []
    for _ in range(rng.randint(1, 3)):
        calls = tuple(call(rng.choice(names)) for _ in range(rng.randint(1, 3)))
        stages.append(Stage(calls, call("fallback") if rng.random() < 0.5 else None))
    return tuple(stages)


def ends_of_flow(seed: int, key: TaskKey) -> dict[TaskKey, str]:
    """The states in which the body and all its steps must end."""
    ends: dict[TaskKey, str] = {}
    for stage in program_of(seed, key):
        states = [_ends(seed, key, call, ends) for call in stage.calls]
        if all(state == "succeeded" for state in states):
            continue
        if stage.fallback is None or _ends(seed, key, stage.fallback, ends) != "succeeded":
            ends[key] = "failed"
            return ends
    ends[key] = "succeeded"
    return ends


def _ends(seed: int, body: TaskKey, call: Call, ends: dict[TaskKey, str]) -> str:
    key = TaskKey(call.node.id, (*body.map_index, call.occurrence))
    if call.sleep_s:
        ends[key] = "succeeded"
    elif call.node.kind == "flow":
        ends.update(ends_of_flow(seed, key))
    else:
        ends[key] = script_of(seed, call.node, key.map_index).ends(retries_of(call.node))
    return ends[key]


@dataclass
class Body:
    """One dispatch of a flow body in a host."""

    run_id: str
    key: TaskKey
    token: Token
    program: tuple[Stage, ...]
    ask: Callable[[StepRequested], None]
    """Sends a request to the server; lost or delayed as the world likes."""
    now_us: Callable[[], int]
    answers: dict[TaskKey, AnswerStep] = field(default_factory=dict)
    asked: dict[TaskKey, StepRequested] = field(default_factory=dict)
    seen: int = 0
    done: str = ""
    """`succeeded` or `failed` once the program is over."""
    broken: str = ""
    """What the host found out that must not be."""

    def answer(self, answer: AnswerStep) -> None:
        """The server says how a step ended."""
        if answer.diverged:
            self.broken = f"{self.key} diverged: {answer.diverged}"
        before = self.answers.get(answer.step)
        if before is not None and (before.result, before.error, before.order) != (
            answer.result,
            answer.error,
            answer.order,
        ):
            self.broken = f"{answer.step} was answered in two ways: {before} and {answer}"
        self.answers[answer.step] = answer
        self.seen = max(self.seen, answer.order)

    def go_on(self) -> None:
        """Run the program as far as the answers go, asking for what it needs next."""
        for stage in self.program:
            ended = [self._answer(call) for call in stage.calls]
            if any(answer is None for answer in ended):
                return
            if all(answer is not None and answer.error is None for answer in ended):
                continue
            fallback = self._answer(stage.fallback) if stage.fallback is not None else None
            if stage.fallback is not None and fallback is None:
                return
            if fallback is None or fallback.error is not None:
                self.done = "failed"
                return
        self.done = "succeeded"

    def _answer(self, call: Call) -> AnswerStep | None:
        key = TaskKey(call.node.id, (*self.key.map_index, call.occurrence))
        answer = self.answers.get(key)
        if answer is None and key not in self.asked:
            request = StepRequested(
                run_id=self.run_id,
                body=self.key.task,
                body_index=self.key.map_index,
                node=call.node,
                occurrence=call.occurrence,
                digest=f"inputs of {key}",
                payload=ValueRef(codec="json", inline=str(key).encode()),
                sleep_until_us=self.now_us() + round(call.sleep_s * 1_000_000) if call.sleep_s else 0,
                token=self.token,
            )
            self.asked[key] = request
            self.ask(request)
        return answer
