"""The server, as a model of the runtime: drain, decide, commit, and only then act. It can die at any of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from tests.simulation.clockwork import Clockwork
from tests.simulation.faults import Faults
from tests.simulation.flows import Body, program_of
from tests.simulation.hosts import says_of
from tests.simulation.pipelines import POOLS
from tests.simulation.scripts import Script, script_of
from tests.simulation.store import Store, Transaction, Unavailable
from tests.simulation.workers import Executor, Order
from toque.engine import effects as fx
from toque.engine import inputs as i
from toque.engine.admission import Admission, Capacity, Forget, Held, Release, Withdraw
from toque.engine.hosting import members_of
from toque.engine.projection import drain_rows
from toque.engine.requests import request_of
from toque.engine.restore import restore
from toque.engine.rows import TaskRow
from toque.engine.run import Run, decide
from toque.engine.sourcing import attempt_inputs
from toque.engine.states import RunState
from toque.engine.values import TaskKey, Token, ValueRef
from toque.graph.ir import Pipeline, TaskNode


class Crash(Exception):
    """kill -9."""


@dataclass
class Server:
    """One life of the server process."""

    boot: int
    seed: int
    pipeline: Pipeline
    origins: Mapping[str, list[TaskRow]]
    """Rows of the origin of each rerun."""
    store: Store
    executors: dict[str, Executor]
    clock: Clockwork
    rng: Random
    faults: Faults
    check: Callable[[Server, Transaction], None]
    """Looks at everything after each commit."""
    on_host: Callable[[Order], None]
    """Looks at what a host is told."""
    runs: dict[str, Run] = field(default_factory=dict)
    inbox: list[i.AnyInput] = field(default_factory=list)
    admission: Admission = field(default_factory=Admission)
    alive: bool = True
    awake: bool = False
    tokens: int = 0

    # -- life

    def start(self) -> None:
        """Take up every run that has not ended."""
        for run_id in self.store.runs:
            if run_id not in self.runs and not self.store.runs[run_id].run.state.is_terminal:
                self._take_up(run_id, alive=False)

    def receive(self, given: Any) -> None:
        """Something for the inbox."""
        self.inbox.append(given)
        self.wake()

    def wake(self) -> None:
        """Let there be a turn soon."""
        if not self.awake and self.alive:
            self.awake = True
            self.clock.after(self.rng.randint(1, 2000), self.turn)

    def turn(self) -> None:
        """Drain, decide, commit, act."""
        self.awake = False
        if not self.alive:
            return
        taken, self.inbox = self.inbox[:50], self.inbox[50:]
        try:
            self._turn(taken)
        except Crash:
            self.alive = False
            return
        if self.inbox:
            self.wake()

    def _turn(self, taken: list[i.AnyInput]) -> None:
        while True:
            effects: list[tuple[str, fx.AnyEffect]] = []
            transaction = Transaction()
            for given in taken:
                self._decide(given, transaction, effects)
            self._grant(transaction, effects)
            self._maybe_crash(self.faults.crash_before_commit)
            try:
                self._commit(transaction)
                break
            except Unavailable:
                for run_id in transaction.facts:
                    self._reload(run_id)
        self.check(self, transaction)
        self._maybe_crash(self.faults.crash_after_commit)
        self._act(effects)

    def _maybe_crash(self, likely: float) -> None:
        if self.rng.random() < likely:
            raise Crash

    # -- decisions

    def _decide(self, given: i.AnyInput, transaction: Transaction, effects: list[tuple[str, fx.AnyEffect]]) -> None:
        run = self.runs.get(given.run_id)
        if run is None:
            token = getattr(given, "token", None)
            if token is not None:
                for executor in self.executors.values():
                    executor.acknowledge(token, _subject(given))
            return
        facts, asked = decide(run, given, self.clock.now_us)
        transaction.facts.setdefault(given.run_id, []).extend(facts)
        self._note(run, asked, transaction)
        effects.extend((given.run_id, effect) for effect in asked)

    def _note(self, run: Run, effects: list[fx.AnyEffect], transaction: Transaction) -> None:
        """What admission is told before the commit: it is part of the decision."""
        run_id = run.row.run_id
        for effect in effects:
            match effect:
                case fx.RequestSlots(task=task, count=count):
                    self.admission.accept(request_of(run, task, count, POOLS.get))
                case fx.WithdrawRequest(task=task, count=count):
                    self.admission.accept(Withdraw(run_id=run_id, task=task, count=count))
                case fx.ReturnGrants(task=task, tokens=tokens):
                    self.admission.accept(Release(run_id=run_id, task=task, count=len(tokens), spare=True))
                case fx.ReleaseSlots(key=key):
                    self.admission.accept(Release(run_id=run_id, task=key.task))
                    transaction.released.append((run_id, key))
                case fx.Dispatch(key=key):
                    transaction.acquired.append((run_id, key))
                case _:
                    pass

    def _grant(self, transaction: Transaction, effects: list[tuple[str, fx.AnyEffect]]) -> None:
        for name, executor in self.executors.items():
            self.admission.accept(Capacity(executor=name, free=executor.free()))
        while granted := self.admission.grant():
            for grant in granted:
                tokens = tuple(self._token() for _ in range(grant.count))
                admitted = i.Admitted(run_id=grant.run_id, task=grant.task, tokens=tokens)
                self._decide(admitted, transaction, effects)

    def _token(self) -> Token:
        self.tokens += 1
        return Token(self.boot, self.tokens)

    # -- the transaction

    def _commit(self, transaction: Transaction) -> None:
        if transaction.facts and self.rng.random() < self.faults.commit_fails:
            raise Unavailable
        for run_id in transaction.facts:
            transaction.rows[run_id] = drain_rows(self.runs[run_id])
        self.store.commit(transaction)

    def _reload(self, run_id: str) -> None:
        self.admission.accept(Forget(run_id=run_id))
        self._take_up(run_id, alive=True)

    def _take_up(self, run_id: str, *, alive: bool) -> None:
        """Restore a run. `alive`: its attempts are where they were."""
        stored = self.store.runs[run_id]
        run, effects = restore(self.pipeline, stored, self.origins.get(run_id, ()))
        self.runs[run_id] = run
        for key, _, _ in run.active():
            node = run.node(key.task)
            assert isinstance(node, TaskNode)
            request = request_of(run, key.task, 1, POOLS.get)
            self.admission.accept(
                Held(
                    run_id=run_id,
                    task=key.task,
                    count=1,
                    priority=request.priority,
                    executor=request.executor,
                    claims=request.claims,
                )
            )
        self._note(run, effects, Transaction())
        for effect in effects:
            self._do(run, effect)
        if run.row.state is RunState.QUEUED:
            self.receive(i.Start(run_id=run_id))
        if not alive:
            self._report_lost(run)
        self.wake()

    def _report_lost(self, run: Run) -> None:
        for key, attempt, token in run.active():
            executor = self.executors[_executor_of(run, key.task)]
            if not executor.running([token]):
                self.receive(
                    i.AttemptLost(
                        run_id=run.row.run_id,
                        task=key.task,
                        map_index=key.map_index,
                        attempt=attempt,
                        token=token,
                        finished_us=self.clock.now_us,
                        reason="the server went away",
                        blameless=True,
                    )
                )

    # -- acts

    def _act(self, effects: list[tuple[str, fx.AnyEffect]]) -> None:
        for run_id, effect in effects:
            self._maybe_crash(self.faults.crash_in_dispatch / len(effects))
            self._do(self.runs[run_id], effect)

    def _do(self, run: Run, effect: fx.AnyEffect) -> None:
        match effect:
            case fx.Dispatch():
                self._dispatch(run, effect)
            case fx.StopAttempt(key=key, token=token):
                self._executor(run, key).cancel(token)
            case fx.Acknowledge(key=key, token=token):
                self._executor(run, key).acknowledge(token, key)
            case fx.AnswerStep(body=body):
                self._executor(run, body).answer(effect)
            case fx.SetTimer():
                self._set_timer(run.row.run_id, effect)
            case _:
                pass

    def _dispatch(self, run: Run, effect: fx.Dispatch) -> None:
        executor = self._executor(run, effect.key)
        order = self._order(run, effect)
        if order.members:
            self.on_host(order)
        executor.submit(order)
        if self.rng.random() < self.faults.submit_twice:
            executor.submit(order)

    def _order(self, run: Run, effect: fx.Dispatch) -> Order:
        key = effect.key
        node = run.node(key.task)
        assert isinstance(node, TaskNode)
        row = run.task_run(key)
        assert row is not None
        inputs = attempt_inputs(run, key)
        body = None
        script = script_of(self.seed, node, key.map_index)
        if node.kind == "flow":
            script = Script(("succeed",), (), ())
            body = Body(
                run.row.run_id,
                key,
                effect.token,
                program_of(self.seed, key),
                ask=lambda request: self.clock.after(self.rng.randint(1, 20_000), lambda: self.receive(request)),
                now_us=lambda: self.clock.now_us,
            )
        members = members_of(run, key)
        nodes = {name: node for name, _ in members if isinstance(node := run.node(name), TaskNode)}
        report = inputs.run_report or {}
        given = (inputs.sources, inputs.items, inputs.payload, report.get("state"), report.get("failed_count"))
        digest = crc32(repr(given).encode())
        return Order(
            run_id=run.row.run_id,
            key=key,
            attempt=effect.attempt,
            token=effect.token,
            node=node,
            script=script,
            position=row.retries + row.deferrals,
            result=ValueRef(codec="json", inline=f"{key}:{digest}".encode()),
            body=body,
            members=members,
            says=says_of(self.seed, nodes, members, key.map_index, script.act(row.retries + row.deferrals)),
        )

    def _executor(self, run: Run, key: TaskKey) -> Executor:
        return self.executors[_executor_of(run, key.task)]

    def _set_timer(self, run_id: str, timer: fx.SetTimer) -> None:
        fired = i.TimerFired(run_id=run_id, kind=timer.kind, task=timer.task, map_index=timer.map_index)

        def fire() -> None:
            if self.alive:
                self.receive(fired)

        self.clock.at(timer.due_us, fire)
        if self.rng.random() < self.faults.timer_early:
            self.clock.after(self.rng.randint(1, max(2, timer.due_us - self.clock.now_us)), fire)


def _subject(given: i.AnyInput) -> TaskKey:
    """The task run that something with a token is about."""
    return given.key if isinstance(given, i.Report) else TaskKey(getattr(given, "body", ""))


def _executor_of(run: Run, task: str) -> str:
    if task not in run.nodes:
        return "process"
    node = run.node(task)
    assert isinstance(node, TaskNode)
    if node.host:
        return _executor_of(run, node.host)
    return "flow" if node.kind == "flow" else node.policy.executor
