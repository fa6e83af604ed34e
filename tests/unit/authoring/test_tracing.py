"""What a pipeline's body becomes: nodes, expressions, edges."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.authoring import examples as e
from toque.authoring.branches import branch, one_of, when
from toque.authoring.holes import each, failures, ok, outcome, outcomes
from toque.authoring.pipelines import pipeline
from toque.authoring.setups import setup
from toque.authoring.shells import shell
from toque.graph import canonical
from toque.graph.expr import Const, DictOf, Gather, Item, ListOf, OutcomeOf, Param, Ref, RunReportOf, TupleOf
from toque.graph.ir import (
    Axis,
    CachePolicy,
    Edge,
    Guard,
    Inject,
    JoinNode,
    MapNode,
    Pipeline,
    PoolClaim,
    TaskNode,
)
from toque.graph.validate import validate
from toque.worker.context import Interval


def graph(body: Callable[..., Any], **options: Any) -> Pipeline:
    """The IR of a body; every graph of these tests keeps the invariants."""
    traced = pipeline(**options)(body).ir
    assert validate(traced) == []
    assert canonical.decode(canonical.encode(traced)) == traced
    return traced


def ids(ir: Pipeline) -> list[str]:
    return [node.id for node in ir.nodes]


def node(ir: Pipeline, name: str) -> TaskNode:
    (found,) = [node for node in ir.nodes if node.id == name]
    assert isinstance(found, TaskNode)
    return found


def map_node(ir: Pipeline, name: str) -> MapNode:
    (found,) = [node for node in ir.nodes if node.id == name]
    assert isinstance(found, MapNode)
    return found


def edges(ir: Pipeline, name: str) -> dict[str, str]:
    (found,) = [node for node in ir.nodes if node.id == name]
    return {edge.source: edge.kind for edge in found.upstream}


class TestCalls:
    def test_a_passed_result_is_an_edge(self) -> None:
        def body() -> int:
            return e.double(e.add(1, y=2))

        ir = graph(body)
        assert ids(ir) == ["add", "double"]
        assert node(ir, "add").kwargs == {"x": Const(1), "y": Const(2)}
        assert node(ir, "double").kwargs == {"x": Ref("add")}
        assert node(ir, "double").upstream == (Edge(source="add"),)
        assert ir.result == Ref("double")

    def test_arguments_are_named_wherever_python_allows(self) -> None:
        def by_position() -> None:
            e.add(1, 2)

        def by_name() -> None:
            e.add(y=2, x=1)

        by_position.__qualname__ = by_name.__qualname__ = by_name.__name__ = by_position.__name__ = "body"
        assert canonical.content_hash(graph(by_position)) == canonical.content_hash(graph(by_name))

    def test_after_waits_without_a_value(self) -> None:
        def body() -> None:
            first = e.extract("a")
            e.double.after(first)(1)

        assert edges(graph(body), "double") == {"extract": "order"}

    def test_a_value_and_after_are_one_edge_of_the_stronger_kind(self) -> None:
        def body() -> None:
            first = e.double(1)
            e.is_big.after(first)(first)

        assert edges(graph(body), "is_big") == {"double": "data"}

    def test_parts_of_results_are_taken_at_run_time(self) -> None:
        def body(page: dict[str, int]) -> None:
            e.extract(e.fetch_page("u").title)
            number, text = e.pair(1)
            e.double(number)
            e.extract.options(name="second")(text)
            e.is_big(page["k"])

        ir = graph(body)
        assert node(ir, "extract").kwargs == {"table": Ref("fetch_page", (("attr", "title"),))}
        assert node(ir, "double").kwargs == {"x": Ref("pair", (("item", 0),))}
        assert node(ir, "second").kwargs == {"table": Ref("pair", (("item", 1),))}
        assert node(ir, "is_big").kwargs == {"x": Param("page", (("item", "k"),))}

    def test_results_are_found_in_literals(self) -> None:
        def body(n: int) -> Any:
            a = e.double(1)
            e.total([a, 3, n])
            return {"a": a, "rest": (a, [1])}

        ir = graph(body)
        assert node(ir, "total").kwargs == {"parts": ListOf((Ref("double"), Const(3), Param("n")))}
        assert edges(ir, "total") == {"double": "data"}
        assert ir.result == DictOf((("a", Ref("double")), ("rest", TupleOf((Ref("double"), Const([1]))))))

    @pytest.mark.parametrize("value", [None, 1.5, Decimal("1.0"), Path("a"), e.Size.BIG, (1, 2), {1: "x"}])
    def test_constants_keep_their_type(self, value: Any) -> None:
        from toque.graph import constants

        def body() -> None:
            e.extract(value)

        const = node(graph(body), "extract").kwargs["table"]
        assert isinstance(const, Const)
        back = constants.decode(const.value)
        assert back == value
        assert type(back) is type(value) or isinstance(value, Path)

    def test_options_become_policies(self) -> None:
        def body() -> None:
            e.everything("a")

        found = node(graph(body), "everything")
        policy = found.policy
        assert policy.retry is not None
        assert (policy.retry.times, policy.retry.delay_s, policy.retry.backoff) == (3, 300.0, 2.0)
        assert (policy.retry.cap_s, policy.retry.jitter, policy.retry.classes) == (3600.0, True, ("transient",))
        assert [ref.qualname for ref in policy.retry.exceptions] == ["TimeoutError"]
        assert (policy.timeout_s, policy.deadline_s, policy.priority) == (600.0, 7200.0, 5)
        assert policy.pools == (PoolClaim(pool="api"), PoolClaim(pool="db", slots=2))
        assert (policy.concurrency_key, policy.cache) == ("{table}", CachePolicy(expires_s=86400.0))
        assert (policy.memory_limit_bytes, found.meta.owner, found.meta.tags) == (512_000_000, "data", ("raw",))
        assert found.meta.doc == "Has all options."

    def test_options_of_a_call_leave_the_task_as_it_was(self) -> None:
        def body() -> None:
            e.extract.options(name="eu", retries=2, retry_delay="1m")("a")
            e.extract("b")

        ir = graph(body)
        eu = node(ir, "eu").policy.retry
        assert eu is not None
        assert (eu.times, eu.delay_s) == (2, 60.0)
        assert node(ir, "extract").policy.retry is None

    def test_what_the_worker_supplies_is_no_argument(self) -> None:
        def body() -> None:
            e.supplied("monday")

        found = node(graph(body), "supplied")
        assert found.kwargs == {"day": Const("monday")}
        assert {name: (inject.kind, inject.name) for name, inject in found.inject.items()} == {
            "api": ("resource", ""),
            "window": ("context", "Interval"),
            "token": ("secret", "token"),
            "limit": ("variable", "limit"),
        }
        assert found.policy.pools == (PoolClaim(pool="connection:shop"),)

    def test_a_pipeline_hands_on_what_it_is_supplied(self) -> None:
        from toque.authoring.supplies import use

        def body(year: int = 1, window: Interval = use(Interval)) -> None:
            e.extract(window)  # type: ignore[arg-type]

        ir = graph(body)
        assert node(ir, "extract").inject == {"table": Inject(kind="context", name="Interval")}
        assert list(ir.parameters["properties"]) == ["year"]

    def test_a_flow_is_one_node(self) -> None:
        def body() -> None:
            e.sync_flow(3)

        found = node(graph(body), "sync_flow")
        assert (found.kind, found.policy.executor) == ("flow", "flow")

    def test_a_shell_task_carries_its_command(self) -> None:
        def body(path: str) -> None:
            shell("wc -l {path}", exits={1: "skip"})(path=path)

        found = node(graph(body), "wc")
        assert found.code.qualname == "run_shell"
        assert found.args[0] == Const("wc -l {path}")
        assert found.kwargs == {"path": Param("path")}
        assert found.meta.doc == "`wc -l {path}`"

    def test_hooks_wait_for_nothing_and_are_told_of_the_run(self) -> None:
        def body() -> None: ...

        found = node(graph(body, on_failure=e.report), "report")
        assert (found.hook, found.upstream, found.kwargs) == ("on_failure", (), {"run": RunReportOf()})

    def test_the_body_runs_once(self) -> None:
        runs: list[int] = []

        @pipeline
        def counted() -> None:
            runs.append(1)

        assert counted.ir is counted.ir
        assert runs == [1]


class TestMaps:
    def test_a_mapped_task_is_a_map_node_and_its_member(self) -> None:
        def body() -> int:
            return e.total(e.add.map(x=3, y=each(range(4))))

        ir = graph(body)
        assert ids(ir) == ["add[]", "add", "total"]
        opened = map_node(ir, "add[]")
        assert opened.axes == (Axis(source=Const({"$": "range", "v": [0, 4, 1]})),)
        assert opened.result == Ref("add")
        assert node(ir, "add").scope == "add[]"
        assert node(ir, "add").kwargs == {"x": Const(3), "y": Item("add[]", 0)}
        assert node(ir, "total").kwargs == {"parts": Gather("add[]")}
        assert edges(ir, "total") == {"add[]": "data"}

    def test_what_members_need_from_outside_the_map_node_waits_for(self) -> None:
        def body() -> None:
            e.add.map(e.double(1), each([1]))

        ir = graph(body)
        assert edges(ir, "add[]") == {"double": "data"}
        assert edges(ir, "add") == {}

    def test_the_length_of_a_list_is_asked_of_its_task(self) -> None:
        def body() -> None:
            e.double.map(each(e.numbers(3)))
            e.extract.map(each(e.fetch_page("u").links))

        ir = graph(body)
        assert node(ir, "numbers").lengths == ((),)
        assert node(ir, "fetch_page").lengths == ((("attr", "links"),),)

    def test_two_marks_zip_or_cross(self) -> None:
        def body() -> None:
            e.add.map(each([1, 2]), each([3, 4]))
            e.add.options(name="crossed").product(each([1, 2]), each([3, 4]))

        ir = graph(body)
        assert [map_node(ir, name).mode for name in ("add[]", "crossed[]")] == ["zip", "product"]
        assert node(ir, "add").kwargs == {"x": Item("add[]", 0), "y": Item("add[]", 1)}

    def test_a_map_of_a_map_follows_it_index_by_index(self) -> None:
        def body() -> None:
            e.is_big.map(each(e.double.map(each([1, 2]))))

        ir = graph(body)
        assert map_node(ir, "is_big[]").axes == (Axis(source=Ref("double"), chained=True),)
        assert edges(ir, "is_big[]") == {}
        assert edges(ir, "is_big") == {"double": "data"}

    def test_the_product_of_a_map_waits_for_the_whole(self) -> None:
        def body() -> None:
            e.add.product(each(e.double.map(each([1, 2]))), each([1]))

        ir = graph(body)
        assert map_node(ir, "add[]").axes[0] == Axis(source=Gather("double[]"))
        assert edges(ir, "add[]") == {"double[]": "data"}

    def test_a_mapped_group_holds_all_its_tasks(self) -> None:
        def body() -> int:
            return e.grand_total(e.doubled.map(each([1, 2])))

        ir = graph(body)
        assert ids(ir) == ["doubled[]", "doubled.numbers", "doubled.double[]", "doubled.double", "grand_total"]
        assert [found.scope for found in ir.nodes] == ["", "doubled[]", "doubled[]", "doubled.double[]", ""]
        assert map_node(ir, "doubled[]").result == Gather("doubled.double[]")
        assert edges(ir, "doubled.double[]") == {"doubled.numbers": "data"}

    def test_a_mapped_group_that_returns_nothing_has_no_result(self) -> None:
        def body() -> None:
            done = e.nothing.map(each([1]))
            e.extract.after(done)("a")

        ir = graph(body)
        assert map_node(ir, "nothing[]").result is None
        assert edges(ir, "extract") == {"nothing[]": "order"}

    def test_a_condition_inside_a_mapped_group_stays_inside(self) -> None:
        def body() -> None:
            e.decided.map(each([1]))

        ir = graph(body)
        assert node(ir, "decided.drop").guards[0].node == "decided.is_big"
        assert node(ir, "decided.drop").scope == "decided[]"

    def test_tolerated_holes_are_visible_where_they_are_read(self) -> None:
        def body() -> None:
            parts = e.double.options(tolerate="2%").map(each([1]))
            e.worst(ok(parts), failures(parts))
            e.drop(outcomes(parts))  # type: ignore[arg-type]

        ir = graph(body)
        assert map_node(ir, "double[]").tolerate == 0.02
        assert node(ir, "worst").kwargs == {"parts": Gather("double[]", "ok"), "bad": Gather("double[]", "failures")}
        assert node(ir, "drop").kwargs == {"x": Gather("double[]", "outcome")}

    def test_a_literal_of_results_can_be_iterated(self) -> None:
        def body() -> None:
            e.is_big.map(each([e.double(1), 4]))

        ir = graph(body)
        assert map_node(ir, "is_big[]").axes == (Axis(source=ListOf((Ref("double"), Const(4)))),)
        assert edges(ir, "is_big[]") == {"double": "data"}

    def test_an_item_that_is_a_list_gets_a_task_run_that_counts_it(self) -> None:
        def body(files: list[list[int]]) -> None:
            from toque.authoring.groups import group

            @group
            def sums(items: list[int]) -> list[int]:
                return e.double.map(each(items))

            sums.map(each(files))

        ir = graph(body)
        counted = node(ir, "sums.each.items")
        assert (counted.code.qualname, counted.lengths) == ("identity", ((),))
        assert map_node(ir, "sums.double[]").axes == (Axis(source=Ref("sums.each.items")),)

    def test_a_trigger_rule_of_a_mapped_task_is_the_maps(self) -> None:
        def body() -> None:
            e.double.options(trigger_rule="all_done").after(e.extract("a")).map(each([1]))

        ir = graph(body)
        assert map_node(ir, "double[]").rule == "all_done"
        assert node(ir, "double").rule == "all_success"


class TestBranches:
    def test_both_sides_of_a_condition(self) -> None:
        def body() -> None:
            with when(e.is_big(1)) as big:
                a = e.extract("a")
            with big.otherwise():
                b = e.extract.options(name="other")("b")
            e.drop(one_of(a, b))  # type: ignore[arg-type]

        ir = graph(body)
        assert node(ir, "is_big").exports == ((),)
        assert node(ir, "extract").guards == (Guard(node="is_big", export=0, test="equals", values=(True,)),)
        assert node(ir, "other").guards == (Guard(node="is_big", export=0, test="differs", values=(True,)),)
        assert edges(ir, "extract") == {"is_big": "order"}
        join = ir.nodes[3]
        assert isinstance(join, JoinNode)
        assert (join.id, join.rule) == ("extract+other", "none_failed_min_one_success")
        assert join.sources == (Ref("extract"), Ref("other"))
        assert node(ir, "drop").kwargs == {"x": Ref("extract+other")}

    def test_cases_and_what_is_left(self) -> None:
        def body() -> None:
            way = branch(e.kind(1))
            with way.case("small"):
                e.extract("a")
            with way.otherwise():
                e.double(1)

        ir = graph(body)
        assert node(ir, "extract").guards == (Guard(node="kind", export=0, test="equals", values=("small",)),)
        assert node(ir, "double").guards == (Guard(node="kind", export=0, test="differs", values=("small",)),)

    def test_the_cases_of_an_enum_are_its_values(self) -> None:
        def body() -> None:
            with branch(e.size(1)).case(e.Size.BIG):
                e.extract("a")

        ir = graph(body)
        assert node(ir, "size").exports == ((("attr", "value"),),)
        assert node(ir, "extract").guards[0].values == ("big",)

    def test_conditions_nest(self) -> None:
        def body() -> None:
            with when(e.is_big(1)), when(e.is_big.options(name="inner")(2)):
                e.extract("a")

        ir = graph(body)
        assert [guard.node for guard in node(ir, "extract").guards] == ["is_big", "inner"]
        assert [guard.node for guard in node(ir, "inner").guards] == ["is_big"]

    def test_a_parameter_as_a_condition_gets_a_task_run(self) -> None:
        def body(full: bool = False) -> None:
            with when(full):
                e.extract("a")
            with when(full):
                e.double(1)

        ir = graph(body)
        assert ids(ir) == ["when.full", "extract", "double"]
        assert node(ir, "when.full").kwargs == {"value": Param("full")}

    def test_a_condition_of_the_pipeline_holds_in_a_mapped_group(self) -> None:
        def body() -> None:
            from toque.authoring.groups import group

            flag = e.is_big(1)

            @group
            def each_one(x: int) -> None:
                with when(flag):
                    e.drop(x)

            each_one.map(each([1]))

        ir = graph(body)
        assert node(ir, "each_one.drop").guards[0].node == "is_big"
        assert edges(ir, "each_one[]") == {"is_big": "order"}

    def test_a_part_of_a_branch_gets_a_task_run_before_it_is_joined(self) -> None:
        def body() -> None:
            with when(e.is_big(1)) as big:
                a = e.pair(1)
            with big.otherwise():
                b = e.double(1)
            e.drop(one_of(a[0], b))

        ir = graph(body)
        assert node(ir, "part.pair_0").kwargs == {"value": Ref("pair", (("item", 0),))}
        join = ir.nodes[-2]
        assert isinstance(join, JoinNode)
        assert join.sources == (Ref("part.pair_0"), Ref("double"))

    def test_an_outcome_lets_its_reader_start_whatever_it_was(self) -> None:
        def body() -> None:
            e.drop(outcome(e.double(1)))  # type: ignore[arg-type]

        ir = graph(body)
        assert node(ir, "drop").kwargs == {"x": OutcomeOf("double")}
        assert edges(ir, "drop") == {"double": "outcome"}


class TestSetups:
    def test_the_teardown_waits_for_everything_in_the_block(self) -> None:
        def body() -> None:
            with setup(e.double(4), teardown=e.drop) as cluster:
                first = e.add(cluster, 1)
                e.is_big(first)
                e.extract("unrelated")
                e.numbers.map(each([1]))

        ir = graph(body)
        assert edges(ir, "extract") == {"double": "gate"}
        assert edges(ir, "is_big") == {"add": "data"}
        teardown = node(ir, "drop")
        assert (teardown.rule, teardown.teardown_of) == ("teardown", "double")
        assert teardown.upstream[0] == Edge(source="double")
        assert edges(ir, "drop") == {
            "double": "data",
            "add": "order",
            "is_big": "order",
            "extract": "order",
            "numbers[]": "order",
        }

    def test_setups_nest(self) -> None:
        def body() -> None:
            inner = e.drop.options(name="inner_drop")
            with setup(e.double(1), teardown=e.drop), setup(e.add(1, 2), teardown=inner):
                e.extract("a")

        ir = graph(body)
        assert edges(ir, "add") == {"double": "gate"}
        assert edges(ir, "inner_drop") == {"add": "data", "extract": "order"}
        assert set(edges(ir, "drop")) == {"double", "add", "extract", "inner_drop"}


class TestGroups:
    def test_a_group_is_inlined_under_its_name(self) -> None:
        def body() -> int:
            return e.total(e.doubled(3))

        ir = graph(body)
        assert ids(ir) == ["doubled.numbers", "doubled.double[]", "doubled.double", "total"]
        assert {found.meta.group for found in ir.nodes} == {"doubled", ""}
        assert node(ir, "total").kwargs == {"parts": Gather("doubled.double[]")}

    def test_a_pipeline_in_a_pipeline_is_a_group(self) -> None:
        def body() -> int:
            return e.double(e.inner())

        assert ids(graph(body)) == [
            "inner.doubled.numbers",
            "inner.doubled.double[]",
            "inner.doubled.double",
            "inner.total",
            "double",
        ]

    def test_a_pipeline_can_be_mapped(self) -> None:
        def body() -> list[int]:
            return e.inner.map(each([1, 2]))

        ir = graph(body)
        assert map_node(ir, "inner[]").result == Ref("inner.total")
        assert ir.result == Gather("inner[]")

    def test_after_a_group_means_after_its_last_tasks(self) -> None:
        def body() -> None:
            done = e.nothing(1)
            e.extract.after(done)("a")

        assert edges(graph(body), "extract") == {"nothing.drop": "order"}

    def test_a_group_that_waits_holds_back_its_first_tasks(self) -> None:
        def body() -> None:
            e.doubled.after(e.extract("a"))(3)

        ir = graph(body)
        assert edges(ir, "doubled.numbers") == {"extract": "order"}
        assert edges(ir, "doubled.double[]") == {"doubled.numbers": "data"}
