from tests.unit.engine.driving import Driver, mapped, pipeline, retries, task, value
from toque.engine.sourcing import attempt_inputs
from toque.engine.values import TaskKey
from toque.graph.expr import Const, Gather, Item, Ref
from toque.graph.ir import Axis


def test_a_chain_runs_in_order() -> None:
    d = Driver(pipeline(task("a"), task("b", "a", args=(Ref(node="a"),))))
    assert d.states("a", "b") == "ready waiting"
    d.succeed("a", number=5)
    assert d.states("a", "b") == "succeeded ready"
    d.dispatch("b")
    assert attempt_inputs(d.run, TaskKey("b")).sources["a"].ref == value(5)
    d.succeed("b")
    assert d.run_state == "succeeded"


def test_map_reduce() -> None:
    nodes = mapped("m", Const(value=[1, 2, 3]), kwargs={"x": Item(map="m[]", axis=0)})
    chained = mapped("c", Axis(source=Ref(node="m"), chained=True), member_after=("m",), args=(Ref(node="m"),))
    d = Driver(pipeline(nodes, chained, task("r", "c[]", args=(Gather(map="c[]"),))))
    assert d.wanted == {"m": 3}
    d.succeed("m", 0)
    assert d.state("c", 0) == "ready"
    d.fail("m", 1) if False else d.succeed("m", 1)
    d.succeed("m", 2)
    assert d.state("m[]") == "succeeded"
    for k in range(3):
        d.succeed("c", k, number=k)
    assert d.state("c[]") == "succeeded"
    d.dispatch("r")
    assert [v.ref for v in attempt_inputs(d.run, TaskKey("r")).sources["c[]"].items] == [value(0), value(1), value(2)]
    d.succeed("r")
    assert d.run_state == "succeeded"


def test_retry() -> None:
    d = Driver(pipeline(task("a", policy=retries(1, delay_s=2)), task("b", "a")))
    d.fail("a")
    assert d.state("a") == "retrying"
    d.pass_time(2)
    d.timer("retry", "a")
    d.fail("a")
    assert d.states("a", "b") == "failed upstream_failed"
    assert d.run_state == "failed"
    assert d.run_row.error is not None
