"""One random sequence of operations through all three stores: they answer the same after every step.

The memory store is the model. A step that is refused must be refused by all three, for the same reason.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests import store_rows as rows
from tests.postgres import PostgresServer
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RUN_TERMINAL, RunState, TaskState
from toque.errors import ToqueBug, UserError
from toque.ports.store import Commit, OwnershipLost, PoolFull, RunFilter, Store, TaskFilter
from toque.store import open_store

T = TypeVar("T")

RUN_IDS = st.sampled_from([f"r{n}" for n in range(6)])
TASKS = st.sampled_from(["a", "b[]", "é/x"])
INDEXES = st.lists(st.sampled_from([0, 1, 255, 256, 2**32 - 1]), max_size=2).map(tuple)
INSTANCES = st.sampled_from(["i1", "i2", "i3"])
OWNERS = st.sampled_from(["", "i1", "i2", "i3"])
POOLS = st.sampled_from(["p", "q"])
HOLDERS = st.sampled_from(["h1", "h2", "h3"])
TIMES = st.integers(0, 50)
TEXT = st.sampled_from(["", "ä", "\0", "'; DROP TABLE runs; --", "%s ?"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)

run_rows: st.SearchStrategy[RunRow] = st.builds(
    lambda run_id, state, **fields: rows.run(
        run_id, state=state, **fields, finished_us=0 if state not in RUN_TERMINAL else 1 + len(fields["reason"])
    ),
    RUN_IDS,
    st.sampled_from(RunState),
    pipeline=st.sampled_from(["p", "q"]),
    owner=OWNERS,
    origin_run=st.just("") | RUN_IDS,
    reason=TEXT,
    parameters=st.dictionaries(TEXT, JSON, max_size=2),
    fact_seq=st.integers(0, 3),
)
task_rows: st.SearchStrategy[TaskRow] = st.builds(
    lambda run_id, task, index, **fields: rows.task(task, index, run_id, **fields),
    RUN_IDS,
    TASKS,
    INDEXES,
    state=st.sampled_from(TaskState),
    handle=JSON,
    started_us=TIMES,
    reason=TEXT,
)
attempts = st.builds(
    lambda run_id, task, index, number: rows.attempt(number, task, index, run_id),
    RUN_IDS,
    TASKS,
    INDEXES,
    st.integers(1, 3),
)
fact_batches = st.builds(
    lambda run_id, first, count: rows.facts(first, count, run_id),
    RUN_IDS,
    st.sampled_from([1, 4, 7, 107]),
    st.sampled_from([1, 3, 100]),
)
holds = st.builds(
    lambda pool, holder, slots, limit: rows.hold(holder, slots, limit=limit, pool=pool),
    POOLS,
    HOLDERS,
    st.integers(1, 2),
    st.integers(1, 3),
)
messages = st.builds(
    lambda dedup, due, tries: rows.message(dedup, due_us=due, tries=tries),
    st.sampled_from(["m1", "m2", "m3"]),
    TIMES,
    st.integers(0, 2),
)


def few(items: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    return st.lists(items, max_size=3)


commits = st.builds(
    Commit,
    instance=INSTANCES,
    runs=few(run_rows),
    tasks=few(task_rows),
    attempts=few(attempts),
    steps=few(st.builds(lambda run_id, name: rows.step(name, run_id), RUN_IDS, TASKS)),
    facts=few(fact_batches),
    acquire=few(holds),
    release=few(st.tuples(POOLS, HOLDERS)),
    outbox=few(messages),
    outbox_done=few(st.sampled_from(["m1", "m2", "m3"])),
    counters=st.dictionaries(st.sampled_from(["x", "y"]), st.integers(-2, 5)),
)


class _Differential(RuleBasedStateMachine):
    """Drives the stores; `urls` is set by the test."""

    urls: Callable[[], list[str]]

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._stores: list[Store] = []
        self._commands: list[list[int]] = []
        """Ids that the stores gave to one command each."""

    @initialize()
    def open(self) -> None:
        self._stores = [open_store(url) for url in type(self).urls()]
        self._all(lambda store: store.open())

    def teardown(self) -> None:
        for store in self._stores:
            self._loop.run_until_complete(store.close())
        self._loop.close()

    def _all(self, call: Callable[[Store], Awaitable[T]]) -> list[T]:
        """What each store answers."""

        async def gathered() -> list[T]:
            return list(await asyncio.gather(*(_outcome(call(store)) for store in self._stores)))

        return self._loop.run_until_complete(gathered())

    def _same(self, call: Callable[[Store], Awaitable[Any]]) -> Any:
        """The one answer of all stores."""
        model, *others = self._all(call)
        for store, other in zip(self._stores[1:], others, strict=True):
            assert other == model, f"{store.kind} answers {other!r}, memory {model!r}"
        return model

    @rule(batch=commits)
    def commit(self, batch: Commit) -> None:
        self._same(lambda store: store.commit(batch))

    @rule(batch=commits, data=st.data())
    def commit_as_owner(self, batch: Commit, data: st.DataObject) -> None:
        """Most random batches touch a run of somebody else; this one does not."""
        mine = [run.run_id for run in self._same(lambda s: s.list_runs(RunFilter(owner=batch.instance)))]
        batch.runs = [run for run in batch.runs if run.run_id in mine]
        batch.tasks = [row for row in batch.tasks if row.run_id in mine]
        batch.attempts = [row for row in batch.attempts if row.run_id in mine]
        batch.steps = [row for row in batch.steps if row.run_id in mine]
        batch.facts = [row for row in batch.facts if row.run_id in mine]
        if self._commands and data.draw(st.booleans()):
            ids = data.draw(st.sampled_from(self._commands))
            outcomes = []
            for store, command in zip(self._stores, ids, strict=True):
                batch.commands_done = [command]
                outcomes.append(self._loop.run_until_complete(_outcome(store.commit(batch))))
            assert all(outcome == outcomes[0] for outcome in outcomes)
            return
        self._same(lambda store: store.commit(batch))

    @rule(run=run_rows, dedup=st.sampled_from(["", "", "d1", "d2"]))
    def create_run(self, run: RunRow, dedup: str) -> None:
        self._same(lambda store: store.create_run(run, dedup=dedup))

    @rule(instance=INSTANCES, dead=few(INSTANCES), limit=st.integers(1, 3))
    def adopt(self, instance: str, dead: list[str], limit: int) -> None:
        self._same(lambda store: store.adopt(instance, from_instances=dead, limit=limit))

    @rule(run_id=RUN_IDS, payload=st.dictionaries(TEXT, JSON, max_size=1))
    def put_command(self, run_id: str, payload: dict[str, Any]) -> None:
        ids = self._all(lambda store: store.put_command(rows.command(run_id, payload=payload)))
        self._commands.append(ids)

    @rule(before=TIMES, keep=st.integers(0, 2), limit=st.integers(1, 3))
    def prune(self, before: int, keep: int, limit: int) -> None:
        self._same(lambda store: store.prune(before_us=before, keep_last=keep, limit=limit))

    @rule(name=st.sampled_from(["v1", "v2"]), pipeline=st.sampled_from(["p", "q"]), at=TIMES, current=st.booleans())
    def put_version(self, name: str, pipeline: str, at: int, current: bool) -> None:
        version = rows.version(f"{pipeline}-{name}", pipeline=pipeline, created_us=at)
        self._same(lambda store: store.put_version(version, make_current=current))

    @rule(name=st.sampled_from(["p-v1", "p-v2", "q-v1"]), pipeline=st.sampled_from(["p", "q"]))
    def set_current(self, name: str, pipeline: str) -> None:
        self._same(lambda store: store.set_current(pipeline, name, actor="ann", now_us=1))

    @rule(
        pipeline=st.sampled_from(["", "p"]),
        states=few(st.sampled_from(RunState)).map(tuple),
        owner=st.none() | OWNERS,
        limit=st.integers(1, 4),
        before=st.just("") | RUN_IDS,
    )
    def list_runs(
        self, pipeline: str, states: tuple[RunState, ...], owner: str | None, limit: int, before: str
    ) -> None:
        where = RunFilter(pipeline=pipeline, states=states, owner=owner, limit=limit, before=before)
        self._same(lambda store: store.list_runs(where))

    @rule(
        run_id=RUN_IDS,
        task=st.just("") | TASKS,
        states=few(st.sampled_from(TaskState)).map(tuple),
        limit=st.integers(1, 3),
        after=st.none() | st.tuples(TASKS, INDEXES),
    )
    def list_tasks(
        self, run_id: str, task: str, states: tuple[TaskState, ...], limit: int, after: tuple[str, Any] | None
    ) -> None:
        where = TaskFilter(run_id=run_id, task=task, states=states, limit=limit, after=after)
        self._same(lambda store: store.list_tasks(where))

    @rule(run_id=RUN_IDS, task=TASKS, index=INDEXES, after=st.integers(0, 110))
    def look_closer(self, run_id: str, task: str, index: tuple[int, ...], after: int) -> None:
        self._same(lambda store: store.load_facts(run_id, after))
        self._same(lambda store: store.list_attempts(run_id, task, index))
        self._same(lambda store: store.count_tasks(run_id))

    @invariant()
    def everything_is_the_same(self) -> None:
        for run in self._same(lambda store: store.list_runs(RunFilter())) if self._stores else ():
            self._same(lambda store, run_id=run.run_id: store.load_run(run_id))
        self._same(lambda store: store.pool_usage())
        self._same(lambda store: store.counters())
        self._same(lambda store: store.list_outbox(100))
        self._same(lambda store: store.dead_instances())
        self._same(lambda store: store.list_versions())
        for pipeline in ("p", "q"):
            self._same(lambda store, name=pipeline: store.current_version(name))
        for instance in ("i1", "i2", "i3"):
            answers = self._all(lambda store, name=instance: store.list_commands(name))
            named = [
                [([ids[n] for ids in self._commands].index(row.id), row.run_id, row.payload) for row in answer]
                for n, answer in enumerate(answers)
            ]
            assert all(answer == named[0] for answer in named)


async def _outcome(call: Awaitable[T]) -> Any:
    """What `call` returns, or why it was refused, in a form that can be compared."""
    try:
        return await call
    except OwnershipLost as error:
        return ("lost", error.runs)
    except PoolFull as error:
        return ("full", error.used)
    except (ToqueBug, UserError) as error:
        return (type(error).__name__,)


@pytest.fixture
def urls(postgres: PostgresServer) -> Iterator[Callable[[], list[str]]]:
    """A maker of three empty places."""
    with tempfile.TemporaryDirectory() as folder:
        count = iter(range(1_000_000))
        made: list[str] = []

        def make() -> list[str]:
            while made:
                postgres.drop(made.pop())
            made.append(postgres.create())
            return ["memory:", f"sqlite:///{Path(folder, f'{next(count)}.db')}", made[0]]

        yield make
        while made:
            postgres.drop(made.pop())


def test_the_three_stores_answer_the_same_after_every_step(urls: Callable[[], list[str]]) -> None:
    class Differential(_Differential):
        pass

    Differential.urls = staticmethod(urls)
    run_state_machine_as_test(
        Differential,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
