"""Invariants: what must hold after each commit and at the end, in whatever world."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec

from tests.simulation.pipelines import POOLS
from tests.simulation.server import Server
from tests.simulation.store import Store, StoredRun, Transaction
from tests.simulation.workers import Order
from tests.unit.engine.snapshots import differences, snapshot
from toque.engine import facts as f
from toque.engine.projection import drain_rows
from toque.engine.restore import restore
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run import Run, evolve, new_run
from toque.engine.states import ACTIVE, RunState, TaskState
from toque.engine.values import TaskKey
from toque.graph.ir import Pipeline, TaskNode

FORBIDDEN = "this one"
"""The reason of cancels of single task runs."""
NOTHING_TO_DO = "nothing to do"
"""The reason of bodies that skip themselves."""
HOW_OFTEN = 0.03
"""Share of commits after which restored and folded machines are compared in full."""


class Invariants:
    """Watches one world. Raises `AssertionError`."""

    def __init__(self, pipeline: Pipeline, store: Store, rng: Random) -> None:
        self._pipeline = pipeline
        self._store = store
        self._rng = rng

    def attempt_starts(self, order: Order) -> None:
        """A task whose outcome is committed never runs again, and nothing runs that was not committed."""
        row = self._store.runs[order.run_id].by_key.get(order.key)
        assert row is not None, f"{order.key} runs, and its dispatch was never committed"
        if row.token == order.token:
            assert row.state in ACTIVE, f"{order.key} runs while it is {row.state}"
            assert row.attempt == order.attempt, f"{order.key} runs as attempt {order.attempt} of {row.attempt}"
            return
        # It was fenced off in the meantime: by a server that took it for lost, or by a person.
        assert row.dispatched_us == 0 or row.token is None or row.token > order.token, f"{order.key} runs unrecorded"

    def host_is_told(self, order: Order) -> None:
        """A host is given exactly those of its members whose outcome is not committed."""
        rows = self._store.runs[order.run_id].by_key
        members = [node.id for node in self._pipeline.nodes if getattr(node, "host", "") == order.key.task]
        keys = {name: TaskKey(name, order.key.map_index) for name in members}
        left = [name for name, key in keys.items() if key not in rows or not rows[key].state.is_terminal]
        assert left == [name for name, _ in order.members], f"{order.key} is told of {order.members}, and not of {left}"
        for name, attempt in order.members:
            row = rows.get(keys[name])
            assert attempt == (1 if row is None else row.attempt + 1), f"{name} goes as attempt {attempt}"

    def after_commit(self, server: Server, transaction: Transaction) -> None:
        """The store is the truth, and the machine agrees with it."""
        for run_id in transaction.facts:
            self._slots(run_id, server)
        if self._rng.random() < HOW_OFTEN:
            for run_id in transaction.facts:
                self._compare(server.runs[run_id], self._store.runs[run_id], server)
        self._pools()

    def at_the_end(self, server: Server | None) -> None:
        """Every run has ended: nothing is held, nothing is open, and the log says the same as the rows."""
        assert not self._store.held, f"slots are still held: {self._store.held}"
        for run_id, stored in self._store.runs.items():
            run = server.runs.get(run_id) if server is not None else None
            if server is not None and run is not None:
                self._compare(run, stored, server)
                for task in run.nodes:
                    counts = server.admission.counts(run_id, task)
                    assert counts == (0, 0), f"admission still counts {counts} for {task} of an ended run"
            open_rows = [key for key, row in stored.by_key.items() if not row.state.is_terminal]
            assert not open_rows, f"{run_id} ended, and these did not: {open_rows}"
            self._budgets(stored)
            self._teardowns(stored)
        for pool in POOLS if server is not None else ():
            assert server is not None
            assert not server.admission.used(pool), f"slots of {pool} leaked"

    # -- laws

    def _slots(self, run_id: str, server: Server) -> None:
        """Slots are held by exactly the attempts that an executor has, and requested for exactly what is ready."""
        stored = self._store.runs[run_id]
        run = server.runs[run_id]
        active = {
            (run_id, key)
            for key, row in stored.by_key.items()
            if row.state in ACTIVE and isinstance(node := run.node(key.task), TaskNode) and not node.host
        }
        held = {slot for slot in self._store.held if slot[0] == run_id}
        assert active == held, f"active and held differ: {active ^ held}"
        by_task = Counter(key.task for _, key in active)
        is_running = run.row.state is RunState.RUNNING
        for name, node in run.nodes.items():
            held_here, asked = server.admission.counts(run_id, name)
            assert held_here == by_task[name], f"admission miscounts {name}"
            wanted = node.ready if is_running else 0
            assert asked == wanted, f"{name}: {wanted} ready, {asked} requested"

    def _pools(self) -> None:
        """No pool is overdrawn, and no two task runs share a concurrency key."""
        used: Counter[str] = Counter()
        for run_id, key in self._store.held:
            stored = self._store.runs[run_id]
            node = _node_of(self._pipeline, stored, key)
            if node is None:
                continue
            for claim in node.policy.pools:
                used[claim.pool] += claim.slots
            if node.policy.concurrency_key:
                used["key"] += 1
        for pool, limit in (*POOLS.items(), ("key", 1)):
            assert used[pool] <= limit, f"{used[pool]} slots of {pool} are held, and it has {limit}"

    def _budgets(self, stored: StoredRun) -> None:
        """Retries are spent by failures alone, and never more of them than granted."""
        spent = _spent(stored)
        for key, row in stored.by_key.items():
            node = _node_of(self._pipeline, stored, key)
            granted = node.policy.retry.times if node is not None and node.policy.retry is not None else 0
            assert row.retries <= granted, f"{key} was retried {row.retries} times of {granted}"
            assert spent[key, "retry"] == row.retries, f"{key}: {row.retries} retries in its row, others in the log"
            assert spent[key, "infrastructure"] == row.losses, (
                f"{key}: {row.losses} losses in its row, others in the log"
            )

    def _teardowns(self, stored: StoredRun) -> None:
        """What was set up is torn down, cancelled or not, unless a person forbade just that."""
        for node in self._pipeline.nodes:
            if node.rule != "teardown":
                continue
            for key, row in stored.by_key.items():
                if key.task != node.upstream[0].source or row.state is not TaskState.SUCCEEDED:
                    continue
                teardown = stored.by_key.get(TaskKey(node.id, key.map_index))
                assert teardown is not None, f"{key} was never torn down"
                # What a person had forbidden in the origin is taken over with the setup that stands since then.
                was_forbidden = teardown.marked is not None or teardown.reason == FORBIDDEN or teardown.reused_from
                did_run = teardown.state in (TaskState.SUCCEEDED, TaskState.FAILED) or teardown.reason == NOTHING_TO_DO
                assert did_run or was_forbidden, f"{key} was not torn down: {teardown}"

    def _compare(self, live: Run, stored: StoredRun, server: Server) -> None:
        seen = snapshot(live)
        origin = server.origins.get(stored.run.run_id, ())
        restored, _ = restore(self._pipeline, stored, origin)
        found = differences(seen, snapshot(restored))
        assert not found, "restored differs from live:\n" + "\n".join(found[:20])
        folded = new_run(self._pipeline, _queued(stored.run), origin)
        for fact in stored.facts:
            evolve(folded, fact)
        if not live.taken_over:
            folded.taken_over = {}
        found = differences(seen, snapshot(folded))
        assert not found, "the fold of the facts differs from live:\n" + "\n".join(found[:20])
        rows = {TaskKey(row.task, row.map_index): row for row in drain_rows(folded).tasks}
        assert rows == stored.by_key, f"rows and facts differ: {_unequal(rows, stored.by_key)}"


ENDS = (f.Succeeded, f.Failed, f.Skipped, f.UpstreamFailed, f.Cancelled)


def _spent(stored: StoredRun) -> Counter[tuple[TaskKey, str]]:
    """What attempts have spent, by the log. A body that goes on has all of its losses back when a step of it ends."""
    over: set[TaskKey] = set()
    spent: Counter[tuple[TaskKey, str]] = Counter()
    bodies = {step.task: step.body for step in stored.steps}
    for fact in stored.facts:
        if isinstance(fact, f.AttemptEnded):
            spent[fact.key, fact.spends] += 1
        elif isinstance(fact, ENDS):
            over.add(fact.key)
            if fact.task in bodies and (body := TaskKey(bodies[fact.task], fact.map_index[:-1])) not in over:
                del spent[body, "infrastructure"]
    return spent


def _queued(row: RunRow) -> RunRow:
    return msgspec.structs.replace(
        row,
        state=RunState.QUEUED,
        started_us=0,
        finished_us=0,
        outcome=None,
        cancel_requested=False,
        error=None,
        reason="",
    )


def _node_of(pipeline: Pipeline, stored: StoredRun, key: TaskKey) -> TaskNode | None:
    for node in pipeline.nodes:
        if node.id == key.task:
            return node if isinstance(node, TaskNode) else None
    for step in stored.steps:
        if step.task == key.task:
            return msgspec.msgpack.decode(step.node, type=TaskNode)
    return None


def _unequal(one: dict[TaskKey, TaskRow], other: dict[TaskKey, TaskRow]) -> list[str]:
    return [f"{key}: {one.get(key)} / {other.get(key)}" for key in {*one, *other} if one.get(key) != other.get(key)]
