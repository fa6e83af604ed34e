"""Evolve: facts make the state, and an impossible fact is a bug that shows at once."""

from __future__ import annotations

import pytest

from tests.unit.engine.driving import Driver, mapped, pipeline, task
from toque.engine import facts as f
from toque.engine.run import evolve
from toque.engine.states import RunState
from toque.engine.values import ErrorInfo, Token
from toque.errors import ToqueBug
from toque.graph.expr import Const
from toque.graph.ir import MapNode

ERROR = ErrorInfo(kind="code", type="E", message="m")


@pytest.mark.parametrize(
    "fact",
    [
        f.Started(at_us=1, task="a", attempt=1, started_us=1),
        f.RetryScheduled(at_us=1, task="a", due_us=1),
        f.Deferred(at_us=1, task="waits", due_us=1),
        f.Dispatched(at_us=1, task="waits", attempt=1, token=Token(1, 1)),
    ],
)
def test_an_illegal_move_breaks(fact: f.AnyFact) -> None:
    d = Driver(pipeline(task("a"), task("waits", "a")))
    with pytest.raises(ToqueBug, match="cannot go from"):
        evolve(d.run, fact)


def test_a_second_end_breaks() -> None:
    d = Driver(pipeline(task("a"), task("b")))
    d.succeed("a")
    with pytest.raises(ToqueBug, match="cannot go from succeeded to failed"):
        evolve(d.run, f.Failed(at_us=1, task="a", error=ERROR))


def test_a_fact_about_nothing_breaks() -> None:
    d = Driver(pipeline(mapped("m", Const(value=[1]))))
    for name, index in (("nobody", ()), ("m", (4,)), ("m", ())):
        with pytest.raises(ToqueBug, match="does not exist"):
            evolve(d.run, f.Started(at_us=1, task=name, map_index=index, attempt=1, started_us=1))


def test_a_run_does_not_rise_again() -> None:
    d = Driver(pipeline(task("a")))
    d.succeed("a")
    with pytest.raises(ToqueBug, match="cannot go from succeeded to failed"):
        evolve(d.run, f.RunFinished(at_us=1, state=RunState.FAILED))


def test_a_member_before_its_map_is_no_graph() -> None:
    map_node = MapNode(id="m[]", axes=())
    with pytest.raises(ToqueBug, match="before the map node"):
        Driver(pipeline(task("m", scope="m[]"), map_node))
