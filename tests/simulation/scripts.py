"""Scripts: how user code behaves, fixed by the seed, so that every disturbance must be invisible."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from toque.engine.values import ErrorInfo, MapIndex
from toque.graph.ir import TaskNode

Act: TypeAlias = Literal["succeed", "fail", "fatal", "time_out", "skip", "defer"]

ERRORS: dict[str, ErrorInfo] = {
    "fail": ErrorInfo(kind="transient", type="OSError", message="not now"),
    "fatal": ErrorInfo(kind="data", type="DataError", message="bad rows", retryable=False),
    "time_out": ErrorInfo(kind="transient", type="Timeout", message="took too long"),
}


@dataclass(frozen=True)
class Script:
    """What the attempts of one task run do, in turn. Attempts that are lost or given back do not count."""

    acts: tuple[Act, ...]
    lengths: tuple[int, ...]
    exports: tuple[bool | int | str, ...]

    def act(self, position: int) -> Act:
        """The act after `position` failed or deferred attempts; the last one repeats."""
        return self.acts[min(position, len(self.acts) - 1)]

    def ends(self, retries: int) -> str:
        """The state that a task run with so many retries must end in."""
        for act in self.acts:
            if act == "succeed":
                return "succeeded"
            if act == "skip":
                return "skipped"
            if act == "fatal":
                return "failed"
            if act != "defer":
                if not retries:
                    return "failed"
                retries -= 1
        # The last act repeats: failures use the retries up, deferrals the deadline.
        return "failed"


_ENDLESS: tuple[Act, ...] = ("defer",)
_TROUBLES: tuple[tuple[Act, ...], ...] = (
    ("fail", "succeed"),
    ("fail", "fail", "succeed"),
    ("time_out", "succeed"),
    ("defer", "succeed"),
    ("defer", "fail", "defer", "succeed"),
    ("fatal",),
    ("fail",),
    ("skip",),
    ("defer", "skip"),
)


def script_of(seed: int, node: TaskNode, index: MapIndex) -> Script:
    """The script of one task run."""
    rng = Random(f"{seed}/{node.id}/{index}")
    acts: tuple[Act, ...] = ("succeed",)
    if node.policy.deadline_s is not None:
        acts = _ENDLESS
    elif node.meta.doc == "steady":
        pass
    elif rng.random() < 0.35:
        acts = rng.choice(_TROUBLES)
    lengths = tuple(rng.choice((0, 1, 2, 3, 4)) for _ in node.lengths)
    exports = tuple(rng.choice((True, False)) for _ in node.exports)
    return Script(acts=acts, lengths=lengths, exports=exports)


def retries_of(node: TaskNode) -> int:
    """How many retries the node grants."""
    return node.policy.retry.times if node.policy.retry is not None else 0
