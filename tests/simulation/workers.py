"""Executors, as models: workers that hold attempts, die, and report late, twice, out of order or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.clockwork import Clockwork
from tests.simulation.faults import Faults
from tests.simulation.flows import Body
from tests.simulation.hosts import Say
from tests.simulation.scripts import ERRORS, Script
from toque.engine import inputs as i
from toque.engine.values import ErrorInfo, TaskKey, Token, ValueRef
from toque.graph.ir import TaskNode

SECOND = 1_000_000


@dataclass
class Order:
    """What is submitted: an attempt and what it will do."""

    run_id: str
    key: TaskKey
    attempt: int
    token: Token
    node: TaskNode
    script: Script
    position: int
    result: ValueRef
    body: Body | None = None
    members: tuple[tuple[str, int], ...] = ()
    """Of a host: what it is told of."""
    says: tuple[Say, ...] = ()
    """What it reports of them."""


@dataclass
class Job:
    """An order in the hands of an executor."""

    order: Order
    worker: int
    state: str = "queued"
    """`queued`, `running`, `over` or `zombie`."""
    report: i.AnyReport | None = None
    acknowledged: bool = False
    said: int = 0
    """How many of `Order.says` are acknowledged."""


@dataclass
class Executor:
    """Workers of one kind. `local` ones die with the server."""

    name: str
    capacity: int
    local: bool
    clock: Clockwork
    rng: Random
    faults: Faults
    deliver: Callable[[Any], None]
    """Hands a report to the server, if there is one."""
    on_start: Callable[[Order], None]
    losses: dict[tuple[str, TaskKey], int] = field(default_factory=dict)
    jobs: dict[Token, Job] = field(default_factory=dict)
    busy: dict[Token, Job] = field(default_factory=dict)
    """Those that are queued or running."""

    def free(self) -> int:
        """How many attempts it would take now."""
        return self.capacity - len(self.busy)

    def submit(self, order: Order) -> None:
        """Take an order; the same one twice is one."""
        if order.token in self.jobs:
            return
        job = self.jobs[order.token] = self.busy[order.token] = Job(order, self.rng.randrange(3))
        self.clock.after(self._delay(), lambda: self._start(job))

    def cancel(self, token: Token) -> None:
        """End an attempt, unless it has ended."""
        job = self.jobs.get(token)
        if job is not None:
            self.clock.after(self._delay(), lambda: self._end_cancelled(job))

    def acknowledge(self, token: Token, key: TaskKey) -> None:
        """The report about `key` is committed."""
        job = self.jobs.get(token)
        if job is None:
            return
        if key == job.order.key:
            job.acknowledged = True
        elif job.said < len(job.order.says) and job.order.says[job.said].key == key:
            job.said += 1
            self.clock.after(self.rng.randint(1, SECOND), lambda: self._say(job))

    def running(self, tokens: list[Token]) -> list[Token]:
        """After a restart of the server: which of these still run or have something to report."""
        return [
            token
            for token in tokens
            if token in self.jobs and self.jobs[token].state != "zombie" and not self.jobs[token].acknowledged
        ]

    def die(self) -> None:
        """Everything here is gone."""
        for job in self.jobs.values():
            job.state, job.acknowledged = "over", True
        self.jobs.clear()
        self.busy.clear()

    def kill_worker(self) -> None:
        """One worker dies: what it ran is lost, what it had not begun is given back."""
        victim = self.rng.randrange(3)
        for job in list(self.busy.values()):
            if job.worker != victim:
                continue
            was_running = job.state == "running"
            self._over(job)
            order = job.order
            if not was_running and self.rng.random() < 0.5:
                self._send(job, i.AttemptReturned(**self._of(order)))
                continue
            owner = order.run_id, order.key
            spent = self.losses.get(owner, 0)
            blameless = spent >= 3 or self.rng.random() < 0.4
            self.losses[owner] = spent + (not blameless)
            self._send(
                job,
                i.AttemptLost(**self._of(order), finished_us=self.clock.now_us, reason="SIGKILL", blameless=blameless),
            )

    def answer(self, answer: Any) -> None:
        """Hand a step's end to the flow that waits for it."""
        job = self.jobs.get(answer.token)
        if job is not None:
            self.clock.after(self._delay(), lambda: self._go_on(job, answer))

    # -- life of a job

    def _start(self, job: Job) -> None:
        if job.state != "queued":
            return
        job.state = "running"
        order = job.order
        self.on_start(order)
        if self.rng.random() >= self.faults.lose_started:
            self._post(i.AttemptStarted(**self._of(order), started_us=self.clock.now_us, worker=f"w{job.worker}"))
        if self.rng.random() < self.faults.zombie and not self.local:
            self._lose_sight(job)
        if order.body is not None:
            self._go_on(job, None)
        elif order.says:
            self._say(job)
        else:
            self.clock.after(self.rng.randint(1, 3 * SECOND), lambda: self._finish(job))

    def _lose_sight(self, job: Job) -> None:
        """The executor takes it for dead, while it goes on and will report."""
        self._over(job, "zombie")
        lost = i.AttemptLost(
            **self._of(job.order), finished_us=self.clock.now_us, reason="no heartbeat", blameless=True
        )
        self._send(job, lost)

    def _say(self, job: Job) -> None:
        """A host reports the next of its members, until that is acknowledged: its reports do not overtake each other.
        One that was given up says all that it has to say, and nobody acknowledges it."""
        says, number = job.order.says, job.said
        if job.state == "zombie":
            for say in says[number:]:
                self._post(self._about_member(job.order, say))
        if number == len(says) or job.state == "zombie":
            self.clock.after(self.rng.randint(1, SECOND), lambda: self._finish(job))
            return
        say = says[number]
        if say.begins and self.rng.random() >= self.faults.lose_started:
            of = {**self._of(job.order), "task": say.key.task, "attempt": say.attempt}
            self._post(i.AttemptStarted(**of, started_us=self.clock.now_us))

        def send() -> None:
            if job.state == "running" and job.said == number:
                self._post(self._about_member(job.order, say))
                self.clock.after(5 * SECOND, send)

        self.clock.after(self.rng.randint(1, SECOND), send)

    def _about_member(self, order: Order, say: Say) -> i.AnyReport:
        of = {**self._of(order), "task": say.key.task, "attempt": say.attempt, "finished_us": self.clock.now_us}
        match say.end:
            case "succeeded":
                made = ValueRef(codec="json", inline=f"{say.key} by {order.key}".encode())
                return i.AttemptSucceeded(**of, started_us=self.clock.now_us, result=made)
            case "failed":
                return i.AttemptFailed(**of, error=ERRORS["fatal"])
            case _:
                return i.AttemptSkipped(**of, reason="nothing to do")

    def _finish(self, job: Job) -> None:
        if job.state == "zombie":
            self._post(self._report(job.order))
        elif job.state == "running":
            self._over(job)
            self._send(job, self._report(job.order))

    def _end_cancelled(self, job: Job) -> None:
        if job.state not in ("queued", "running"):
            return
        was_queued = job.state == "queued"
        self._over(job)
        of = self._of(job.order)
        if was_queued and self.rng.random() < 0.5:
            self._send(job, i.AttemptReturned(**of))
        else:
            self._send(job, i.AttemptCancelled(**of, finished_us=self.clock.now_us))

    def _report(self, order: Order) -> i.AnyReport:
        of, now = self._of(order), self.clock.now_us
        match act := order.script.act(order.position):
            case "succeed":
                return i.AttemptSucceeded(
                    **of,
                    started_us=now,
                    finished_us=now,
                    result=order.result,
                    lengths=order.script.lengths,
                    exports=order.script.exports,
                )
            case "skip":
                return i.AttemptSkipped(**of, finished_us=now, reason="nothing to do")
            case "defer":
                return i.AttemptDeferred(
                    **of, finished_us=now, resume_after_s=self.rng.choice((0.0, 2.0)), handle=str(order.key)
                )
            case _:
                return i.AttemptFailed(**of, finished_us=now, error=ERRORS[act], timed_out=act == "time_out")

    # -- flows

    def _go_on(self, job: Job, answer: Any) -> None:
        body = job.order.body
        if job.state != "running" or body is None:
            return
        if answer is not None:
            body.answer(answer)
        assert not body.broken, body.broken
        body.go_on()
        of, now = self._of(job.order), self.clock.now_us
        if body.done == "succeeded":
            self._over(job)
            self._send(job, i.AttemptSucceeded(**of, started_us=now, finished_us=now, result=job.order.result))
        elif body.done:
            self._over(job)
            error = ErrorInfo(kind="code", type="StepFailed", message="a step failed")
            self._send(job, i.AttemptFailed(**of, finished_us=now, error=error))
        elif self.rng.random() < self.faults.evict:
            self._over(job)
            key = job.order.key
            self._send(
                job,
                i.FlowEvicted(
                    run_id=job.order.run_id,
                    body=key.task,
                    body_index=key.map_index,
                    token=job.order.token,
                    seen=body.seen if self.rng.random() < 0.8 else -1,
                ),
            )

    def _over(self, job: Job, state: str = "over") -> None:
        job.state = state
        self.busy.pop(job.order.token, None)

    # -- messages

    def _send(self, job: Job, report: Any) -> None:
        """Report until the server has acknowledged it."""
        job.report = report

        def resend() -> None:
            if not job.acknowledged:
                self._post(report)
                self.clock.after(5 * SECOND, resend)

        resend()

    def _post(self, report: Any) -> None:
        self.clock.after(self._delay(), lambda: self.deliver(report))
        if self.rng.random() < self.faults.duplicate:
            self.clock.after(self._delay(), lambda: self.deliver(report))

    def _delay(self) -> int:
        slow = self.rng.random() < self.faults.slow_report
        return self.rng.randint(1, 8 * SECOND if slow else SECOND // 50)

    def _of(self, order: Order) -> dict[str, Any]:
        return {
            "run_id": order.run_id,
            "task": order.key.task,
            "map_index": order.key.map_index,
            "attempt": order.attempt,
            "token": order.token,
        }
