"""Facts add up to what a person wants to know of a run."""

from __future__ import annotations

from toque.cli.tally import Tally
from toque.engine import facts as f
from toque.engine.states import AttemptOutcome, RunState, TaskState
from toque.engine.values import ErrorInfo, TaskKey, Token, ValueRef
from toque.graph.expr import Const
from toque.graph.ir import Axis, CodeRef, MapNode, Pipeline, TaskNode
from toque.ports.executor import Progress

CODE = CodeRef(module="m", qualname="q")
TOKEN = Token(1, 1)
RESULT = ValueRef("json", inline=b"1")
ERROR = ErrorInfo(kind="code", type="ValueError", message="no")


def tally(*nodes: TaskNode | MapNode) -> Tally:
    return Tally(Pipeline(name="p", nodes=nodes), "r1")


def task(name: str, scope: str = "", **fields: object) -> TaskNode:
    return TaskNode(id=name, scope=scope, code=CODE, **fields)  # type: ignore[arg-type]


def mapped(name: str, scope: str = "") -> MapNode:
    return MapNode(id=name, scope=scope, axes=(Axis(source=Const([1])),))


def started(name: str, index: tuple[int, ...] = (), at_us: int = 1) -> f.Started:
    return f.Started(at_us=at_us, task=name, map_index=index, attempt=1, started_us=at_us)


def succeeded(name: str, index: tuple[int, ...] = (), at_us: int = 2) -> f.Succeeded:
    return f.Succeeded(at_us=at_us, task=name, map_index=index, result=RESULT)


def test_a_task_goes_from_waiting_to_its_end() -> None:
    run = tally(task("a"))
    seen = [run.nodes["a"].state]
    for fact in (
        f.Readied(at_us=1, task="a"),
        f.Dispatched(at_us=2, task="a", attempt=1, token=TOKEN),
        started("a", at_us=3),
        succeeded("a", at_us=8),
    ):
        run.add([fact])
        seen.append(run.nodes["a"].state)
    assert seen == ["waiting", "ready", "dispatched", "running", "succeeded"]
    assert run.nodes["a"].is_over
    assert run.nodes["a"].busy_us == 5


def test_the_run_has_its_state_and_times() -> None:
    run = tally(task("a"))
    run.add([f.RunStarted(at_us=5), f.RunSuspended(at_us=6, actor="x"), f.RunResumed(at_us=7, actor="x")])
    assert (run.state, run.started_us) == (RunState.RUNNING, 5)
    run.add([f.RunFinished(at_us=9, state=RunState.FAILED)])
    assert (run.state, run.finished_us) == (RunState.FAILED, 9)


def test_a_retry_is_counted_and_its_error_kept() -> None:
    run = tally(task("a"))
    run.add(
        [
            started("a", at_us=10),
            f.AttemptEnded(at_us=20, task="a", attempt=1, outcome=AttemptOutcome.FAILED, error=ERROR, spends="retry"),
            f.RetryScheduled(at_us=20, task="a", due_us=99),
        ]
    )
    node = run.nodes["a"]
    assert (node.state, node.retries, node.busy_us) == (TaskState.RETRYING, 1, 10)
    assert list(run.failures) == [TaskKey("a")]
    run.add([succeeded("a")])
    assert not run.failures


def test_the_members_of_a_map_are_counted_by_state() -> None:
    run = tally(mapped("m[]"), task("m", "m[]"))
    run.add([f.ScopeOpened(at_us=1, task="m[]", size=3)])
    assert run.nodes["m"].size == 3
    run.add([started("m", (0,)), started("m", (1,)), succeeded("m", (0,))])
    node = run.nodes["m"]
    assert (node.ended, node.counts[TaskState.RUNNING], node.state, node.is_over) == (1, 1, "running", False)
    run.add([f.Failed(at_us=5, task="m", map_index=(1,), error=ERROR), succeeded("m", (2,))])
    assert (node.state, node.is_over) == ("failed", True)


def test_a_map_that_pauses_between_its_members_is_still_running() -> None:
    run = tally(mapped("m[]"), task("m", "m[]"))
    run.add([f.ScopeOpened(at_us=1, task="m[]", size=2), started("m", (0,)), succeeded("m", (0,))])
    assert run.nodes["m"].state == "running"


def test_nested_maps_know_their_size_when_every_scope_is_open() -> None:
    run = tally(mapped("o[]"), mapped("i[]", "o[]"), task("i", "i[]"))
    run.add([f.ScopeOpened(at_us=1, task="o[]", size=2)])
    assert run.nodes["i[]"].size == 2
    run.add([f.ScopeOpened(at_us=2, task="i[]", map_index=(0,), size=3)])
    assert run.nodes["i"].size is None
    run.add([f.ScopeOpened(at_us=2, task="i[]", map_index=(1,), size=4)])
    assert run.nodes["i"].size == 7


def test_a_cancelled_map_takes_its_members_along() -> None:
    run = tally(mapped("o[]"), mapped("i[]", "o[]"), task("i", "i[]"), task("m", "o[]"))
    run.add([f.ScopeOpened(at_us=1, task="o[]", size=5), succeeded("m", (0,))])
    run.add([f.Cancelled(at_us=2, task="o[]", actor="x")])
    for name in ("i", "m"):
        assert (run.nodes[name].state, run.nodes[name].is_over) == ("cancelled", True)


def test_an_empty_map_is_over_at_once() -> None:
    run = tally(mapped("m[]"), task("m", "m[]"))
    run.add([f.ScopeOpened(at_us=1, task="m[]", size=0)])
    assert run.nodes["m"].is_over


def test_why_something_did_not_run_is_noted() -> None:
    run = tally(task("a"), task("b"))
    run.add([f.Skipped(at_us=1, task="a", reason="branch"), f.UpstreamFailed(at_us=1, task="b", culprit="x[1]")])
    assert (run.nodes["a"].note, run.nodes["b"].note) == ("branch", "after x[1]")


def test_steps_of_a_flow_appear_as_it_takes_them() -> None:
    run = tally(task("flow", kind="flow"))
    run.add(
        [
            f.StepDeclared(at_us=1, node=task("flow//fetch"), body="flow"),
            f.StepAdded(at_us=1, task="flow//fetch", map_index=(0,), digest="d"),
            succeeded("flow//fetch", (0,)),
        ]
    )
    step = run.nodes["flow//fetch"]
    assert (step.group, step.size, step.is_over) == ("flow", 1, True)


def test_hooks_that_never_ran_are_not_shown() -> None:
    run = tally(task("a"), task("page", hook="on_failure"))
    assert [node.id for node in run.tasks] == ["a"]
    run.add([f.Readied(at_us=1, task="page")])
    assert [node.id for node in run.tasks] == ["a", "page"]


def test_reused_and_cached_results_are_told_apart() -> None:
    run = tally(task("a"), task("b"))
    cached = f.Succeeded(at_us=1, task="b", result=RESULT, cached_from="r0/b/1")
    run.add([f.Reused(at_us=1, task="a", origin_run="r0"), succeeded("a"), cached])
    assert (run.nodes["a"].reused, run.nodes["b"].cached) == (1, 1)


def test_progress_of_a_task_is_shown_but_not_of_a_mapped_one() -> None:
    run = tally(task("a"), mapped("m[]"), task("m", "m[]"))
    run.progress(Progress(run_id="r1", task="a", done=3, total=10))
    run.progress(Progress(run_id="r1", task="m", map_index=(0,), done=3, total=10))
    run.progress(Progress(run_id="r1", task="unknown", done=3))
    assert (run.nodes["a"].done, run.nodes["a"].total, run.nodes["m"].done) == (3, 10, 0)
