"""What pages ask of the store: as cheap beside a long history as what a server does by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests import trigger_rows as rows
from toque.engine.assets import Checked, Materialized
from toque.engine.rows import AssetEventRow
from toque.engine.states import BackfillState, RunState, SliceState, TaskState
from toque.ports.assets import DynamicKey, EventQuery, SliceRow
from toque.ports.backfills import BackfillStage, SliceQuery
from toque.ports.pages import NodeCounts, RunQuery, TaskQuery
from toque.store.sql import assets, backfills
from toque.store.sql.asset_tables import ASSET_EVENTS, ASSET_SLICES, FAILING_SLICES
from toque.store.sql.history import finding, overview, summaries, system, tasks
from toque.store.sql.history_tables import EVER, RUN_COUNTS, RUN_SUMMARIES, RUN_WORDS
from toque.store.sql.session import Session

ONE = "r000050"
QUARTER_US = 900_000_000
PIPELINES = [f"p{n}" for n in range(20)]
ASSETS = [f"a{n}" for n in range(20)]
FAILED = SliceState.FAILED

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
    "page: grid": lambda s: tasks.grid(s, "p1", ["t"], 3, "", {}),
    "page: nodes": lambda s: summaries.nodes(s, ONE),
    "page: nodes of an active run": lambda s: summaries.count(s, ONE),
    "page: task runs": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, limit=20, after=("t", (50,)))),
    "page: task runs above": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, limit=20, before=("t", (50,)))),
    "page: indexes": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, task="t", limit=20, after=("t", (50,)))),
    "page: an index": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, task="t", search="7")),
    "page: failed task runs": lambda s: tasks.task_runs(s, TaskQuery(run_id=ONE, states=(TaskState.FAILED,))),
    "page: a task run": lambda s: tasks.task_run(s, ONE, "t", (1,)),
    "page: first failures": lambda s: tasks.first_failures(s, ONE, 5),
    "page: timeline": lambda s: tasks.timeline(s, ONE, 100, None) or "nothing",
    "page: holders": lambda s: system.holders(s, 100),
    "page: servers": lambda s: system.servers(s, lambda name: True) or "nothing",
    "page: totals": system.totals,
    "page: assets": lambda s: [assets._known(s), assets._standings(s, ASSETS), assets._made_counts(s, ASSETS)],
    "page: slices of an asset": lambda s: assets._slices(s, "a1", None, 1000),
    "page: some slices": lambda s: assets._pick(s, "a1", ["k01", "k07", "none"]),
    "page: history of an asset": lambda s: assets._events(s, EventQuery(asset="a1", limit=3)),
    "page: older history of an asset": lambda s: assets._events(s, EventQuery(asset="a1", before=(40, "r"), limit=3)),
    "page: history of a slice": lambda s: assets._events(s, EventQuery(asset="a1", partition="k01", limit=3)),
    "page: rare events of an asset": lambda s: assets._events(s, EventQuery(asset="a1", kind="checked", limit=20)),
    "page: what a run told of": lambda s: assets._told_by(s, "r000001"),
    "page: what a task run told": lambda s: assets._told_in(s, "r000001", "t", ()),
    "page: failing slices": lambda s: assets._failing(s, 20),
    "page: dynamic partitions": lambda s: assets._dynamic(s, ["customers"]),
    "page: backfills": lambda s: backfills.list_backfills(s, "", 5, ""),
    "page: a backfill of assets": lambda s: backfills.get(s, "b2"),
    "page: matrix of a backfill": lambda s: backfills.slices(s, "b2", SliceQuery(limit=1000)),
    "page: what failed of a backfill": lambda s: backfills.slices(s, "b2", SliceQuery(states=(FAILED,), limit=5)),
}


def told(session: Session, run_count: int) -> None:
    """What the runs told of twenty assets, and a backfill of one of them among many that have ended."""
    made = (_event(n, f"a{n % 20}", f"k{n // 20 % 50:02}") for n in range(run_count))
    session.insert(ASSET_EVENTS, assets.EVENT.names, map(assets.EVENT.encode, made))
    verdict = Checked(asset="a1", check="unique", passed=False)
    checked = msgspec.structs.replace(_event(1, "a1", "k01"), n=1, kind="checked", event=verdict)
    session.insert(ASSET_EVENTS, assets.EVENT.names, [assets.EVENT.encode(checked)])
    slices = (
        SliceRow(
            asset=asset, partition=f"k{key:02}", materialized_us=key + 1, failing={"unique": "warn"} if not key else {}
        )
        for asset in ASSETS
        for key in range(50)
    )
    session.insert(ASSET_SLICES, assets.SLICE.names, map(assets.SLICE.encode, slices))
    session.insert(FAILING_SLICES, FAILING_SLICES.column_names, [(asset, "k00") for asset in ASSETS])
    assets.add_keys(session, [DynamicKey(name="customers", key=f"c{n}", added_us=n) for n in range(5)])
    stages = (BackfillStage(version="v", assets=("a1",), total=50),)
    for n in range(run_count // 100):
        ended = rows.backfill(f"b0{n:05}", state=BackfillState.SUCCEEDED, stages=stages)
        backfills.create(session, ended, rows.slices(ended.id, 5, state=SliceState.SUCCEEDED))
    found = rows.slices("b2", 50)
    for each in found[:5]:
        each.state = FAILED
    backfills.create(session, rows.backfill("b2", stages=stages), found)


def _event(n: int, asset: str, partition: str) -> AssetEventRow:
    return AssetEventRow(
        run_id=f"r{n:06}",
        task="t",
        attempt=1,
        n=0,
        pipeline="p",
        asset=asset,
        partition=partition,
        kind="materialized",
        at_us=n + 1,
        event=Materialized(asset=asset, partition=partition, data_version=f"{n}"),
    )


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
    told(session, run_count)
