"""The summary at the end of a run: short, whatever the size of the run."""

from __future__ import annotations

import click
import pytest

from toque.cli.summary import SHOWN_FAILURES, SHOWN_TASKS, summary
from toque.cli.tally import Tally
from toque.engine import facts as f
from toque.engine.assets import Checked, Materialized
from toque.engine.states import RunState
from toque.engine.values import ErrorInfo, ValueRef
from toque.graph.expr import Const
from toque.graph.ir import Axis, CodeRef, MapNode, Pipeline, TaskNode

CODE = CodeRef(module="m", qualname="q")
ERROR = ErrorInfo(kind="data", type="DataError", message="too few", sample=["1", "2", "3", "4"])
S = 1_000_000


def tally(*names: str) -> Tally:
    return Tally(Pipeline(name="p", nodes=tuple(TaskNode(id=name, code=CODE) for name in names)), "r1")


def mapped() -> Tally:
    opened = MapNode(id="m[]", axes=(Axis(source=Const([])),))
    return Tally(Pipeline(name="p", nodes=(opened, TaskNode(id="m", scope="m[]", code=CODE))), "r1")


def succeeded(task: str, index: tuple[int, ...] = (), at_us: int = S, cached: str = "") -> f.Succeeded:
    result = ValueRef("json", inline=b"1")
    return f.Succeeded(at_us=at_us, task=task, map_index=index, result=result, cached_from=cached)


def failed(task: str, index: tuple[int, ...] = ()) -> f.Failed:
    return f.Failed(at_us=S, task=task, map_index=index, error=ERROR)


def lines(run: Tally) -> list[str]:
    return click.unstyle(summary(run)).splitlines()


def test_a_run_of_very_many_tasks_is_cut_and_says_where_the_rest_is() -> None:
    names = [f"t{number:03d}" for number in range(SHOWN_TASKS + 25)]
    run = tally(*names)
    run.add([succeeded(name, at_us=S + position) for position, name in enumerate(names)])
    found = lines(run)
    assert "… and 25 more: toque runs r1" in found
    assert sum(line.startswith("t0") for line in found) == SHOWN_TASKS


def test_tasks_stand_in_the_order_in_which_they_began() -> None:
    run = tally("a", "b", "c")
    run.add([succeeded("b", at_us=1), succeeded("c", at_us=2), succeeded("a", at_us=3)])
    assert [line[0] for line in lines(run)[2:5]] == ["b", "c", "a"]


def test_what_never_began_is_left_out() -> None:
    run = tally("a", "b")
    run.add([succeeded("a")])
    assert not any(line.startswith("b ") for line in lines(run))


def test_a_map_with_very_many_failures_shows_some_and_counts_the_others() -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=100), *(failed("m", (index,)) for index in range(100))])
    run.add([f.RunFinished(at_us=S, state=RunState.FAILED)])
    found = lines(run)
    assert sum(line.startswith("✗ m[") for line in found) == SHOWN_FAILURES
    assert f"… and {100 - SHOWN_FAILURES} more failures" in found
    assert any("100/100" in line and line.endswith("100 failed") for line in found)


def test_at_most_three_bad_rows_of_a_failure_are_shown() -> None:
    run = tally("a")
    run.add([failed("a"), f.RunFinished(at_us=S, state=RunState.FAILED)])
    assert [line.strip() for line in lines(run) if line.strip() in {"1", "2", "3", "4"}] == ["1", "2", "3"]


def test_failures_that_were_tolerated_are_no_news_of_a_run_that_succeeded() -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=2), failed("m", (0,)), succeeded("m", (1,))])
    run.add([f.RunFinished(at_us=S, state=RunState.SUCCEEDED)])
    found = lines(run)
    assert not any(line.startswith("✗") for line in found)
    assert any(line.endswith("1 failed") for line in found)


@pytest.mark.parametrize(("cached", "note"), [(2, "cached"), (1, "1 cached")])
def test_results_from_the_cache_are_told_from_computed_ones(cached: int, note: str) -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=2)])
    run.add([succeeded("m", (index,), cached="r0/m/1" if index < cached else "") for index in range(2)])
    assert lines(run)[2].endswith(f"  {note}")


@pytest.mark.parametrize(
    ("state", "advice"), [(RunState.FAILED, "toque retry r1"), (RunState.RUNNING, "toque resume r1")]
)
def test_what_to_do_next_depends_on_how_it_ended(state: RunState, advice: str) -> None:
    run = tally("a")
    run.add([f.RunStarted(at_us=S)])
    if state.is_terminal:
        run.add([f.RunFinished(at_us=S, state=state)])
    assert lines(run)[-1].endswith(advice)


def test_a_cancelled_run_says_how_to_go_on_for_resume_does_not_take_it() -> None:
    run = tally("a")
    run.add([f.RunFinished(at_us=S, state=RunState.CANCELLED)])
    assert lines(run)[-2:] == ["p cancelled, 0 task runs  (r1)", "  go on:  toque retry r1"]


def test_wrong_code_is_to_be_mended_before_a_retry_which_would_run_it_again() -> None:
    run = mapped()
    wrong = ErrorInfo(kind="code", type="KeyError", message="'gold'")
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=2)])
    run.add([f.Failed(at_us=S, task="m", map_index=(index,), error=wrong) for index in range(2)])
    run.add([f.Failed(at_us=S, task="m[]", map_index=(), error=wrong), f.RunFinished(at_us=S, state=RunState.FAILED)])
    found = lines(run)
    assert found[-2:] == ["  mended: toque rerun r1 --from m --new-code", "  as is:  toque retry r1"]
    assert any(line.startswith("p failed") for line in found)


def test_of_errors_of_its_own_it_says_what_they_are_and_not_where_they_are_defined() -> None:
    run = tally("a")
    wrong = ErrorInfo(kind="code", type="toque.errors.UserError", message="no such table")
    run.add([f.Failed(at_us=S, task="a", map_index=(), error=wrong), f.RunFinished(at_us=S, state=RunState.FAILED)])
    assert "✗ a  UserError: no such table" in lines(run)


def test_one_is_one() -> None:
    run = tally("a")
    run.add([succeeded("a"), f.RunFinished(at_us=S, state=RunState.SUCCEEDED)])
    assert lines(run)[-1] == "p succeeded, 1 task run  (r1)"


def test_a_map_that_tolerates_its_failures_has_succeeded() -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=1, task="m[]", size=2), succeeded("m", (0,)), failed("m", (1,))])
    assert " failed " in lines(run)[2]
    run.add([succeeded("m[]"), f.RunFinished(at_us=2, state=RunState.SUCCEEDED)])
    row = lines(run)[2]
    assert row.split()[:3] == ["m", "succeeded", "2/2"]
    assert row.endswith("1 failed, tolerated")


def test_a_map_that_does_not_has_failed() -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=1, task="m[]", size=2), succeeded("m", (0,)), failed("m", (1,)), failed("m[]")])
    row = lines(run)[2]
    assert row.split()[:2] == ["m", "failed"]
    assert "tolerated" not in row


def test_what_went_well_inside_of_a_host_is_counted_there_and_what_did_not_is_shown() -> None:
    members = tuple(TaskNode(id=f"dbt.{name}", code=CODE, host="dbt.build") for name in ("a", "b", "c"))
    run = Tally(Pipeline(name="p", nodes=(TaskNode(id="dbt.build", code=CODE), *members)), "r1")
    run.add([succeeded("dbt.build"), succeeded("dbt.a"), succeeded("dbt.b"), failed("dbt.c")])
    table = lines(run)[1:4]
    assert [line.split()[0] for line in table] == ["TASK", "dbt.build", "dbt.c"]
    assert table[1].endswith("2 succeeded in it")


def told(task: str, *events: Materialized | Checked) -> f.AssetsTold:
    return f.AssetsTold(at_us=S, task=task, attempt=1, events=events)


def test_rows_and_checks_that_do_not_hold_stand_beside_their_task() -> None:
    run = tally("load")
    bad = Checked(asset="lake.t", check="not_null(city)", passed=False, failed_rows=1, total_rows=4)
    run.add(
        [told("load", Materialized(asset="lake.t", data_version="v", metadata={"inserted": 3, "set_aside": 1}), bad)]
    )
    run.add([succeeded("load")])
    assert lines(run)[2].endswith("3 inserted, 1 set aside, fails not_null(city) (1 row)")


def test_what_fails_a_check_inside_of_a_host_is_shown() -> None:
    run = Tally(Pipeline(name="p", nodes=(TaskNode(id="h", code=CODE), TaskNode(id="h.a", code=CODE, host="h"))), "r1")
    run.add([told("h.a", Checked(asset="a", check="unique", passed=False)), succeeded("h"), succeeded("h.a")])
    assert lines(run)[3].startswith("h.a ")


def test_a_map_has_the_name_of_its_task_and_its_size() -> None:
    run = mapped()
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=12), failed("m", (3,)), failed("m[]")])
    run.add([f.RunFinished(at_us=S, state=RunState.FAILED)])
    assert [line.split("  ")[0] for line in lines(run) if line.startswith("✗")] == ["✗ m[3]", "✗ m × 12"]


def test_what_comes_after_a_map_says_so_in_words() -> None:
    opened = MapNode(id="m[]", axes=(Axis(source=Const([])),))
    run = Tally(Pipeline(name="p", nodes=(opened, TaskNode(id="last", code=CODE))), "r1")
    run.add([f.ScopeOpened(at_us=S, task="m[]", size=12)])
    run.add([f.UpstreamFailed(at_us=S, task="last", map_index=(), culprit="m[]")])
    assert " ".join(lines(run)[2].split()) == "last upstream failed 0 ms after m × 12"
