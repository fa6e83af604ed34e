"""What a server does to its store all day: each must be cheap beside any history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests import store_rows as rows
from tests.hot_pages import HOT_PAGES
from toque.engine.states import RunState, TaskState
from toque.ports.store import RunFilter, TaskFilter
from toque.store.sql import commit, messages, prune, runs
from toque.store.sql.session import Session

ONE = "r000050"
"""A run of the history."""
COMMIT = rows.commit(
    runs=[rows.run("s1")],
    tasks=[rows.task("t", (n,), "s1", state=TaskState.RUNNING) for n in range(10)],
    facts=[rows.facts(1, 3, "s1")],
    attempts=[rows.attempt(1, run_id="s1")],
    acquire=[rows.hold("a")],
    release=[("pool", "a")],
    outbox=[rows.message("new")],
    outbox_done=["m1"],
    commands_done=[1],
    counters={"n": 1},
)
HOT: dict[str, Callable[[Session], Any]] = {
    "commit": lambda s: commit.commit(s, COMMIT),
    "create_run": lambda s: runs.create_run(s, rows.run("s9"), "tock"),
    "create_run again": lambda s: runs.create_run(s, rows.run("s8"), "tick1"),
    "load_run": lambda s: runs.load_run(s, ONE),
    "load_facts": lambda s: runs.load_facts(s, "r000001", 500),
    "adopt": lambda s: runs.adopt(s, "heir", ["dead1", rows.ME], 100),
    "holders": runs.holders,
    "newest runs": lambda s: runs.list_runs(s, RunFilter()),
    "a page of runs": lambda s: runs.list_runs(s, RunFilter(before="r000090")),
    "runs of a pipeline": lambda s: runs.list_runs(s, RunFilter(pipeline="p1", limit=5)),
    "failed runs": lambda s: runs.list_runs(s, RunFilter(states=(RunState.FAILED,), limit=5)),
    "queued runs of nobody": lambda s: runs.list_runs(s, RunFilter(states=(RunState.QUEUED,), owner="")),
    "unfinished runs of mine": lambda s: runs.list_runs(
        s, RunFilter(states=(RunState.RUNNING, RunState.SUSPENDED), owner=rows.ME)
    ),
    "active runs of a pipeline": lambda s: runs.list_runs(s, RunFilter(pipeline="p1", states=(RunState.RUNNING,))),
    "rare states of a pipeline": lambda s: runs.list_runs(
        s, RunFilter(pipeline="p1", states=(RunState.SUSPENDED, RunState.QUEUED))
    ),
    "a page of task runs": lambda s: runs.list_tasks(s, TaskFilter(run_id=ONE, limit=20, after=("t", (50,)))),
    "failed task runs": lambda s: runs.list_tasks(s, TaskFilter(run_id=ONE, states=(TaskState.FAILED,))),
    "attempts": lambda s: runs.list_attempts(s, ONE, "t", (1,)),
    "count_tasks": lambda s: runs.count_tasks(s, ONE),
    "commands": lambda s: messages.list_commands(s, rows.ME),
    "outbox": lambda s: messages.list_outbox(s, 10, 100),
    "pool_usage": messages.pool_usage,
    "current version": lambda s: messages.current_version(s, "p"),
    "versions of a pipeline": lambda s: messages.list_versions(s, "p", 2),
    "all versions": lambda s: messages.list_versions(s, "", 2),
    **HOT_PAGES,
    "prune": lambda s: prune.expired(s, 10**9, 3, 10),
}
