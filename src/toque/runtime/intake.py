"""The intake: what executors deliver goes into the inbox, what was committed goes out to listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from toque.engine.facts import AnyFact
from toque.engine.inputs import AnyInput, AttemptStarted
from toque.ports.executor import Signal
from toque.ports.store import Commit
from toque.runtime.batch import Batch
from toque.runtime.inbox import Inbox
from toque.runtime.messages import Message
from toque.runtime.owned import OwnedRun

Listener = Callable[[OwnedRun, Sequence[AnyFact]], None]
CommitListener = Callable[[Mapping[str, OwnedRun], Commit], None]
"""Called with the runs that a transaction touched, by id, and with what it wrote. The rows are the caller's to keep."""


class Intake:
    """The `Sink` of executors. Everything here happens on the loop's thread and never blocks."""

    def __init__(self, inbox: Inbox[Message], quiet_s: float) -> None:
        self._inbox = inbox
        self._quiet_s = quiet_s
        self._listeners: list[Listener] = []
        self._signal_listeners: list[Callable[[Signal], None]] = []
        self._commit_listeners: list[CommitListener] = []

    def report(self, report: AnyInput) -> None:
        """See `Sink.report`; requests of flow hosts come this way too."""
        if isinstance(report, AttemptStarted):
            # Nothing follows from it: it shares the transaction of what comes next, which mostly is its end.
            self._inbox.put_quietly(report, self._quiet_s)
        else:
            self._inbox.put(report)

    def signal(self, signal: Signal) -> None:
        """See `Sink.signal`: progress, metrics and artifacts are no facts, and go straight to listeners."""
        for listener in self._signal_listeners:
            listener(signal)

    def capacity_changed(self) -> None:
        """See `Sink.capacity_changed`."""
        self._inbox.wake()

    def listen(self, listener: Listener | None, on_signal: Callable[[Signal], None] | None = None) -> None:
        """Call `listener` with the facts of each run after each commit, `on_signal` with each signal."""
        if listener is not None:
            self._listeners.append(listener)
        if on_signal is not None:
            self._signal_listeners.append(on_signal)

    def listen_commits(self, listener: CommitListener) -> None:
        """Call `listener` after each commit."""
        self._commit_listeners.append(listener)

    def publish(self, batch: Batch) -> None:
        """Tell of what became true, now that it is durable."""
        if batch.written is not None:
            for on_commit in self._commit_listeners:
                on_commit(batch.touched, batch.written)
        for owned, facts in batch.facts():
            for listener in self._listeners:
                listener(owned, facts)
