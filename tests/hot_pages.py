"""What pages ask of the store: as cheap beside a long history as what a server does by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toque.engine.states import RunState, TaskState
from toque.ports.pages import NodeCounts, RunQuery, TaskQuery
from toque.store.sql.history import finding, overview, summaries, system, tasks
from toque.store.sql.history_tables import EVER, RUN_COUNTS, RUN_SUMMARIES, RUN_WORDS
from toque.store.sql.session import Session

ONE = "r000050"
QUARTER_US = 900_000_000
PIPELINES = [f"p{n}" for n in range(20)]

HOT_PAGES: dict[str, Callable[[Session], Any]] = {
    "page: newest runs": lambda s: finding.runs(s, RunQuery(limit=20)),
    "page: older runs": lambda s: finding.runs(s, RunQuery(before="r000090", limit=20)),
    "page: newer runs": lambda s: finding.runs(s, RunQuery(after="r000010", limit=20)),
    "page: runs of a pipeline": lambda s: finding.runs(s, RunQuery(pipeline="p1", limit=3)),
    "page: failed runs": lambda s: finding.runs(s, RunQuery(states=(RunState.FAILED,), limit=3)),
    "page: active runs of a pipeline": lambda s: finding.runs(
        s, RunQuery(pipeline="p1", states=(RunState.RUNNING, RunState.QUEUED))
    ),
    "page: runs of a rare trigger": lambda s: finding.runs(s, RunQuery(trigger="schedule")),
    "page: runs of a trigger": lambda s: finding.runs(s, RunQuery(trigger="manual", limit=3)),
    "page: failed runs of a pipeline and trigger": lambda s: finding.runs(
        s, RunQuery(pipeline="p1", trigger="manual", states=(RunState.FAILED,), limit=3)
    ),
    "page: runs of a backfill": lambda s: finding.runs(s, RunQuery(backfill_id="b1", pipeline="p1", limit=3)),
    "page: runs between two days": lambda s: finding.runs(s, RunQuery(from_us=10**15, to_us=2 * 10**15)),
    "page: runs by a word": lambda s: finding.runs(s, RunQuery(search="p1", limit=3)),
    "page: runs by id": lambda s: finding.runs(s, RunQuery(search="r00005", limit=3)),
    "page: named runs": lambda s: finding.get_runs(s, [ONE, "none"]),
    "page: pipelines": overview.pipelines,
    "page: strips": lambda s: overview.recent(s, PIPELINES, 3),
    "page: active counts": overview.active_counts,
    "page: attention": lambda s: overview.attention(s, 100),
    "page: calendar": lambda s: overview.calendar(s, "p1", 0, 50 * QUARTER_US, "Europe/Madrid"),
    "page: durations": lambda s: overview.durations(s, "p1", "", 3, ""),
    "page: durations of a task": lambda s: overview.durations(s, "p1", "u", 3, "") or "nothing",
    "page: a day": lambda s: overview.day(s, 10, 50, 20),
    "page: grid": lambda s: tasks.grid(s, "p1", ["t"], 3, ""),
    "page: nodes": lambda s: summaries.nodes(s, ONE),
    "page: nodes of an active run": lambda s: summaries.count(s, ONE),
    "page: task runs": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, limit=20, after=("t", (50,)))),
    "page: task runs above": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, limit=20, before=("t", (50,)))),
    "page: indexes": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, task="t", limit=20, after=("t", (50,)))),
    "page: an index": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, task="t", search="7")),
    "page: failed task runs": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, states=(TaskState.FAILED,))),
    "page: a task run": lambda s: tasks.task_run(s, ONE, "t", (1,)),
    "page: first failures": lambda s: tasks.first_failures(s, ONE, 5),
    "page: timeline": lambda s: tasks.timeline(s, ONE, 100) or "nothing",
    "page: holders": lambda s: system.holders(s, 100),
    "page: servers": lambda s: system.servers(s, lambda name: True) or "nothing",
    "page: totals": system.totals,
}


def sums(session: Session, run_count: int, tasks_a_run: int) -> None:
    """What the store would have written when the runs `r000000`… were created and ended."""
    node = NodeCounts(task="t", counts={TaskState.SUCCEEDED: tasks_a_run}, ready_us=0, started_us=0, finished_us=0)
    data = summaries.pack([node])
    ids = [f"r{n:06}" for n in range(run_count)]
    session.insert(RUN_SUMMARIES, RUN_SUMMARIES.column_names, [(run_id, tasks_a_run, data) for run_id in ids])
    words = [(f"p{n % 20}", run_id) for n, run_id in enumerate(ids)]
    session.insert(RUN_WORDS, RUN_WORDS.column_names, sorted(words))
    counts = [
        (pipeline, at_us, state.value, 3, 3 * tasks_a_run)
        for pipeline in PIPELINES
        for at_us in (EVER, *range(0, max(100, run_count // 10) * QUARTER_US, QUARTER_US))
        for state in (RunState.SUCCEEDED, RunState.FAILED)
    ]
    session.insert(RUN_COUNTS, RUN_COUNTS.column_names, counts)
