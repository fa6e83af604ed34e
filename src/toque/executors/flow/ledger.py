"""The ledger of one body: what it asked for, and what it has been told, strictly in the recorded order.

Steps that ended are numbered 1, 2, 3, … by the engine. A body is told number n + 1 only after it has done all
that number n made it do. Whether the answers come one by one, as the steps end, or all at once, from a record,
the body therefore goes the same way.

Why it never waits in vain: when step n + 1 ended, the body had asked for it, knowing at most the answers 1 … n.
So a body that repeats itself has asked for it again once it has been told n and has nothing left to do. If it
has not, it is not the body that wrote the record. This does not notice a body that asks for *more* than before
without leaving anything out, nor changes after the last recorded step; neither contradicts the record.
"""

from __future__ import annotations

from toque.engine.effects import AnswerStep
from toque.engine.values import TaskKey


class Ledger:
    """Requests and answers. Used by one thread."""

    def __init__(self) -> None:
        self.told = 0
        """The last answer that the body was given."""
        self._open: dict[TaskKey, None] = {}
        self._held: dict[int, AnswerStep] = {}
        self._diverged: list[AnswerStep] = []
        self._probes = 0
        self._probed_at = -1
        """What had been told when the last probe was sent."""
        self._probe_answered = False

    @property
    def open(self) -> list[TaskKey]:
        """Steps that the body asked for and knows no end of, in the order of the requests."""
        return list(self._open)

    def ask(self, step: TaskKey) -> None:
        """The body asks for a step."""
        self._open[step] = None

    def unask(self, step: TaskKey) -> None:
        """The request was never sent: nobody waits for it any more."""
        self._open.pop(step, None)

    def hold(self, answer: AnswerStep) -> None:
        """An answer arrived. One that arrives twice is kept once."""
        if answer.diverged:
            self._diverged.append(answer)
            return
        if answer.probe and answer.probe == self._probes:
            self._probe_answered = True
        if answer.order > self.told:
            self._held[answer.order] = answer

    def take(self) -> AnswerStep | None:
        """The answer that the body is to be told next, if it has come (a contradiction first)."""
        if self._diverged:
            contradiction = self._diverged.pop(0)
            self._open.pop(contradiction.step, None)
            return contradiction
        answer = self._held.get(self.told + 1)
        if answer is None or answer.step not in self._open:
            return None
        del self._held[answer.order]
        del self._open[answer.step]
        self.told += 1
        return answer

    def missing(self) -> str:
        """Asked when the body has nothing left to do: how it contradicts its record, or "".

        Either the next answer is here but was not asked for, or a later one is here and the next is not even
        on its way (`probe` makes sure of that).
        """
        following = self._held.get(self.told + 1)
        if following is not None:
            return f"it did not ask for {following.step}, which ended next in the record"
        if self._probe_answered and self._probed_at == self.told:
            return f"it left out the step whose end is number {self.told + 1} in the record"
        return ""

    def probe(self) -> tuple[TaskKey, int] | None:
        """A step to be asked for again, and the number of that request, because answers after the next one are here.

        Requests are answered in their order, so once the answer with that number is here, all that was asked before
        has been answered too, if it had an answer. The number matters: an answer to an earlier request for the same
        step says nothing of what was asked since. None if there is no gap, or it is being probed.
        """
        if not self._held or self._probed_at == self.told:
            return None
        step = self._held[min(self._held)].step
        if step not in self._open:
            return None
        self._probes += 1
        self._probed_at, self._probe_answered = self.told, False
        return step, self._probes
