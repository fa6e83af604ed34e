"""One seed from beginning to end: the disturbed world, the calm one, and the oracle, which must agree."""

from __future__ import annotations

from tests.simulation.faults import CALM, drawn
from tests.simulation.oracle import Oracle
from tests.simulation.pipelines import Author
from tests.simulation.world import Outcome, World
from toque.engine.values import TaskKey


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
    disturbed = World(seed, pipeline, faults, runs=1 + seed % 2).simulate()
    if not faults.meddle:
        for outcome in disturbed.values():
            _agree("the disturbed world", outcome, dict(calm.tasks), calm.state)


def _agree(what: str, outcome: Outcome, wanted: dict[TaskKey, tuple[str, bytes | None]], state: str) -> None:
    found = []
    for key in sorted({*outcome.tasks, *wanted}):
        has, wants = outcome.tasks.get(key), wanted.get(key)
        if has is None or wants is None or has[0] != wants[0] or (wants[1] is not None and has[1] != wants[1]):
            found.append(f"{key}: {has}, and not {wants}")
    assert not found, f"{what} ended differently:\n" + "\n".join(found)
    assert outcome.state == state, f"{what} ended {outcome.state}, and not {state}"
