"""The machine under random inputs: whatever comes, in whatever order, the laws hold.

1. `decide` changes nothing without a fact: the fold of its facts is the run.
2. The rows it writes are enough: a machine restored from them is in the same state.
3. A task run moves along the legal transitions only, and ends once.
4. What is requested of admission is what is ready.
5. No report, however wrong, raises.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulation.laws import LogLaws
from tests.unit.engine.driving import Driver, join, mapped, pipeline, retries, task, value
from tests.unit.engine.snapshots import differences, snapshot
from toque.engine import inputs as i
from toque.engine.restore import restore
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo, TaskKey, Token
from toque.graph.expr import Const, Ref
from toque.graph.ir import Axis, CodeRef, Edge, Guard, MapNode, Pipeline, TaskNode, TaskPolicy

STEP = TaskNode(id="flow/s", code=CodeRef(module="m", qualname="s"), policy=retries(1, delay_s=1))


def everything() -> Pipeline:
    """A pipeline with one of each."""
    down = task("down", "up", "use", rule="teardown", teardown_of="up")
    group = [
        MapNode(
            id="g[]",
            axes=(Axis(source=Const(value=[1, 2])),),
            upstream=(Edge(source="a"),),
            result=Ref(node="gy"),
            tolerate=1,
        ),
        task("gx", scope="g[]", lengths=((),)),
        *mapped("n", Ref(node="gx"), after=("gx",), scope="g[]"),
        task("gy", "n[]", scope="g[]"),
    ]
    chained = Axis(source=Ref(node="m"), chained=True)
    return pipeline(
        task("a", exports=((),), lengths=((),), policy=retries(1, delay_s=1)),
        task("yes", "a", guards=(Guard(node="a", export=0, test="equals", values=(True,)),)),
        task("no", "a", guards=(Guard(node="a", export=0, test="differs", values=(True,)),)),
        join("either", "yes", "no"),
        mapped("m", Ref(node="a"), after=("a",), tolerate=1, policy=TaskPolicy(deadline_s=50)),
        mapped("c", chained, member_after=("m",), tolerate=0.5),
        group,
        task("up"),
        task("use", "up"),
        down,
        task("rescue", "use", rule="one_failed"),
        task("flow", kind="flow", policy=retries(1)),
        task("page", hook="on_failure"),
        task("cheer", hook="on_success"),
        deadline_s=300,
    )


class Machine(RuleBasedStateMachine):
    """Drives a run by random inputs."""

    @initialize()
    def start(self) -> None:
        self.d = Driver(everything())
        self.laws = LogLaws()
        self.read = 0

    def feed(self, given: i.AnyInput) -> None:
        self.d.feed(given)

    # -- admission and executors

    @rule(data=st.data())
    def grant(self, data: Any) -> None:
        wanted = sorted(name for name, count in self.d.wanted.items() if count > 0)
        if wanted:
            name = data.draw(st.sampled_from(wanted))
            self.d.grant(name, data.draw(st.integers(1, self.d.wanted[name])))

    @rule(
        data=st.data(),
        kind=st.sampled_from(["started", "good", "good", "bad", "timeout", "skip", "defer", "lost", "back", "stopped"]),
    )
    def report(self, data: Any, kind: str) -> None:
        active = self.d.run.active()
        if not active:
            return
        key, attempt, token = data.draw(st.sampled_from(active))
        of = {"run_id": "r", "task": key.task, "map_index": key.map_index, "attempt": attempt, "token": token}
        now = self.d.now
        error = ErrorInfo(kind="transient", type="E", message="m", retryable=data.draw(st.booleans()))
        match kind:
            case "started":
                self.feed(i.AttemptStarted(**of, started_us=now))
            case "good":
                lengths, exports = (data.draw(st.integers(0, 3)),), (data.draw(st.booleans()),)
                self.feed(
                    i.AttemptSucceeded(
                        **of, started_us=now, finished_us=now, result=value(), lengths=lengths, exports=exports
                    )
                )
            case "bad" | "timeout":
                self.feed(i.AttemptFailed(**of, finished_us=now, error=error, timed_out=kind == "timeout"))
            case "skip":
                self.feed(i.AttemptSkipped(**of, finished_us=now, reason="nothing"))
            case "defer":
                self.feed(i.AttemptDeferred(**of, finished_us=now, resume_after_s=2, handle="h"))
            case "lost":
                blameless = data.draw(st.booleans())
                self.feed(i.AttemptLost(**of, finished_us=now, reason="killed", blameless=blameless))
            case "back":
                self.feed(i.AttemptReturned(**of))
            case _:
                self.feed(i.AttemptCancelled(**of, finished_us=now))

    @rule(
        task_id=st.sampled_from(["a", "m", "m[]", "gx", "flow/s", "nobody"]),
        index=st.lists(st.integers(0, 4), max_size=3),
        token=st.integers(0, 60),
    )
    def stray_report(self, task_id: str, index: list[int], token: int) -> None:
        self.feed(
            i.AttemptLost(
                run_id="r",
                task=task_id,
                map_index=tuple(index),
                attempt=1,
                token=Token(0, token),
                finished_us=1,
                reason="",
            )
        )

    # -- time

    @rule(seconds=st.sampled_from([0.5, 2, 30, 120]))
    def time_passes(self, seconds: float) -> None:
        self.d.pass_time(seconds)
        for kind in ("retry", "deferred", "sleep", "deadline"):
            for name, node in list(self.d.run.nodes.items()):
                for lane in list(node.lanes.values()):
                    if kind == "deadline" and lane.deadline_us:
                        self.d.timer(kind, name, *lane.path)
                    for index in list(lane.live):
                        self.d.timer(kind, name, *lane.key_of(index))
        self.d.timer("run_deadline")

    # -- flows

    def _body(self) -> Any:
        row = self.d.run.task_run(TaskKey("flow"))
        return row if row is not None and row.token is not None else None

    @precondition(lambda self: self._body() is not None)
    @rule(occurrence=st.integers(0, 3), sleeps=st.booleans(), digest=st.sampled_from("dde"))
    def step(self, occurrence: int, sleeps: bool, digest: str) -> None:
        self.feed(
            i.StepRequested(
                run_id="r",
                body="flow",
                node=STEP,
                occurrence=occurrence,
                digest=digest,
                sleep_until_us=self.d.now + 1_000_000 if sleeps else 0,
                token=self._body().token,
            )
        )

    @precondition(lambda self: self._body() is not None)
    @rule(seen=st.integers(-1, 2))
    def evict(self, seen: int) -> None:
        self.feed(i.FlowEvicted(run_id="r", body="flow", token=self._body().token, seen=seen))

    # -- people

    @rule(
        name=st.sampled_from(["a", "m", "m[]", "g[]", "gx", "up", "down", "flow", "flow/s", "page", "use"]),
        index=st.lists(st.integers(0, 2), max_size=2),
        state=st.sampled_from([TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED]),
        cancels=st.booleans(),
    )
    def meddle(self, name: str, index: list[int], state: TaskState, cancels: bool) -> None:
        if cancels:
            self.feed(i.Cancel(run_id="r", actor="ana", task=name, map_index=tuple(index)))
        else:
            self.feed(i.Mark(run_id="r", task=name, map_index=tuple(index), state=state, actor="ana"))

    @rule(what=st.sampled_from(["suspend", "resume", "resume", "cancel"]), really=st.integers(0, 3))
    def steer(self, what: str, really: int) -> None:
        if what == "suspend":
            self.feed(i.Suspend(run_id="r", actor="ana"))
        elif what == "resume":
            self.feed(i.Resume(run_id="r", actor="ana"))
        elif not really:
            self.feed(i.Cancel(run_id="r", actor="ana"))

    # -- laws

    @invariant()
    def the_log_is_lawful(self) -> None:
        for fact in self.d.facts[self.read :]:
            self.laws.hold(fact)
        self.read = len(self.d.facts)

    @invariant()
    def what_is_requested_is_ready(self) -> None:
        if self.d.run.row.state is RunState.SUSPENDED:
            return
        for name, node in self.d.run.nodes.items():
            assert self.d.wanted.get(name, 0) == node.ready, name

    def teardown(self) -> None:
        # At the end of each example rather than after each step: it is the whole state that is compared.
        live = snapshot(self.d.run)
        folded = differences(live, snapshot(self.d.refold()))
        assert not folded, "\n".join(folded)
        stored = SimpleNamespace(run=self.d.run_row, tasks=list(self.d.rows.values()), steps=self.d.steps)
        restored = differences(live, snapshot(restore(self.d.pipeline, stored)[0]))
        assert not restored, "\n".join(restored)


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestMachine = Machine.TestCase
