"""A body that is replayed prints and logs what is in its log already: kept out until it gets to something new."""

from __future__ import annotations

from toque.worker.attempt import Attempt
from toque.worker.log import Log, StreamName


class _Silent(Log):
    """Takes everything, writes nothing."""

    def line(self, stream: StreamName, text: str, *, level: str = "", logger: str = "") -> None:
        pass

    def text(self, stream: StreamName, text: str) -> None:
        pass


class Muting:
    """Of one body. What it said after the last recorded answer, before it was lost, may be said twice."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._log = attempt.context.log
        self._until = attempt.spec.steps_ended
        self.told(0)

    def told(self, order: int) -> None:
        """The body is about to be told of the end of that number."""
        is_replay = order < self._until
        self._attempt.context.log = _Silent(self._log.file, self._attempt.env.masker) if is_replay else self._log

    def end(self) -> None:
        """What comes now is about the end of the body."""
        self._attempt.context.log = self._log
