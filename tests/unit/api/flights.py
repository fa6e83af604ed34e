"""A pipeline with one of each kind of node, and runs of it: one that failed, one under way, one that succeeded."""

from __future__ import annotations

from typing import Any

import msgspec

from tests import store_rows as rows
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.run_ids import first_run_id
from toque.engine.states import AttemptOutcome, RunState, TaskState
from toque.engine.values import ErrorInfo, MapIndex, ValueRef
from toque.graph.expr import Const, Gather, Item, ListOf, OutcomeOf, Param, Ref
from toque.graph.ir import (
    Axis,
    CodeRef,
    Concurrency,
    Edge,
    Guard,
    JoinNode,
    MapNode,
    Meta,
    Origin,
    Pipeline,
    PoolClaim,
    RetryPolicy,
    TaskNode,
    TaskPolicy,
)
from toque.graph.schedules import CronRule, Schedule

NOW_US = 1_800_000_000_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
V1, V2 = "v1", "v2"
FAILED = first_run_id(NOW_US - 3 * HOUR) + "failed"
GOOD = first_run_id(NOW_US - 2 * HOUR) + "good"
LIVE = first_run_id(NOW_US - HOUR) + "live"
QUEUED = first_run_id(NOW_US - MINUTE) + "queued"


def code(name: str) -> CodeRef:
    """A function of the project."""
    return CodeRef(module="pipelines.flights", qualname=name, source_hash=name)


PIPELINE = Pipeline(
    name="flights",
    nodes=(
        TaskNode(
            id="months",
            code=code("months"),
            kwargs={"year": Param("year"), "step": Const(1)},
            lengths=((),),
            meta=Meta(doc="All months.", tags=("slow",)),
            origin=Origin(file="flights.py", line=7),
        ),
        MapNode(
            id="fetch[]",
            upstream=(Edge(source="months"),),
            axes=(Axis(source=Ref("months")),),
            result=Ref("fetch"),
            tolerate=0.5,
        ),
        TaskNode(
            id="fetch",
            scope="fetch[]",
            code=code("fetch"),
            kwargs={"month": Item("fetch[]", 0)},
            policy=TaskPolicy(retry=RetryPolicy(times=2), pools=(PoolClaim(pool="api"),)),
        ),
        MapNode(
            id="clean[]",
            axes=(Axis(source=Ref("fetch"), chained=True),),
            result=Ref("clean"),
        ),
        TaskNode(
            id="clean",
            scope="clean[]",
            code=code("clean"),
            upstream=(Edge(source="fetch"),),
            args=(Item("clean[]", 0),),
        ),
        TaskNode(
            id="check.rows",
            code=code("check_rows"),
            upstream=(Edge(source="clean[]"),),
            rule="none_failed",
            kwargs={"rows": Gather("clean[]"), "mixed": ListOf((Ref("months"), Const(2)))},
            exports=((),),
            meta=Meta(group="check"),
        ),
        TaskNode(
            id="publish",
            code=code("publish"),
            upstream=(Edge(source="check.rows", kind="order"),),
            guards=(Guard(node="check.rows", export=0, test="equals", values=(True,)),),
            policy=TaskPolicy(concurrency_key="publish-{year}"),
        ),
        TaskNode(
            id="wait",
            code=code("wait"),
            kwargs={"months": Ref("months", path=(("item", 0),))},
            upstream=(Edge(source="months"),),
        ),
        JoinNode(
            id="best",
            sources=(Ref("publish"), Ref("wait")),
            upstream=(Edge(source="publish"), Edge(source="wait")),
            rule="one_success",
        ),
        TaskNode(
            id="report",
            kind="flow",
            code=code("report"),
            upstream=(Edge(source="best", kind="outcome"),),
            rule="all_done",
            kwargs={"of": OutcomeOf("best")},
        ),
        TaskNode(id="alarm", code=code("alarm"), hook="on_failure"),
    ),
    parameters={"type": "object", "properties": {"year": {"type": "integer", "default": 2013}}},
    concurrency=Concurrency(max_active_runs=2, overlap="queue"),
    schedules=(Schedule(name="daily", rule=CronRule(text="0 7 * * *"), parameters={"year": 2013}),),
    meta=Meta(doc="Flights of a year.\n\nMore about them.", owner="ada", tags=("aviation", "demo")),
)
SMALL = Pipeline(
    name="small",
    nodes=(
        TaskNode(id="only", code=code("only")),
        TaskNode(id="next", code=code("next"), upstream=(Edge(source="only"),)),
    ),
    meta=Meta(doc="Two tasks.", owner="bob"),
)
OLD = msgspec.structs.replace(PIPELINE, nodes=PIPELINE.nodes[:-1], meta=Meta(doc="As it was.", owner="ada"))


def ref(value: Any, codec: str = "json") -> ValueRef:
    """A small value."""
    data = msgspec.json.encode(value)
    return ValueRef(codec=codec, inline=data, size_bytes=len(data), digest=data.decode())


def done(name: str, *index: int, at: int = 0, took: int = SECOND, value: Any = None, **fields: Any) -> TaskRow:
    """A task run that succeeded at its first attempt, `at` after the run's start."""
    given: dict[str, Any] = {
        "state": TaskState.SUCCEEDED,
        "attempt": 1,
        "ready_us": at + 1,
        "dispatched_us": at + 2,
        "started_us": at + 3,
        "finished_us": at + 3 + took,
        "worker": "host:1",
        "result": ref(value) if value is not None else None,
    }
    return rows.task(name, index, **{**given, **fields})


def of(run_id: str, *tasks: TaskRow) -> list[TaskRow]:
    """The same rows, of this run, with its beginning as zero."""
    start_us = RUNS[run_id].started_us

    def moved(row: TaskRow, name: str) -> int:
        value: int = getattr(row, name)
        return value + start_us if value and name != "due_us" else value

    times = ("ready_us", "dispatched_us", "started_us", "finished_us")
    return [msgspec.structs.replace(row, run_id=run_id, **{name: moved(row, name) for name in times}) for row in tasks]


def run(run_id: str, before_us: int, **fields: Any) -> RunRow:
    """A run of `flights` that was created so long ago."""
    created_us = NOW_US - before_us
    given = {"pipeline": "flights", "version": V2, "parameters": {"year": 2013}, "created_us": created_us}
    begun = {"started_us": created_us + SECOND, "logical_us": created_us}
    return rows.run(run_id, **{**given, **begun, **fields})


TIMEOUT = ErrorInfo(kind="transient", type="Timeout", message="no answer", file="flights.py", line=12)
WRONG = ErrorInfo(
    kind="data", type="flights.Wrong", message="13 months", file="flights.py", line=30, retryable=False, sample=[[13]]
)
RUNS = {
    FAILED: run(
        FAILED,
        3 * HOUR,
        state=RunState.FAILED,
        finished_us=NOW_US - 3 * HOUR + MINUTE,
        error=WRONG,
        actor="ada",
        trigger="schedule",
    ),
    GOOD: run(
        GOOD,
        2 * HOUR,
        state=RunState.SUCCEEDED,
        version=V1,
        finished_us=NOW_US - 2 * HOUR + 2 * MINUTE,
        parameters={"year": 2012, "extra": {"$": "tuple", "v": [1, 2]}},
        actor="bob",
    ),
    LIVE: run(LIVE, HOUR, state=RunState.RUNNING, late_us=NOW_US - MINUTE),
    QUEUED: run(QUEUED, MINUTE, state=RunState.QUEUED, started_us=0, trigger="backfill", backfill_id="b1"),
}


def failed_tasks() -> list[TaskRow]:
    """Of the run that failed: a success, one after a retry, one after all retries, one skipped, the rest behind."""
    failed = {"state": TaskState.FAILED, "attempt": 3, "retries": 2, "error": WRONG, "worker": "host:2"}
    never = {"attempt": 0, "dispatched_us": 0, "started_us": 0, "worker": "", "result": None}
    behind = {"state": TaskState.UPSTREAM_FAILED, **never}
    return of(
        FAILED,
        done("months", value=[1, 2, 3, 4], lengths=(4,)),
        done("fetch[]", at=2 * SECOND, took=20 * SECOND, size=4, state=TaskState.FAILED, attempt=0),
        done("fetch", 0, at=2 * SECOND, took=2 * SECOND, value={"rows": 10}),
        done("fetch", 1, at=8 * SECOND, took=2 * SECOND, value={"rows": 20}, attempt=2, retries=1),
        done("fetch", 2, at=16 * SECOND, took=4 * SECOND, **failed),
        done("fetch", 3, at=2 * SECOND, took=SECOND, state=TaskState.SKIPPED, reason="no such month"),
        done("clean[]", at=2 * SECOND, took=30 * SECOND, size=4, state=TaskState.UPSTREAM_FAILED, attempt=0),
        done("clean", 0, at=5 * SECOND, value="a"),
        done("clean", 1, at=11 * SECOND, value="b"),
        done("clean", 2, at=22 * SECOND, **behind),
        done("clean", 3, at=4 * SECOND, **{**behind, "state": TaskState.SKIPPED}),
        done("check.rows", at=32 * SECOND, **behind),
        done("publish", at=33 * SECOND, **behind),
        done("wait", at=2 * SECOND, took=40 * SECOND, state=TaskState.CANCELLED, reason="the run failed"),
        done("best", at=44 * SECOND, **behind),
        done("report", at=45 * SECOND, took=3 * SECOND, value="bad"),
        done("report/note", 0, at=46 * SECOND, value=1),
        done("alarm", at=50 * SECOND),
    )


def failed_attempts() -> list[AttemptRow]:
    """The tries that were followed by another one."""
    start_us = RUNS[FAILED].started_us
    return [
        AttemptRow(
            run_id=FAILED,
            task="fetch",
            map_index=(index,),
            attempt=number,
            outcome=outcome,
            dispatched_us=start_us + number * 5 * SECOND,
            started_us=start_us + number * 5 * SECOND + 1,
            finished_us=start_us + number * 5 * SECOND + SECOND,
            worker="host:9",
            error=error,
        )
        for index, number, outcome, error in (
            (1, 1, AttemptOutcome.TIMED_OUT, TIMEOUT),
            (2, 1, AttemptOutcome.LOST, None),
            (2, 2, AttemptOutcome.FAILED, WRONG),
        )
    ]


def good_tasks() -> list[TaskRow]:
    """Of the run that succeeded: three months."""
    mapped = [done("fetch", n, at=2 * SECOND, took=(n + 1) * SECOND, value={"rows": n}) for n in range(3)]
    cleaned = [done("clean", n, at=6 * SECOND, value="abc"[n]) for n in range(3)]
    return of(
        GOOD,
        done("months", value=[1, 2, 3], lengths=(3,)),
        done("fetch[]", at=2 * SECOND, size=3, attempt=0),
        *mapped,
        done("clean[]", at=2 * SECOND, size=3, attempt=0),
        *cleaned,
        done("check.rows", at=10 * SECOND, value=True, exports=(True,)),
        done("publish", at=12 * SECOND, took=60 * SECOND, value="url"),
        done("wait", at=2 * SECOND, value=1),
        done("best", at=80 * SECOND, took=0, value="url", attempt=0),
        done("report", at=81 * SECOND, value="good"),
    )


def live_tasks() -> list[TaskRow]:
    """Of the run under way: one in each state that is not an end."""

    def begun(name: str, *index: int, state: TaskState, **fields: Any) -> TaskRow:
        return done(name, *index, **{"state": state, "finished_us": 0, **fields})

    return of(
        LIVE,
        done("months", value=[1, 2, 3, 4], lengths=(4,)),
        begun("fetch[]", state=TaskState.RUNNING, size=4, attempt=0, dispatched_us=0),
        begun("fetch", 0, state=TaskState.RUNNING),
        begun("fetch", 1, state=TaskState.RETRYING, error=TIMEOUT, due_us=NOW_US + MINUTE),
        begun("fetch", 2, state=TaskState.READY, attempt=0, dispatched_us=0, started_us=0, worker=""),
        begun("fetch", 3, state=TaskState.DISPATCHED, started_us=0, worker="host:4"),
        begun("clean[]", state=TaskState.RUNNING, size=4, attempt=0, dispatched_us=0),
        begun("wait", state=TaskState.DEFERRED, due_us=NOW_US + 2 * MINUTE),
    )


def index(text: str) -> MapIndex:
    """`3.1` as (3, 1)."""
    return tuple(map(int, text.split("."))) if text else ()
