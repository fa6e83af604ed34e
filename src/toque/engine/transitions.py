"""The laws of a run as tables. Read this first; `states.py` has the legal moves of task runs and runs.

1. A task run leaves `waiting` when its trigger rule says so, and a rule sees nothing but counters: how many
   upstreams ended `ok`, `failed` (failed, upstream_failed, cancelled) and `skipped`.
2. A rule fires as soon as its needs hold. That it never will is decided when *all* upstreams have ended, and
   failure goes before skipping, so that no outcome depends on the order in which things happen.
3. An upstream on an `outcome` edge counts as ok however it ended. One on a `gate` edge is not counted: it must have
   succeeded before the rule is asked. A guard that says no skips at once.
4. An input that a run does not accept in its state becomes a `Rejected` fact.

`rules.py` interprets the first table, `run.py` the second.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from toque.engine import inputs
from toque.engine.states import RunState, TaskState
from toque.graph.ir import TriggerRule

Counted: TypeAlias = Literal["ok", "failed", "skipped", "done", "setup"]
"""`done` is the sum of the first three; `setup` is 1 when the first upstream succeeded."""


class Need(NamedTuple):
    """`counted` of *all*, at least *one*, or *none* of the upstreams."""

    counted: Counted
    share: Literal["all", "one", "none"]


class Rule(NamedTuple):
    """All `needs` fulfilled: start. All upstreams done and they are not: end as `unmet` says."""

    needs: tuple[Need, ...]
    unmet: Literal["blocked", "skipped"]
    """`blocked`: upstream_failed if an upstream failed, else skipped. `skipped`: skipped in any case."""


_ALL_OK = Need("ok", "all")
_ALL_DONE = Need("done", "all")
_NONE_FAILED = Need("failed", "none")

RULES: dict[TriggerRule, Rule] = {
    "all_success": Rule((_ALL_OK,), "blocked"),
    "all_done": Rule((_ALL_DONE,), "skipped"),
    "all_failed": Rule((Need("failed", "all"),), "skipped"),
    "one_success": Rule((Need("ok", "one"),), "blocked"),
    "one_failed": Rule((Need("failed", "one"),), "skipped"),
    "one_done": Rule((Need("done", "one"),), "skipped"),
    "none_failed": Rule((_ALL_DONE, _NONE_FAILED), "blocked"),
    "none_failed_min_one_success": Rule((_ALL_DONE, _NONE_FAILED, Need("ok", "one")), "blocked"),
    "none_skipped": Rule((_ALL_DONE, Need("skipped", "none")), "skipped"),
    "all_skipped": Rule((Need("skipped", "all"),), "skipped"),
    "always": Rule((), "skipped"),
    "teardown": Rule((_ALL_DONE, Need("setup", "one")), "skipped"),
}
"""Trigger rules. A node without upstream starts whatever its rule says."""

RESCUING: frozenset[TriggerRule] = frozenset({"all_failed", "one_failed"})
"""A failed task run is handled by a downstream of such a rule that succeeded (or by an `outcome` edge)."""

_Q, _R, _S = RunState.QUEUED, RunState.RUNNING, RunState.SUSPENDED
_WHILE_ACTIVE = frozenset({_R, _S})

ACCEPTED: dict[type[inputs.AnyInput], frozenset[RunState]] = {
    inputs.Start: frozenset({_Q}),
    inputs.Admitted: _WHILE_ACTIVE,
    inputs.TimerFired: _WHILE_ACTIVE,
    inputs.Cancel: frozenset({_Q, _R, _S}),
    inputs.Mark: _WHILE_ACTIVE,
    inputs.Suspend: frozenset({_R}),
    inputs.Resume: frozenset({_S}),
    inputs.StepRequested: _WHILE_ACTIVE,
    inputs.FlowEvicted: _WHILE_ACTIVE,
    inputs.AttemptStarted: _WHILE_ACTIVE,
    inputs.AttemptSucceeded: _WHILE_ACTIVE,
    inputs.AttemptFailed: _WHILE_ACTIVE,
    inputs.AttemptSkipped: _WHILE_ACTIVE,
    inputs.AttemptDeferred: _WHILE_ACTIVE,
    inputs.AttemptCancelled: _WHILE_ACTIVE,
    inputs.AttemptReturned: _WHILE_ACTIVE,
    inputs.AttemptLost: _WHILE_ACTIVE,
}
"""In which states a run accepts which inputs."""

MARKABLE: frozenset[TaskState] = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED})
"""What a person may declare."""

INFRASTRUCTURE_BUDGET = 3
"""How often an attempt may be lost with its worker, begun or being started, before the task run fails. A flow that got
further since (a step of it ended) has all of it again."""
