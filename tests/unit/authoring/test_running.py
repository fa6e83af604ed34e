"""What the forms mean when they run: the same engine and runtime as everywhere, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.authoring import running as r
from toque.graph.validate import validate
from toque.local import RunFailed


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    r.seen.clear()
    yield
    r.seen.clear()


def result(runnable: Any, *args: Any, **kwargs: Any) -> Any:
    assert validate(runnable.ir) == []
    return runnable.run(*args, **kwargs).result


@pytest.mark.parametrize(("x", "taken"), [(1, "small"), (5, "big"), (50, "else")])
def test_one_case_is_taken_and_the_others_are_skipped(x: int, taken: str) -> None:
    run = r.choosing.run(x)
    assert run.result == taken
    assert r.seen == [taken]
    assert sorted(run[name].state for name in ("note", "note_big", "note_else")) == ["skipped", "skipped", "succeeded"]


def test_a_map_over_what_is_known_at_run_time_only() -> None:
    assert result(r.mapping, 5) == 20


def test_a_map_of_nothing_succeeds_with_nothing() -> None:
    assert result(r.empty) == 0


def test_mapped_groups_nest() -> None:
    assert result(r.nesting, 4) == 2 * (0 + 0 + 1 + 0 + 1 + 2)


def test_chained_maps_go_index_by_index() -> None:
    assert result(r.chaining) == 72


def test_a_product_is_every_combination_the_last_axis_fastest() -> None:
    assert result(r.crossing) == [11, 21, 12, 22]


def test_a_mapped_group_may_return_a_part_of_a_result() -> None:
    assert result(r.parts) == [2, 4]


def test_each_index_of_a_mapped_group_takes_its_own_way() -> None:
    run = r.branching_in_a_map.run()
    assert run.result == [101, 10]
    assert [one.state for one in run["big_or_not.double"]] == ["skipped", "succeeded"]  # type: ignore[attr-defined]


def test_results_and_constants_in_one_literal_are_iterated() -> None:
    assert result(r.literals) == [6, 20]


def test_items_that_are_lists_are_iterated() -> None:
    assert result(r.items_of_items, [[1, 2], [], [3]]) == [6, 0, 6]


def test_tolerated_failures_are_visible_holes() -> None:
    assert result(r.tolerating) == {
        "ok": 4,
        "bad": [0, 2, 4],
        "all": ["Failure", "Ok", "Failure", "Ok", "Failure"],
    }


def test_more_failures_than_are_tolerated_fail_the_run() -> None:
    with pytest.raises(RunFailed) as caught:
        r.too_many.run()
    assert caught.value.run["total"].state == "upstream_failed"


def test_an_outcome_handles_a_failure() -> None:
    assert result(r.outcome_of_each_kind) == ["Ok", "Failure", "Skipped"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_teardown_runs_at_any_end(fails: bool) -> None:
    try:
        state = r.torn_down.run(fails=fails).state
    except RunFailed as failed:
        state = failed.run.state
    assert state == ("failed" if fails else "succeeded")
    assert r.seen == [8]


@pytest.mark.parametrize("fails", [False, True])
def test_hooks_are_told_how_the_run_ends(fails: bool) -> None:
    if fails:
        with pytest.raises(RunFailed):
            r.hooked.run(fails=True)
        assert r.seen == [("failed", ["fail"])]
    else:
        r.hooked.run(fails=False)
        assert r.seen == [("succeeded", [])]


def test_a_group_waits_for_what_it_is_after() -> None:
    assert result(r.grouped) == 12
    assert r.seen == ["first"]


def test_pipelines_are_parts_of_pipelines() -> None:
    run = r.of_pipelines.run()
    assert run.result == 6 + 12
    assert run["mapping.total"].result == 6
    assert run["again.total"].result == 12


def test_a_command_is_a_task() -> None:
    assert result(r.commands, "it's $HOME") == "IT'S $HOME"


def test_a_task_knows_where_it_runs() -> None:
    assert result(r.in_context) == ("about", True)


def test_a_flow_decides_while_it_runs() -> None:
    assert result(r.deciding, 6) == 118


def test_an_async_flow_fans_out() -> None:
    assert result(r.fanning, 4) == 12


def test_flows_nest_and_are_tasks_of_pipelines() -> None:
    assert result(r.outer, 4) == 15
    assert result(r.with_a_flow, 4) == 24


async def test_a_run_under_a_running_loop() -> None:
    assert result(r.mapping, 3) == 6


def test_parameters_are_validated_before_anything_runs() -> None:
    from toque.errors import UserError

    with pytest.raises(UserError, match="n='many' is not int"):
        r.mapping.run("many")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"mapping.run\(\): too many positional arguments"):
        r.mapping.run(1, 2)  # type: ignore[call-arg]
