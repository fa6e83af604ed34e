"""Granting: the admission machines, and what their grants mean for the runs of this process.

Decisions only: nothing here touches an executor but to ask how much it would take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toque.engine import admission as adm
from toque.engine import effects as fx
from toque.engine.inputs import Admitted
from toque.engine.lines import Claim
from toque.engine.requests import claims_of, request_of
from toque.engine.run import Decision, decide
from toque.engine.values import Token
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode
from toque.ports.executor import Executor
from toque.ports.store import Hold
from toque.runtime.batch import Batch, holder
from toque.runtime.options import RuntimeOptions
from toque.runtime.outgoing import rows_of
from toque.runtime.owned import OwnedRun
from toque.runtime.starting import RUNS, Starting


class Granting:
    """Slots and starts, for the runs that this process owns."""

    def __init__(
        self, owned: Mapping[str, OwnedRun], executors: Mapping[str, Executor], options: RuntimeOptions
    ) -> None:
        self._owned = owned
        self._executors = executors
        self._options = options
        self._slots = adm.Admission()
        self.starting = Starting(owned, self.step)
        self._lanes: dict[str, tuple[str, TaskNode | None]] = {}
        """What has a capacity of its own: its executor, and one of its nodes where that makes a difference."""
        self._elsewhere: set[str] = set()
        self.in_flight = 0
        """Attempts that were dispatched and have not ended."""

    # -- effects that are decisions

    def step(self, batch: Batch, owned: OwnedRun, decision: Decision) -> None:
        """Collect a decision; what it asks of admission happens at once."""
        batch.add(owned, decision.facts)
        if decision.effects or decision.facts:
            batch.outbox += rows_of(owned, decision.facts, decision.effects, self._options.alerting, batch.now_us)
        for effect in decision.effects:
            match effect:
                case fx.RequestSlots(task=task, count=count):
                    self._slots.accept(self._request(owned, task, count))
                case fx.WithdrawRequest(task=task, count=count):
                    self._slots.accept(adm.Withdraw(run_id=owned.run_id, task=task, count=count))
                case fx.ReleaseSlots(key=key):
                    self.in_flight -= 1
                    self._slots.accept(adm.Release(run_id=owned.run_id, task=key.task))
                    for claim in self._claims(owned, key.task):
                        batch.release.append((claim.pool, holder(owned.run_id, key)))
                case fx.ReturnGrants(task=task, tokens=tokens):
                    self._slots.accept(adm.Release(run_id=owned.run_id, task=task, count=len(tokens), spare=True))
                case fx.RunEnded():
                    batch.effects.append((owned, effect))
                    self.starting.over(batch, owned.run_id)
                case fx.Dispatch(key=key):
                    self.in_flight += 1
                    batch.effects.append((owned, effect))
                    for claim in self._claims(owned, key.task):
                        batch.acquire.append(
                            Hold(
                                pool=claim.pool,
                                holder=holder(owned.run_id, key),
                                slots=claim.effective,
                                limit=claim.limit,
                            )
                        )
                case _:
                    batch.effects.append((owned, effect))

    def restore(self, batch: Batch, owned: OwnedRun, effects: list[fx.AnyEffect]) -> None:
        """Take in a run with what it holds and waits for."""
        machine = owned.machine
        self.starting.restored(batch, owned)
        active = machine.active()
        self.in_flight += len(active)
        for key, _, _ in active:
            request = self._request(owned, key.task, 1)
            self._slots.accept(
                adm.Held(
                    run_id=request.run_id,
                    task=request.task,
                    count=1,
                    priority=request.priority,
                    executor=request.executor,
                    claims=request.claims,
                )
            )
        self.step(batch, owned, Decision([], effects))

    @property
    def is_busy(self) -> bool:
        """The executors have work for a while: this is about throughput."""
        return self.in_flight >= self._options.busy_attempts

    # -- grants

    def grant(self, batch: Batch, new_token: Callable[[], Token]) -> None:
        """Hand out what executors and pools have room for, until nothing more can be."""
        for lane, (name, node) in self._lanes.items():
            if name in self._executors:
                self._slots.accept(adm.Capacity(executor=lane, free=self._room(name, node)))
        self.starting.start_pending(batch)
        while granted := self._slots.grant():
            for grant in granted:
                owned = self._owned[grant.run_id]
                admitted = Admitted(
                    run_id=grant.run_id, task=grant.task, tokens=tuple(new_token() for _ in range(grant.count))
                )
                self.step(batch, owned, decide(owned.machine, admitted, batch.now_us))

    def used_elsewhere(self, used: Mapping[str, int]) -> None:
        """What the store says about slots that other processes hold."""
        for pool, slots in used.items():
            if pool.startswith(RUNS):
                self.starting.places_held(pool, slots)
                continue
            elsewhere = max(0, slots - self._slots.used(pool))
            self._slots.accept(adm.UsedElsewhere(pool=pool, slots=elsewhere))
            (self._elsewhere.add if elsewhere else self._elsewhere.discard)(pool)

    @property
    def contended(self) -> frozenset[str]:
        """Pools in which other processes held slots when we last looked."""
        return frozenset(self._elsewhere | self.starting.contended)

    def forget_slots(self, run_id: str) -> None:
        """The run left this process's memory; its place among the active runs is kept until `over`."""
        self._slots.accept(adm.Forget(run_id=run_id))

    def reread(self, owned: OwnedRun) -> None:
        """The run is about to be read again from the store: whatever was decided about it did not happen."""
        self.in_flight -= len(owned.machine.active())
        self.forget_slots(owned.run_id)
        self.starting.reread(owned.run_id)

    def over(self, batch: Batch, run_id: str) -> None:
        """The run belongs to another process now."""
        self.forget_slots(run_id)
        self.starting.over(batch, run_id)

    # -- what a task needs

    def _request(self, owned: OwnedRun, task: str, count: int) -> adm.Request:
        node = owned.machine.node(task)
        if not isinstance(node, TaskNode):
            raise ToqueBug(f"{task} runs on no executor")
        name = executor_of(node)
        shared = node.code.mode == "async" or node.policy.io_bound
        lane = f"{name} shared" if shared else name
        if lane not in self._lanes:
            self._lanes[lane] = (name, node if shared else None)
            if name in self._executors:
                self._slots.accept(adm.Capacity(executor=lane, free=self._room(*self._lanes[lane])))
        options = self._options
        return request_of(owned.machine, task, count, options.pool_limit, lane, pool_of=options.pool_of)

    def _room(self, name: str, node: TaskNode | None) -> int:
        executor = self._executors[name]
        return executor.free() if node is None else executor.room(node)

    def _claims(self, owned: OwnedRun, task: str) -> tuple[Claim, ...]:
        node = owned.machine.node(task)
        if not isinstance(node, TaskNode) or not (node.policy.pools or node.policy.concurrency_key):
            return ()
        return claims_of(owned.machine, node, self._options.pool_limit, self._options.pool_of)


def executor_of(node: TaskNode) -> str:
    """Name of the executor that a task runs on."""
    return "flow" if node.kind == "flow" else node.policy.executor
