"""What attempts tell of data: a fact before the end of the attempt, rows for the store, and nothing else changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.engine.driving import ERROR, Driver, mapped, pipeline, retries, task
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed
from toque.engine.values import TaskKey, ValueRef
from toque.graph.expr import Const

MADE = Materialized(asset="orders", partition="2026-01", data_version="v", rows=3, columns=(("id", "int64"),))
FAILED = Checked(asset="orders", check="not_null(id)", passed=False, failed_rows=2, sample=[{"id": None}])


def told(decision: Any) -> list[AnyAssetEvent]:
    return [event for fact in decision.facts if isinstance(fact, f.AssetsTold) for event in fact.events]


def report(d: Driver, kind: type[Any], name: str, index: tuple[int, ...] = (), **fields: Any) -> Any:
    row = d.run.task_run(TaskKey(name, index))
    assert row is not None
    assert row.token is not None
    shared = {"run_id": "r", "task": name, "map_index": index, "attempt": row.attempt, "token": row.token}
    return d.feed(kind(**shared, started_us=d.now, finished_us=d.now, **fields))


def succeed(d: Driver, name: str, *events: AnyAssetEvent, index: tuple[int, ...] = ()) -> Any:
    result = ValueRef("json", b"null")
    return report(d, i.AttemptSucceeded, name, index, result=result, assets=events)


def test_what_a_success_tells_comes_before_it() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    decision = succeed(d, "a", MADE, FAILED)
    kinds = [type(fact) for fact in decision.facts]
    assert kinds.index(f.AssetsTold) < kinds.index(f.Succeeded)
    assert told(decision) == [MADE, FAILED]


def test_what_a_failure_tells_is_kept_too_and_the_attempt_goes_again() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=5))))
    d.dispatch("a")
    decision = report(d, i.AttemptFailed, "a", error=ERROR, assets=(FAILED,))
    assert told(decision) == [FAILED]
    assert d.state("a") == "retrying"


def test_an_attempt_that_tells_nothing_leaves_no_fact() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    assert not [fact for fact in succeed(d, "a").facts if isinstance(fact, f.AssetsTold)]


def test_a_stale_report_tells_nothing() -> None:
    d = Driver(pipeline(task("a")))
    d.dispatch("a")
    row = d.run.task_run(TaskKey("a"))
    assert row is not None
    assert row.token is not None
    stale = row.token._replace(n=row.token.n + 7)
    decision = d.feed(
        i.AttemptSucceeded(
            run_id="r",
            task="a",
            attempt=1,
            token=stale,
            started_us=1,
            finished_us=2,
            result=ValueRef("json", b"null"),
            assets=(MADE,),
        )
    )
    assert told(decision) == []
    assert d.events == []


def test_each_event_is_a_row_with_its_place() -> None:
    d = Driver(pipeline(mapped("m", Const([1, 2]))))
    d.dispatch("m", 1)
    succeed(d, "m", MADE, Observed(asset="orders", rows=9), index=(1,))
    rows = d.events
    assert [(row.task, row.map_index, row.attempt, row.n, row.kind) for row in rows] == [
        ("m", (1,), 1, 0, "materialized"),
        ("m", (1,), 1, 1, "observed"),
    ]
    assert {(row.run_id, row.pipeline, row.asset) for row in rows} == {("r", "p", "orders")}
    assert [row.partition for row in rows] == ["2026-01", ""]


@pytest.mark.parametrize("event", [MADE, FAILED, Observed(asset="a", metadata={"n": [1]})])
def test_an_event_travels_in_reports_and_in_the_log(event: AnyAssetEvent) -> None:
    fact = f.AssetsTold(at_us=1, task="a", attempt=1, events=(event,))
    assert f.decode(f.encode([fact])) == [fact]
    given = i.AttemptFailed(
        run_id="r",
        task="a",
        attempt=1,
        token=(1, 2),
        finished_us=3,
        error=ERROR,
        assets=(event,),  # type: ignore[arg-type]
    )
    packed = msgspec.msgpack.encode(given)
    assert msgspec.msgpack.decode(packed, type=i.AnyReport).assets == (event,)  # type: ignore[union-attr]
