"""Requests: what a run asks of admission for a task, from the policy of its node."""

from __future__ import annotations

import re
from collections.abc import Callable

from toque.engine.admission import Request
from toque.engine.lines import Claim
from toque.engine.state import Run
from toque.graph.ir import TaskNode

LimitOf = Callable[[str], int | None]
"""Slots of a pool by name; None: it has no limit here."""
PoolOf = Callable[[str], str]
"""The pool that a claim means here: profiles bind a connection to what it opens, and the graph knows its name only."""


def request_of(
    run: Run, task: str, count: int, limit_of: LimitOf, executor: str = "", *, pool_of: PoolOf = str
) -> Request:
    """The request for `count` slots of `task`. `executor`: what has the capacity, if not the node's own executor."""
    node = run.node(task)
    if not isinstance(node, TaskNode):
        raise TypeError(f"{task} runs on no executor")
    return Request(
        run_id=run.row.run_id,
        task=task,
        count=count,
        priority=run.row.priority + node.policy.priority,
        executor=executor or ("flow" if node.kind == "flow" else node.policy.executor),
        claims=claims_of(run, node, limit_of, pool_of),
    )


def claims_of(run: Run, node: TaskNode, limit_of: LimitOf, pool_of: PoolOf = str) -> tuple[Claim, ...]:
    """The slots of one attempt. A concurrency key is a pool of one slot, named for its value."""
    wanted: dict[str, int] = {}
    for claim in node.policy.pools:
        pool = pool_of(claim.pool)
        wanted[pool] = max(claim.slots, wanted.get(pool, 0))  # two connections may open one file
    claims = [
        Claim(pool=pool, slots=slots, limit=limit)
        for pool, slots in wanted.items()
        if (limit := limit_of(pool)) is not None
    ]
    if node.policy.concurrency_key is not None:
        claims.append(Claim(pool=f"key:{filled(node.policy.concurrency_key, run)}", slots=1, limit=1))
    return tuple(sorted(claims, key=lambda claim: claim.pool))


def filled(template: str, run: Run) -> str:
    """`template` with `{name}` replaced by the run's parameters."""
    return re.sub(r"\{(\w+)\}", lambda found: str(run.row.parameters.get(found[1], found[0])), template)
