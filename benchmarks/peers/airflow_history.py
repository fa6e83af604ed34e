"""Rows of ended runs for Airflow's metadata database on PostgreSQL, as its own scheduler leaves them, by COPY.

Runs in Airflow's environment, after `airflow db migrate` and `airflow dags reserialize`: the DAGs and their versions
are Airflow's own. Prints one JSON line: how many task instances there are, and the runs that pages are about.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2

from benchmarks.peers.airflow_shape import LARGE, WIDE, members

DAYS = 120
FAILING = 17
NOTHING = r"\N"
RUN_COLUMNS = (
    "dag_id, queued_at, logical_date, start_date, end_date, state, run_id, run_type, triggered_by, conf, "
    "data_interval_start, data_interval_end, run_after, log_template_id, created_at, updated_at, clear_number, "
    "bundle_version, span_status, created_dag_version_id"
)
TASK_COLUMNS = (
    "id, task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, "
    "hostname, unixname, pool, pool_slots, queue, priority_weight, operator, queued_dttm, scheduled_dttm, "
    "updated_at, span_status, task_display_name, dag_version_id"
)


def fill(link: Any, task_runs: int) -> dict[str, Any]:
    """As many runs of the wide DAGs as that takes, and one of the large one."""
    draw = random.Random(1)
    now = datetime.now(timezone.utc)  # noqa: UP017 - the environment may be of another Python
    cursor = link.cursor()
    cursor.execute("SELECT dag_id, id FROM dag_version")
    versions = dict(cursor.fetchall())
    runs = max(2, (task_runs - LARGE) // len(WIDE) // len(members(WIDE[0])))
    written, newest = 0, {}
    for dag_id in (*WIDE, "large"):
        count = 1 if dag_id == "large" else runs
        tasks = members(dag_id)
        for first in range(0, count, 50):
            numbers = range(first, min(count, first + 50))
            bars = [_run(dag_id, n, now - timedelta(days=DAYS) * (count - n - 1) / count, draw) for n in numbers]
            _copy(cursor, "dag_run", RUN_COLUMNS, (_run_row(bar, versions[dag_id]) for bar in bars))
            rows = (row for bar in bars for row in _task_rows(bar, tasks, versions[dag_id], draw))
            written += _copy(cursor, "task_instance", TASK_COLUMNS, rows)
            newest[dag_id] = bars[-1]["run_id"]
    link.commit()
    link.autocommit = True
    cursor.execute("VACUUM ANALYZE")
    return {"task_runs": written, "newest": newest}


def _run(dag_id: str, n: int, end: datetime, draw: random.Random) -> dict[str, Any]:
    end -= timedelta(minutes=2)
    start = end - timedelta(seconds=96 + draw.randrange(20))
    is_manual = n % 9 == 0
    logical = start.replace(microsecond=n)
    kind = "manual" if is_manual else "scheduled"
    state = "failed" if n % FAILING == FAILING - 1 else "success"
    run_id = f"{kind}__{logical.isoformat()}"
    return {"dag_id": dag_id, "run_id": run_id, "kind": kind, "state": state, "start": start, "end": end, "at": logical}


def _run_row(bar: dict[str, Any], version: str) -> tuple[Any, ...]:
    trigger = "TIMETABLE" if bar["kind"] == "scheduled" else "UI"
    start, end, at = bar["start"].isoformat(), bar["end"].isoformat(), bar["at"].isoformat()
    head = (bar["dag_id"], start, at, start, end, bar["state"], bar["run_id"], bar["kind"], trigger, "{}")
    return (*head, at, at, at, 1, start, end, 0, NOTHING, "not_started", version)


def _task_rows(bar: dict[str, Any], tasks: list[str], version: str, draw: random.Random) -> Iterator[tuple[Any, ...]]:
    """In waves; one of a failed run fails, what is behind it too."""
    breaks_at = draw.randrange(len(tasks)) if bar["state"] == "failed" else len(tasks)
    wave = (bar["end"] - bar["start"]) / 40
    per_wave = max(1, -(-len(tasks) // 40))
    for n, task in enumerate(tasks):
        state = "success" if n < breaks_at else "failed" if n == breaks_at else "upstream_failed"
        begin = bar["start"] + n // per_wave * wave
        took = wave * (60 + n % 40) / 100
        times = (begin.isoformat(), (begin + took).isoformat(), took.total_seconds())
        at = begin.isoformat()
        yield (
            *(_uuid7(begin, draw), task, bar["dag_id"], bar["run_id"], -1, *times, state, 1, 0, "cook", "cook"),
            *("default_pool", 1, "default", 1, "EmptyOperator", at, at, times[1], "not_started", task, version),
        )


def _uuid7(at: datetime, draw: random.Random) -> str:
    value = int(at.timestamp() * 1000) << 80 | 7 << 76 | draw.getrandbits(12) << 64 | 2 << 62 | draw.getrandbits(62)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _copy(cursor: Any, table: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> int:
    lines = ["\t".join(map(str, row)) for row in rows]
    cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("\n".join(lines) + "\n"))
    return len(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--task-runs", type=int, default=1_000_000)
    options = parser.parse_args()
    began = time.monotonic()
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    print(json.dumps({**fill(psycopg2.connect(url), options.task_runs), "seconds": time.monotonic() - began}))
