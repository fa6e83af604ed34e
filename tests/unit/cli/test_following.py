"""A run that somebody else carries out is shown as it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from tests.unit.cli.conftest import run_row, version
from toque.cli.following import follow
from toque.cli.progress import Progress
from toque.cli.tally import Tally
from toque.engine import facts as f
from toque.engine.facts import AnyFact
from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.errors import NotFound
from toque.ports.store import Commit, FactBatch
from toque.store.memory import MemoryStore


class Seen:
    """A view that keeps what it was shown, and says when."""

    def __init__(self) -> None:
        self.news: list[AnyFact] = []
        self.shown = asyncio.Event()

    def begin(self, tally: Tally) -> None:
        """Nothing."""

    def facts(self, tally: Tally, news: Sequence[AnyFact]) -> None:
        self.news += news
        self.shown.set()

    def end(self) -> None:
        """Nothing."""


async def write(store: MemoryStore, row: RunRow, *news: AnyFact, state: RunState = RunState.RUNNING) -> RunRow:
    """The next transaction of whoever owns the run."""
    after = msgspec.structs.replace(row, state=state, fact_seq=row.fact_seq + len(news))
    batch = FactBatch(run_id=row.run_id, first_seq=row.fact_seq + 1, at_us=1, facts=[*news])
    await store.commit(Commit(instance=row.owner, runs=[msgspec.structs.replace(after)], facts=[batch]))
    return after


async def test_facts_are_shown_once_each_and_in_order_until_the_end() -> None:
    store, seen = MemoryStore(), Seen()
    progress = Progress(seen, quiet=True)
    await store.put_version(version(), make_current=True)
    row = run_row("r1", RunState.RUNNING, version="1111.aaaa", owner="somebody", fact_seq=0, finished_us=0)
    await store.create_run(row)
    following = asyncio.create_task(follow(store, "r1", progress, poll_s=0))
    started = f.Started(at_us=2, task="extract", attempt=1, started_us=2)
    row = await write(store, row, f.Readied(at_us=1, task="extract"), started)
    await seen.shown.wait()
    ended = f.RunFinished(at_us=3, state=RunState.CANCELLED)
    await write(store, row, ended, state=RunState.CANCELLED)
    assert (await following).state is RunState.CANCELLED
    assert [type(fact) for fact in seen.news] == [f.Readied, f.Started, f.RunFinished]
    tally = progress.tally("r1")
    assert tally is not None
    assert tally.pipeline == "flights"


async def test_a_run_that_is_removed_meanwhile_is_gone() -> None:
    with pytest.raises(NotFound, match="gone"):
        await follow(MemoryStore(), "r1", Progress(Seen(), quiet=True))
