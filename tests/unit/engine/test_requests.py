"""Requests: what the policy of a node means for admission."""

from __future__ import annotations

import pytest

from tests.unit.engine.driving import Driver, mapped, pipeline, task
from toque.engine.lines import Claim
from toque.engine.requests import request_of
from toque.graph.expr import Const
from toque.graph.ir import PoolClaim, TaskPolicy

LIMITS = {"db": 4, "api": 2}


def test_priorities_of_run_and_task_add_up() -> None:
    d = Driver(pipeline(task("a", policy=TaskPolicy(priority=2))), row={"priority": 10})
    assert request_of(d.run, "a", 3, LIMITS.get).priority == 12
    assert request_of(d.run, "a", 3, LIMITS.get).count == 3


def test_pools_are_claimed_with_their_limits() -> None:
    policy = TaskPolicy(pools=(PoolClaim(pool="db", slots=2), PoolClaim(pool="api"), PoolClaim(pool="free")))
    d = Driver(pipeline(task("a", policy=policy)))
    assert request_of(d.run, "a", 1, LIMITS.get).claims == (
        Claim(pool="api", slots=1, limit=2),
        Claim(pool="db", slots=2, limit=4),
    )


def test_a_concurrency_key_is_a_pool_of_one_named_for_its_value() -> None:
    d = Driver(
        pipeline(task("a", policy=TaskPolicy(concurrency_key="load-{customer}-{nope}"))),
        parameters={"customer": "acme"},
    )
    assert request_of(d.run, "a", 1, LIMITS.get).claims == (Claim(pool="key:load-acme-{nope}", slots=1, limit=1),)


@pytest.mark.parametrize(
    ("fields", "executor"),
    [({}, "process"), ({"policy": TaskPolicy(executor="dask")}, "dask"), ({"kind": "flow"}, "flow")],
)
def test_the_executor_is_that_of_the_policy_or_the_flow_host(fields: dict[str, object], executor: str) -> None:
    d = Driver(pipeline(task("a", **fields)))
    assert request_of(d.run, "a", 1, LIMITS.get).executor == executor
    assert request_of(d.run, "a", 1, LIMITS.get, "process:async").executor == "process:async"


def test_what_runs_nowhere_asks_for_nothing() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1]))))
    with pytest.raises(TypeError, match="no executor"):
        request_of(d.run, "m[]", 1, LIMITS.get)
