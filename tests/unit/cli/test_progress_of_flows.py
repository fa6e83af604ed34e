"""Plain lines of flows: a step is one line, however often the body asks for it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest

from toque.cli.progress import Progress
from toque.cli.progress_lines import Lines
from toque.cli.progress_tree import drawn
from toque.cli.tally import Tally
from toque.engine import facts as f
from toque.engine.facts import AnyFact
from toque.engine.states import AttemptOutcome, TaskState
from toque.engine.values import ErrorInfo, ValueRef
from toque.graph.expr import Const
from toque.graph.ir import Axis, CodeRef, MapNode, Pipeline, TaskNode

CODE = CodeRef(module="m", qualname="q")
ERROR = ErrorInfo(kind="data", type="DataError", message="too few rows")
S = 1_000_000
MANY = 400

FLOW = Pipeline(name="crawl", nodes=(TaskNode(id="crawl", code=CODE, kind="flow"),))
MAPPED = Pipeline(
    name="crawl",
    nodes=(
        MapNode(id="crawl[]", axes=(Axis(source=Const([1, 2, 3])),)),
        TaskNode(id="crawl", scope="crawl[]", code=CODE, kind="flow"),
    ),
)


def started(task: str, index: tuple[int, ...] = (), at_us: int = S) -> f.Started:
    return f.Started(at_us=at_us, task=task, map_index=index, attempt=1, started_us=at_us)


def succeeded(task: str, index: tuple[int, ...] = (), at_us: int = 2 * S) -> f.Succeeded:
    return f.Succeeded(at_us=at_us, task=task, map_index=index, result=ValueRef("json", inline=b"1"))


def declared(step: str, body: str = "crawl") -> f.StepDeclared:
    return f.StepDeclared(at_us=S, node=TaskNode(id=step, code=CODE), body=body)


def asked(step: str, count: int, outer: tuple[int, ...] = ()) -> Iterator[list[AnyFact]]:
    """The body asks `count` times for `step`; each occurrence is a commit of its own."""
    for occurrence in range(count):
        index = (*outer, occurrence)
        yield [f.StepAdded(at_us=S, task=step, map_index=index, digest="d"), started(step, index)]
        yield [succeeded(step, index)]


def lines(pipeline: Pipeline, *commits: Sequence[AnyFact]) -> list[str]:
    out = io.StringIO()
    progress = Progress(Lines(out), out=out)
    for news in commits:
        progress.facts("r1", pipeline, news)
    return [line.partition("  ")[2] for line in out.getvalue().splitlines()[1:]]


def test_hundreds_of_occurrences_are_one_line_at_the_end_of_the_body() -> None:
    said = lines(
        FLOW,
        [started("crawl"), declared("crawl/fetch")],
        *asked("crawl/fetch", MANY),
        [succeeded("crawl", at_us=4 * S)],
    )
    assert said == [f"✓ crawl/fetch  {MANY} of {MANY}  1.0 s", "✓ crawl  3.0 s"]


def test_nothing_is_said_of_occurrences_while_the_body_goes_on() -> None:
    said = lines(FLOW, [started("crawl"), declared("crawl/fetch")], *asked("crawl/fetch", MANY))
    assert said == []


def test_each_step_has_its_own_line_in_the_order_in_which_the_body_took_them() -> None:
    said = lines(
        FLOW,
        [started("crawl"), declared("crawl/fetch"), declared("crawl/store")],
        *asked("crawl/store", 2),
        *asked("crawl/fetch", 3),
        [succeeded("crawl", at_us=4 * S)],
    )
    assert [line.split("  ")[:2] for line in said[:2]] == [["✓ crawl/fetch", "3 of 3"], ["✓ crawl/store", "2 of 2"]]


def test_a_body_that_fails_says_how_far_its_steps_came() -> None:
    said = lines(
        FLOW,
        [started("crawl"), declared("crawl/fetch")],
        *asked("crawl/fetch", 2),
        [f.Failed(at_us=4 * S, task="crawl", error=ERROR)],
    )
    assert said == ["✓ crawl/fetch  2 of 2  1.0 s", "✗ crawl: DataError: too few rows"]


def test_a_cancelled_body_says_how_far_its_steps_came() -> None:
    said = lines(
        FLOW,
        [started("crawl"), declared("crawl/fetch")],
        *asked("crawl/fetch", 2),
        [f.Cancelled(at_us=4 * S, task="crawl", actor="ada", reason="enough")],
    )
    assert said[0] == "✓ crawl/fetch  2 of 2  1.0 s"
    assert said[1].startswith("✗ crawl  cancelled (enough)")


def test_a_retry_of_one_occurrence_is_told_at_once() -> None:
    retry = f.AttemptEnded(
        at_us=S,
        task="crawl/fetch",
        map_index=(7,),
        attempt=1,
        outcome=AttemptOutcome.FAILED,
        error=ERROR,
        spends="retry",
    )
    said = lines(FLOW, [started("crawl"), declared("crawl/fetch"), retry])
    assert said == ["↻ crawl/fetch[7]: attempt 1 failed: DataError: too few rows"]


def test_the_steps_of_a_mapped_flow_are_told_once_when_all_its_bodies_are_over() -> None:
    commits: list[list[AnyFact]] = [[f.ScopeOpened(at_us=S, task="crawl[]", size=3), declared("crawl/fetch")]]
    for body in range(3):
        commits += [[started("crawl", (body,))], *asked("crawl/fetch", 5, (body,)), [succeeded("crawl", (body,))]]
    assert lines(MAPPED, *commits[:-1]) == []
    assert lines(MAPPED, *commits) == ["✓ crawl/fetch  15 of 15  1.0 s", "✓ crawl  3 of 3  1.0 s"]


def test_each_failed_body_of_a_mapped_flow_is_named_but_its_steps_are_told_once() -> None:
    commits: list[list[AnyFact]] = [[f.ScopeOpened(at_us=S, task="crawl[]", size=3), declared("crawl/fetch")]]
    for body in range(3):
        failed = f.Failed(at_us=2 * S, task="crawl", map_index=(body,), error=ERROR)
        commits += [[started("crawl", (body,))], *asked("crawl/fetch", 1, (body,)), [failed]]
    said = lines(MAPPED, *commits)
    assert [line for line in said if "crawl/fetch" in line] == ["✓ crawl/fetch  3 of 3  1.0 s"]
    assert [line.partition(":")[0] for line in said if line.startswith("✗ crawl[")] == [
        "✗ crawl[0]",
        "✗ crawl[1]",
        "✗ crawl[2]",
    ]


def test_the_steps_of_a_flow_inside_a_flow_stand_before_it() -> None:
    said = lines(
        FLOW,
        [started("crawl"), declared("crawl/page"), declared("crawl/page/fetch", body="crawl/page")],
        *asked("crawl/page/fetch", 4),
        *asked("crawl/page", 2),
        [succeeded("crawl", at_us=4 * S)],
    )
    assert [line.split("  ")[0] for line in said] == ["✓ crawl/page/fetch", "✓ crawl/page", "✓ crawl"]


def test_a_step_that_was_declared_twice_is_one_node() -> None:
    tally = Tally(FLOW, "r1")
    tally.add([declared("crawl/fetch"), declared("crawl/fetch")])
    assert [node.id for node in tally.tasks] == ["crawl", "crawl/fetch"]


@pytest.mark.parametrize(("over", "state"), [(2, TaskState.SUCCEEDED), (1, TaskState.RUNNING)])
def test_a_step_is_over_when_all_that_was_asked_for_is(over: int, state: TaskState) -> None:
    tally = Tally(FLOW, "r1")
    tally.add([declared("crawl/fetch")])
    for occurrence in range(2):
        index = (occurrence,)
        tally.add([f.StepAdded(at_us=S, task="crawl/fetch", map_index=index, digest="d")])
        tally.add([started("crawl/fetch", index)])
    tally.add([succeeded("crawl/fetch", (occurrence,)) for occurrence in range(over)])
    node = tally.nodes["crawl/fetch"]
    assert (node.state, node.is_over) == (state, over == 2)


def test_hundreds_of_occurrences_are_one_line_of_the_tree() -> None:
    tally = Tally(FLOW, "r1")
    tally.add([started("crawl"), declared("crawl/fetch")])
    for news in asked("crawl/fetch", MANY):
        tally.add(news)
    shown = [line.plain for line in drawn(tally, 4 * S)]
    assert len(shown) == 3
    assert f"{MANY}/{MANY}" in shown[2]
