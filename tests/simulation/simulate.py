"""One seed from beginning to end: the disturbed world, the calm one, and the oracle, which must agree."""

from __future__ import annotations

from random import Random

from tests.simulation.faults import CALM, drawn
from tests.simulation.oracle import Oracle
from tests.simulation.pipelines import Author
from tests.simulation.store import StoredRun
from tests.simulation.world import Outcome, World
from toque.engine.facts import Dispatched, Reused, Started
from toque.engine.values import TaskKey
from toque.graph.ir import Pipeline, TaskNode


class Broken(AssertionError):
    """A seed that shows a defect; the message says how to see it again."""


def simulate(seed: int) -> None:
    """Run one seed. Raises `Broken`."""
    try:
        _simulate(seed)
    except Exception as problem:
        message = (
            f"seed {seed} (python -m tests.simulation --seeds 1 --from {seed}): {type(problem).__name__}: {problem}"
        )
        raise Broken(message) from problem


def _simulate(seed: int) -> None:
    pipeline = Author(seed).pipeline()
    faults = drawn(seed)
    calm = World(seed, pipeline, CALM).simulate()["run0"]
    oracle = Oracle(seed, pipeline)
    _agree("the calm world", calm, {key: (state, None) for key, state in oracle.states.items()}, oracle.run)
    world = World(seed, pipeline, faults, runs=1 + seed % 2)
    for outcome in world.simulate().values():
        if not faults.meddle:
            _agree("the disturbed world", outcome, dict(calm.tasks), calm.state)
    if seed % 3 == 0:
        rng = Random(f"rerun/{seed}")
        anew = tuple(node.id for node in pipeline.nodes if rng.random() < 0.1)
        world.create("rerun", origin="run0", reuse=anew)
        outcome = world.simulate()["rerun"]
        _hold_to_reuse(pipeline, world.store.runs["rerun"], set(anew))
        if not faults.meddle:
            # A flow that was taken over has no steps.
            outcome.tasks = {key: end for key, end in outcome.tasks.items() if "/" not in key.task}
            wanted = {key: (state, None) for key, (state, _) in calm.tasks.items() if "/" not in key.task}
            _agree("the rerun", outcome, wanted, calm.state)


def _hold_to_reuse(pipeline: Pipeline, rerun: StoredRun, anew: set[str]) -> None:
    """What was taken over did not run, is not what was to run anew, and depends on nothing that ran."""
    # Those that a host runs are begun, and never dispatched.
    ran = {fact.key for fact in rerun.facts if isinstance(fact, Dispatched | Started)}
    reused = {fact.key for fact in rerun.facts if isinstance(fact, Reused)}
    assert not ran & reused, f"taken over, and run again: {ran & reused}"
    for node in pipeline.nodes:
        own = {key for key in reused if key.task == node.id}
        assert not own or node.id not in anew, f"{node.id} was to run anew"
        hosted = {other.id for other in pipeline.nodes if isinstance(other, TaskNode) and other.host == node.id}
        for key in own:
            assert not any(TaskKey(name, key.map_index) in ran for name in hosted), f"{key} was to run some of {hosted}"
            for edge in node.upstream:
                source = TaskKey(edge.source, key.map_index)
                assert source not in ran, f"{key} was taken over, and {source} ran anew"


def _agree(what: str, outcome: Outcome, wanted: dict[TaskKey, tuple[str, bytes | None]], state: str) -> None:
    found = []
    for key in sorted({*outcome.tasks, *wanted}):
        has, wants = outcome.tasks.get(key), wanted.get(key)
        if has is None or wants is None or has[0] != wants[0] or (wants[1] is not None and has[1] != wants[1]):
            found.append(f"{key}: {has}, and not {wants}")
    assert not found, f"{what} ended differently:\n" + "\n".join(found)
    assert outcome.state == state, f"{what} ended {outcome.state}, and not {state}"
