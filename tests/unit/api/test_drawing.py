"""What is drawn of a graph, and the path that took the time."""

from __future__ import annotations

from toque import each, group, one_of, pipeline, task, when
from toque.api.drawing import MOST_STEPS, graph
from toque.api.timeline import Upstream, Upstreams, critical_path, timeline, upstream_tasks
from toque.api.wire.graphs import Graph
from toque.engine.states import TaskState
from toque.graph.ir import Pipeline
from toque.ports.pages import NodeCounts, TimelineBar


@task(retries=3, pool="db", tags=["raw"])
def load(day: str) -> list[int]:
    """Load a day."""
    return [len(day)]


@task
def clean(x: int) -> int:
    return x


@task
def check(x: int) -> bool:
    return x > 0


@task
def total(rows: list[int]) -> int:
    return sum(rows)


@group
def prepare(day: str) -> list[int]:
    return clean.map(each(load(day)))


@pipeline
def daily(day: str = "today") -> int:
    return total(prepare(day))


@pipeline
def decides(x: int = 1) -> int:
    with when(check(x)) as good:
        first = clean(x)
    with good.otherwise():
        second = clean.options(name="other")(x)
    return one_of(first, second)


def drawn(ir: Pipeline) -> Graph:
    return graph(ir, "v1")


def counts(task: str, started_us: int, finished_us: int, *, ready_us: int = 0) -> NodeCounts:
    return NodeCounts(
        task=task,
        counts={TaskState.SUCCEEDED: 1},
        ready_us=ready_us or started_us,
        started_us=started_us,
        finished_us=finished_us,
    )


def test_nodes_carry_what_the_author_said() -> None:
    found = {node.id: node for node in drawn(daily.ir).nodes}
    node = found["prepare.load"]
    assert (node.label, node.group, node.retries, node.pools, node.tags) == ("load", "prepare", 3, ["db"], ["raw"])
    assert node.doc == "Load a day."
    assert node.origin is not None
    assert node.origin.line > 0


def test_members_of_a_map_name_their_scope() -> None:
    found = {node.id: (node.kind, node.scope) for node in drawn(daily.ir).nodes}
    assert found["prepare.clean[]"] == ("map", "")
    assert found["prepare.clean"] == ("task", "prepare.clean[]")


def test_groups_are_listed_with_their_parents() -> None:
    assert [(each.id, each.label, each.parent) for each in drawn(daily.ir).groups] == [("prepare", "prepare", "")]


def test_every_edge_joins_two_nodes_that_are_drawn() -> None:
    for ir in (daily.ir, decides.ir):
        found = drawn(ir)
        names = {node.id for node in found.nodes}
        assert all({edge.source, edge.target} <= names for edge in found.edges)
        assert len({(edge.source, edge.target) for edge in found.edges}) == len(found.edges)


def test_branches_are_labelled() -> None:
    labels = {edge.label for edge in drawn(decides.ir).edges if edge.source == "check"}
    assert {"yes", "no"} <= labels


def test_steps_stand_below_their_flow_in_the_order_of_time() -> None:
    steps = [
        counts("daily/load", 10, 20),
        counts("daily/left", 21, 40, ready_us=21),
        counts("daily/right", 22, 30, ready_us=21),
        counts("daily/join", 41, 50, ready_us=41),
    ]
    flow = Pipeline(name="daily", nodes=())
    found = graph(flow, "v1", steps)
    assert [node.label for node in found.nodes] == ["load", "left", "right", "join"]
    assert {(edge.source, edge.target) for edge in found.edges} == {
        ("daily/load", "daily/left"),
        ("daily/load", "daily/right"),
        ("daily/left", "daily/join"),
        ("daily/right", "daily/join"),
    }


def test_a_flow_of_many_steps_is_drawn_up_to_a_bound() -> None:
    steps = [counts(f"f/s{number:05}", number + 1, number + 2) for number in range(MOST_STEPS + 50)]
    assert len(graph(Pipeline(name="f"), "v1", steps).nodes) == MOST_STEPS


def test_upstream_goes_through_maps() -> None:
    found = upstream_tasks(daily.ir)
    assert found["prepare.clean"] == {"prepare.load"}
    assert found["total"] == {"prepare.clean"}
    assert found["prepare.load"] == set()


def test_the_critical_path_goes_back_along_what_ended_last() -> None:
    nodes = [counts("prepare.load", 1, 5), counts("prepare.clean", 6, 9), counts("total", 10, 11)]
    assert critical_path(nodes, Upstream(daily.ir)) == ["prepare.load", "prepare.clean", "total"]


def test_the_critical_path_of_a_run_that_goes_on_ends_at_what_ended_last() -> None:
    assert critical_path([counts("prepare.load", 1, 5)], Upstream(daily.ir)) == ["prepare.load"]
    assert critical_path([], Upstream(daily.ir)) == []


def test_a_branch_that_was_not_taken_is_not_on_the_path() -> None:
    nodes = [counts("check", 1, 2), counts("clean", 3, 9)]
    assert critical_path(nodes, Upstream(decides.ir)) == ["check", "clean"]


def test_what_a_version_waits_for_is_found_out_once() -> None:
    upstreams = Upstreams(kept=2)
    first = upstreams.of(daily.ir, "v1")
    assert "total" in first
    assert "prepare.clean[]" not in first
    upstreams.of(daily.ir, "v2")
    assert upstreams.of(Pipeline(name="never looked at"), "v1") is first
    upstreams.of(daily.ir, "v3")
    assert "total" not in upstreams.of(Pipeline(name="forgotten"), "v2")


def test_bars_of_maps_are_left_out_and_folded_ones_keep_their_count() -> None:
    bars = [
        TimelineBar(task="prepare.clean[]", state=TaskState.SUCCEEDED, ready_us=1, started_us=1, finished_us=9),
        TimelineBar(task="prepare.clean", state=TaskState.FAILED, ready_us=1, started_us=2, finished_us=9, count=80),
        TimelineBar(task="total", map_index=(), state=TaskState.RUNNING, ready_us=9, started_us=10, finished_us=0),
    ]
    found = timeline(bars, [counts("prepare.clean", 2, 9)], Upstream(daily.ir))
    assert [(bar.task, bar.count, bar.critical) for bar in found.bars] == [
        ("prepare.clean", 80, True),
        ("total", 1, False),
    ]
