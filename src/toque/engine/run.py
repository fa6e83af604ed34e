"""The run machine: `decide(run, input)` returns the facts and effects of one input; `evolve` makes facts true.

`decide` changes a run through `evolve` only, so the fold of its facts is the run. Read `transitions.py` first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from toque.engine import inputs as i
from toque.engine.cancelling import on_cancel
from toque.engine.cascade import settle
from toque.engine.commands import on_admitted, on_mark, on_resume, on_start, on_suspend, on_timer
from toque.engine.effects import Acknowledge, AnyEffect, ReturnGrants
from toque.engine.eviction import on_evicted
from toque.engine.evolve import evolve
from toque.engine.facts import AnyFact
from toque.engine.lateness import on_late
from toque.engine.reports import on_report
from toque.engine.reuse import plan_reuse
from toque.engine.rows import RunRow, TaskRow
from toque.engine.state import Run
from toque.engine.steps import on_step_requested
from toque.engine.transitions import ACCEPTED
from toque.engine.turn import Turn
from toque.engine.values import TaskKey
from toque.graph.ir import Pipeline

__all__ = ["Decision", "Run", "decide", "evolve", "new_run"]


class Decision(NamedTuple):
    """What an input led to."""

    facts: list[AnyFact]
    effects: list[AnyEffect]


def new_run(pipeline: Pipeline, row: RunRow, reuse: Sequence[TaskRow] = ()) -> Run:
    """A queued run. `reuse`: the task rows of `row.origin_run` (all of them), for a rerun or a retry from failure;
    `row.reuse` names the nodes that run anew in any case."""
    run = Run(pipeline, row)
    plan_reuse(run, reuse)
    return run


def decide(run: Run, input: i.AnyInput, now_us: int) -> Decision:  # noqa: A002
    """What becomes true and what is to be done because of `input`. Never raises for what comes from outside."""
    turn = Turn(run, now_us)
    kind = type(input)
    if isinstance(input, i.TimerFired) and input.kind == "run_late":
        on_late(turn)  # in the queue as well, and nothing follows from it
    elif run.row.state not in ACCEPTED[kind]:
        _refuse(turn, input)
    else:
        _HANDLERS[kind](turn, input)
        settle(turn)
        if kind is i.Start:
            # What was to be taken over has been: it depends on nothing but what was, too.
            run.taken_over.clear()
    return Decision(turn.facts, turn.effects)


def _refuse(turn: Turn, refused: i.AnyInput) -> None:
    if isinstance(refused, i.TimerFired):
        return
    name = str(refused.__struct_config__.tag)
    task, index = getattr(refused, "task", ""), getattr(refused, "map_index", ())
    turn.reject(name, f"the run is {turn.run.row.state}", task, index)
    if isinstance(refused, i.Report):
        turn.effects.append(Acknowledge(key=refused.key, attempt=refused.attempt, token=refused.token))
    elif isinstance(refused, i.FlowEvicted):
        key = TaskKey(refused.body, refused.body_index)
        turn.effects.append(Acknowledge(key=key, attempt=0, token=refused.token))
    elif isinstance(refused, i.Admitted):
        turn.effects.append(ReturnGrants(task=refused.task, tokens=refused.tokens))


_HANDLERS: dict[type, Callable[[Turn, Any], None]] = {
    i.Start: on_start,
    i.Admitted: on_admitted,
    i.TimerFired: on_timer,
    i.Cancel: on_cancel,
    i.Mark: on_mark,
    i.Suspend: on_suspend,
    i.Resume: on_resume,
    i.StepRequested: on_step_requested,
    i.FlowEvicted: on_evicted,
    i.AttemptStarted: on_report,
    i.AttemptSucceeded: on_report,
    i.AttemptFailed: on_report,
    i.AttemptSkipped: on_report,
    i.AttemptDeferred: on_report,
    i.AttemptCancelled: on_report,
    i.AttemptReturned: on_report,
    i.AttemptLost: on_report,
}
