"""What was missed of a run: the rows that facts after a given one have touched, as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from toque.api.stream.feed import Sources
from toque.engine.facts import TaskFact
from toque.engine.rows import RunRow, TaskRow
from toque.engine.values import MapIndex

MOST_FACTS = 2_000
MOST_ROWS = 500
"""Read one by one."""


@dataclass(frozen=True)
class Missed:
    """The rows that changed."""

    run: RunRow
    tasks: list[TaskRow] = field(default_factory=list)
    touched: frozenset[str] = frozenset()
    """Tasks of which some task run changed."""


async def missed(
    sources: Sources, run_id: str, after_seq: int, wants: Callable[[str, MapIndex], bool]
) -> Missed | None:
    """What facts after `after_seq` changed, task runs only as far as `wants` asks for them. None when there is no such
    run, or it is too much to tell."""
    run = (await sources.history.get_runs([run_id])).get(run_id)
    if run is None or not 0 <= run.fact_seq - after_seq <= MOST_FACTS:
        return None
    if run.fact_seq == after_seq:
        return Missed(run)
    facts = [fact for _, fact in await sources.store.load_facts(run_id, after_seq) if isinstance(fact, TaskFact)]
    keys = dict.fromkeys(fact.key for fact in facts if wants(fact.task, fact.map_index))
    if len(keys) > MOST_ROWS:
        return None
    rows = [await sources.history.task_run(run_id, key.task, key.map_index) for key in keys]
    return Missed(run, [row for row in rows if row is not None], frozenset(fact.task for fact in facts))
