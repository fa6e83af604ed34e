"""Deciding: what each message of the inbox means for the runs of this process. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from toque.engine.inputs import AttemptLost
from toque.engine.lateness import late_timers
from toque.engine.restore import restore
from toque.engine.run import Decision, decide, new_run
from toque.engine.states import RunState
from toque.engine.values import Token
from toque.ports.executor import Executor
from toque.runtime.batch import Batch
from toque.runtime.granting import Granting
from toque.runtime.messages import Adopt, Launch, Message, Ordered, SlotsUsed
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import OwnedRun


class Deciding:
    """The machines of the runs that this process owns."""

    def __init__(
        self,
        instance: str,
        executors: Mapping[str, Executor],
        options: RuntimeOptions,
        new_token: Callable[[], Token],
        void: Callable[[Message], None],
    ) -> None:
        self.runs: dict[str, OwnedRun] = {}
        self.granting = Granting(self.runs, executors, options)
        self._instance = instance
        self._new_token = new_token
        self._void = void
        self._lost: list[str] = []

    def decide_all(self, batch: Batch, messages: list[Message], *, grant: bool) -> None:
        """Decide `messages` in order; with `grant`, hand out what there is room for."""
        while self._lost:
            self.granting.over(batch, self._lost.pop())
        for message in messages:
            self._decide(batch, message)
        if grant:
            self.granting.grant(batch, self._new_token)

    def disown(self, run_id: str) -> OwnedRun | None:
        """Another instance owns the run now."""
        self._lost.append(run_id)
        return self.runs.pop(run_id, None)

    def _decide(self, batch: Batch, message: Message) -> None:
        match message:
            case Launch():
                if message.row.run_id not in self.runs:
                    self._launch(batch, message)
            case Adopt():
                if message.stored.run.run_id not in self.runs:
                    self.take_in(batch, message, alive=False)
            case Ordered():
                batch.commands_done.append(message.command)
                self._decide(batch, message.input)
            case SlotsUsed():
                self.granting.used_elsewhere(message.pools)
            case _:
                owned = self.runs.get(message.run_id)
                if owned is None:
                    self._void(message)
                    return
                self.granting.step(batch, owned, decide(owned.machine, message, batch.now_us))

    def _launch(self, batch: Batch, launch: Launch) -> None:
        row = msgspec.structs.replace(launch.row, owner=self._instance)
        owned = OwnedRun(new_run(launch.pipeline, row, launch.reuse), launch.pipeline, launch.bundle)
        self.runs[row.run_id] = owned
        self.granting.step(batch, owned, Decision([], late_timers(owned.machine)))
        self.granting.starting.request(batch, owned)

    def take_in(self, batch: Batch, adopt: Adopt, *, alive: bool) -> OwnedRun:
        """Bring a stored run into memory. `alive`: its attempts still run under this instance's executors."""
        machine, effects = restore(adopt.pipeline, adopt.stored, adopt.reuse)
        owned = OwnedRun(machine, adopt.pipeline, adopt.bundle)
        self.runs[machine.row.run_id] = owned
        self.granting.restore(batch, owned, effects)
        if alive:
            return owned
        batch.add(owned, [])
        for key, attempt, token in machine.active():
            lost = AttemptLost(
                run_id=machine.row.run_id,
                task=key.task,
                map_index=key.map_index,
                attempt=attempt,
                token=token,
                finished_us=batch.now_us,
                reason="the process that owned the run ended",
                blameless=True,
            )
            self.granting.step(batch, owned, decide(machine, lost, batch.now_us))
        if machine.row.state is RunState.QUEUED:
            self.granting.starting.request(batch, owned)
        return owned


def run_of(message: Message) -> str:
    """The run that a message is about."""
    match message:
        case Launch():
            return message.row.run_id
        case Adopt():
            return message.stored.run.run_id
        case Ordered():
            return message.input.run_id
        case SlotsUsed():
            return ""
        case _:
            return message.run_id
