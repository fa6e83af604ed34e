"""What a run looks like while it goes on, and afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterator

import click
import pytest

from toque.cli.progress import Progress, Silent, make_progress
from toque.cli.progress_lines import Lines
from toque.cli.progress_tree import Tree, drawn, fitted
from toque.cli.summary import summary
from toque.cli.tally import Tally
from toque.engine import facts as f
from toque.engine.facts import AnyFact
from toque.engine.states import AttemptOutcome, RunState
from toque.engine.values import ErrorInfo, Token, ValueRef
from toque.graph.expr import Const
from toque.graph.ir import Axis, CodeRef, MapNode, Meta, Pipeline, TaskNode
from toque.ports.executor import Metric
from toque.ports.executor import Progress as ProgressSignal

CODE = CodeRef(module="m", qualname="q")
ERROR = ErrorInfo(kind="data", type="DataError", message="too few rows\nsecond line", file="f.py", line=3, sample=["r"])
S = 1_000_000

PIPELINE = Pipeline(
    name="flights",
    nodes=(
        TaskNode(id="extract", code=CODE),
        MapNode(id="delays[]", axes=(Axis(source=Const([1, 2])),)),
        TaskNode(id="delays", scope="delays[]", code=CODE),
        TaskNode(id="checks.rows", code=CODE, meta=Meta(group="checks")),
        TaskNode(id="publish", code=CODE),
    ),
)


def started(task: str, index: tuple[int, ...] = (), at_us: int = S) -> f.Started:
    return f.Started(at_us=at_us, task=task, map_index=index, attempt=1, started_us=at_us)


def succeeded(task: str, index: tuple[int, ...] = (), at_us: int = 2 * S) -> f.Succeeded:
    return f.Succeeded(at_us=at_us, task=task, map_index=index, result=ValueRef("json", inline=b"1"))


def story() -> Iterator[list[AnyFact]]:
    """Commit by commit: a retry, a map, a failure and what it takes with it."""
    yield [f.RunStarted(at_us=S), f.Readied(at_us=S, task="extract")]
    yield [f.Dispatched(at_us=S, task="extract", attempt=1, token=Token(1, 1)), started("extract")]
    yield [
        f.AttemptEnded(at_us=S, task="extract", attempt=1, outcome=AttemptOutcome.FAILED, error=ERROR, spends="retry"),
        f.RetryScheduled(at_us=S, task="extract", due_us=2 * S),
    ]
    yield [started("extract", at_us=2 * S), succeeded("extract", at_us=4 * S)]
    yield [f.ScopeOpened(at_us=4 * S, task="delays[]", size=2), started("delays", (0,), 4 * S)]
    yield [started("delays", (1,), 4 * S), succeeded("delays", (0,), 5 * S)]
    yield [succeeded("delays", (1,), 6 * S), f.Succeeded(at_us=6 * S, task="delays[]", result=None)]
    yield [started("checks.rows", at_us=6 * S), f.Failed(at_us=7 * S, task="checks.rows", error=ERROR)]
    yield [f.UpstreamFailed(at_us=7 * S, task="publish", culprit="checks.rows")]
    yield [f.RunFinished(at_us=8 * S, state=RunState.FAILED)]


def told() -> Tally:
    tally = Tally(PIPELINE, "r1")
    for news in story():
        tally.add(news)
    return tally


def test_plain_lines_tell_ends_retries_and_failures() -> None:
    out = io.StringIO()
    progress = Progress(Lines(out), out=out, quiet=True)
    for news in story():
        progress.facts("r1", PIPELINE, news)
    lines = [line.partition("  ")[2] for line in out.getvalue().splitlines()[1:]]
    assert out.getvalue().startswith("run r1 of flights\n")
    assert lines == [
        "↻ extract: attempt 1 failed: DataError: too few rows",
        "✓ extract  3.0 s",
        "✓ delays  2 of 2  2.0 s",
        "✗ checks.rows: DataError: too few rows",
        "✗ publish  upstream failed (after checks.rows)",
    ]


def test_a_map_of_nothing_is_told_too() -> None:
    out = io.StringIO()
    progress = Progress(Lines(out), out=out)
    progress.facts("r1", PIPELINE, [f.ScopeOpened(at_us=S, task="delays[]", size=0)])
    assert "delays  0 of 0" in out.getvalue()


def test_a_deferral_is_told_but_not_a_durable_sleep() -> None:
    out = io.StringIO()
    progress = Progress(Lines(out), out=out)
    progress.facts("r1", PIPELINE, [f.Deferred(at_us=S, task="extract", due_us=9 * S)])
    progress.facts("r1", PIPELINE, [f.Deferred(at_us=S, task="publish", due_us=9 * S, worked=False)])
    assert "… extract: not yet" in out.getvalue()
    assert "publish" not in out.getvalue()


def test_the_summary_has_durations_failures_and_the_next_step() -> None:
    text = click.unstyle(summary(told()))
    assert "extract      succeeded              3.0 s         1 retry" in text
    assert "delays       succeeded        2/2   2.0 s  3.0 s" in text
    assert "✗ checks.rows  DataError: too few rows" in text
    assert "f.py:3" in text
    assert "flights failed in 7.0 s, 5 task runs  (r1)" in text
    assert "toque retry r1" in text


def test_the_summary_of_a_success_has_no_advice() -> None:
    tally = Tally(Pipeline(name="p", nodes=(TaskNode(id="a", code=CODE),)), "r1")
    tally.add(
        [f.RunStarted(at_us=S), started("a"), succeeded("a"), f.RunFinished(at_us=3 * S, state=RunState.SUCCEEDED)]
    )
    assert click.unstyle(summary(tally)).splitlines()[-1] == "p succeeded in 2.0 s, 1 task run  (r1)"


def test_the_summary_of_a_run_that_was_left_says_how_to_go_on() -> None:
    tally = Tally(PIPELINE, "r1")
    tally.add([f.RunStarted(at_us=S), started("extract")])
    assert "toque resume r1" in summary(tally)


def test_a_frame_of_the_tree_shows_groups_bars_and_times() -> None:
    tally = Tally(PIPELINE, "r1")
    for news in list(story())[:6]:
        tally.add(news)
    tally.progress(ProgressSignal(run_id="r1", task="publish", done=1, total=4))
    lines = [line.plain for line in drawn(tally, 7 * S)]
    assert lines[0] == "flights  r1  running"
    assert lines[1] == "  ✓ extract  3.0 s  ↻ 1"
    assert "delays  ━━━━━━━━━━━━┈┈┈┈┈┈┈┈┈┈┈┈ 1/2  1 running  3.0 s" in lines[2]
    assert lines[3:] == ["  checks", "    · rows", "  · publish  ━━━━━━┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈ 1/4"]


def test_a_tree_higher_than_the_terminal_leaves_out_what_waits_first() -> None:
    tally = Tally(PIPELINE, "r1")
    for news in list(story())[:6]:
        tally.add(news)
    lines = [line.plain for line in fitted(drawn(tally, 7 * S), 4)]
    assert len(lines) == 4
    assert lines[-1] == "  … 3 more"
    assert any("delays" in line for line in lines)


def test_a_tree_is_drawn_and_cleared() -> None:
    out = io.StringIO()
    tree = Tree(out)
    progress = Progress(tree, out=out)
    for news in story():
        progress.facts("r1", PIPELINE, news)
    assert len(list(tree.__rich_console__(tree._console, tree._console.options))) == 6
    progress.finish()
    assert out.getvalue().rstrip().endswith("toque retry r1")


def test_signals_reach_the_tally_and_others_do_not_matter() -> None:
    progress = Progress(Silent(), quiet=True)
    progress.facts("r1", PIPELINE, [f.RunStarted(at_us=S)])
    progress.signal(ProgressSignal(run_id="r1", task="extract", done=5, total=9))
    progress.signal(ProgressSignal(run_id="other", task="extract", done=5))
    progress.signal(Metric(run_id="r1", task="extract", attempt=1, name="m", value=1))
    tally = progress.tally("r1")
    assert tally is not None
    assert tally.nodes["extract"].done == 5


FLOW = Pipeline(name="crawl", nodes=(TaskNode(id="crawl", code=CODE, kind="flow"),))


def flow_story() -> Iterator[list[AnyFact]]:
    """A flow that asks twice for a step; the second time it fails."""
    step = TaskNode(id="crawl/fetch", code=CODE)
    yield [f.RunStarted(at_us=S), started("crawl"), f.StepDeclared(at_us=S, node=step, body="crawl")]
    for occurrence in (0, 1):
        yield [f.StepAdded(at_us=S, task="crawl/fetch", map_index=(occurrence,), digest="d")]
        yield [started("crawl/fetch", (occurrence,), S)]
    yield [succeeded("crawl/fetch", (0,), 3 * S)]
    yield [f.Failed(at_us=3 * S, task="crawl/fetch", map_index=(1,), error=ERROR)]


def test_steps_of_a_flow_are_told_when_its_body_ends_but_failures_at_once() -> None:
    out = io.StringIO()
    progress = Progress(Lines(out), out=out)
    for news in flow_story():
        progress.facts("r1", FLOW, news)
    lines = [line.partition("  ")[2] for line in out.getvalue().splitlines()[1:]]
    assert lines == ["✗ crawl/fetch[1]: DataError: too few rows"]
    progress.facts("r1", FLOW, [succeeded("crawl", at_us=4 * S)])
    lines = [line.partition("  ")[2] for line in out.getvalue().splitlines()[2:]]
    assert lines == ["✗ crawl/fetch  1 of 2  failed  2.0 s", "✓ crawl  3.0 s"]


def test_steps_of_a_flow_stand_below_it_in_the_tree() -> None:
    tally = Tally(FLOW, "r1")
    for news in list(flow_story())[:6]:
        tally.add(news)
    lines = [line.plain for line in drawn(tally, 4 * S)]
    assert lines[1].endswith("crawl  3.0 s")
    assert lines[2].startswith("    ")
    assert "fetch  ━━━━━━━━━━━━┈┈┈┈┈┈┈┈┈┈┈┈ 1/2  1 running" in lines[2]


@pytest.mark.parametrize(("quiet", "expected"), [(True, ""), (False, "run r1 of flights\n")])
def test_nothing_is_written_when_quiet(quiet: bool, expected: str) -> None:
    out = io.StringIO()
    progress = make_progress(quiet=quiet, out=out)
    progress.facts("r1", PIPELINE, [f.RunStarted(at_us=S)])
    assert out.getvalue() == expected
    progress.finish()
    assert bool(out.getvalue()) is not quiet
