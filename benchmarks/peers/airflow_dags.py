"""The DAGs of the comparison: ten of 442 tasks in groups, one of 10,000."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup

from benchmarks.peers.airflow_shape import GROUPS, LARGE, MEMBERS, WIDE

BEGIN = datetime(2025, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - the environment may be of another Python


def wide(name: str) -> DAG:
    """Eleven groups of forty tasks."""
    with DAG(name, schedule=None, start_date=BEGIN, catchup=False, tags=["wide"]) as dag:
        source = EmptyOperator(task_id="extract")
        report = EmptyOperator(task_id="report")
        for n in range(GROUPS):
            with TaskGroup(f"stage_{n:02}"):
                load = EmptyOperator(task_id="load")
                for m in range(MEMBERS - 1):
                    source >> EmptyOperator(task_id=f"convert_{m}") >> load
                load >> report
    return dag


def large() -> DAG:
    """One task, then ten thousand beside each other."""
    with DAG("large", schedule=None, start_date=BEGIN, catchup=False) as dag:
        source = EmptyOperator(task_id="extract")
        for n in range(LARGE - 1):
            source >> EmptyOperator(task_id=f"convert_{n:04}")
    return dag


for dag_id in WIDE:
    globals()[dag_id] = wide(dag_id)
globals()["large"] = large()
