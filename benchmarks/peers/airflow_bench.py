"""Airflow: `airflow standalone` with its LocalExecutor on SQLite, TaskFlow tasks, runs triggered through its API.

The chain hands each task the result of the one before as an XCom and has 8 tasks, the fan-out is a mapped task of 50
indexes whose results one last task reads. The scheduler, the executor and the API are as they come; only the list of
DAGs is taken from the files right away, the examples are left out, and nobody signs in.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.protocol import measure, report, sizes_from_arguments

DAGS = """
import json, time
from pathlib import Path
from airflow.sdk import dag, get_current_context, task

@dag(schedule=None)
def chain():
    @task
    def link(before):
        return [*before, time.time_ns()]

    @task
    def keep(stamps, **context):
        Path("{folder}", context["run_id"]).write_text(json.dumps(stamps))

    stamps = []
    for _ in range({chain}):
        stamps = link(stamps)
    keep(stamps)

@dag(schedule=None, params={{"count": 1}})
def fanout():
    @task
    def numbers(**context):
        return list(range(context["params"]["count"]))

    @task
    def same(x):
        return x

    @task
    def keep(xs, **context):
        Path("{folder}", context["run_id"]).write_text(json.dumps(list(xs)))

    keep(same.expand(x=numbers()))

chain()
fanout()
"""
START_S = 240.0
RUN_S = 200.0


class Server:
    """A running Airflow."""

    def __init__(self, url: str, answers: Path) -> None:
        self.url = url
        self.answers = answers
        self._runs = 0
        self._token = ""

    def chain(self, length: int) -> Sequence[int]:
        """A run of the DAG, which has as many links."""
        del length
        stamps: list[int] = self._run("chain", {})
        return stamps

    def fanout(self, xs: Iterable[int]) -> Sequence[int]:
        """A run of the mapped task."""
        results: list[int] = self._run("fanout", {"count": len(list(xs))})
        return results

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Its API."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def wait_until_ready(self, process: subprocess.Popen[Any]) -> None:
        """Everything of it runs, and both DAGs are known."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self._token = self.ask("/auth/token")["access_token"]
                health = self.ask("/api/v2/monitor/health")
                dags = {dag["dag_id"] for dag in self.ask("/api/v2/dags")["dags"]}
            except (OSError, ValueError):
                health, dags = {}, set()
            if health.get("scheduler", {}).get("status") == "healthy" and dags == {"chain", "fanout"}:
                return
            time.sleep(0.5)
        raise RuntimeError("Airflow did not start; see server.log")

    def _run(self, dag: str, conf: dict[str, Any]) -> Any:
        self._runs += 1
        run_id = f"run-{self._runs}"
        self.ask(f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "conf": conf})
        answer = self.answers / run_id
        deadline = time.monotonic() + RUN_S
        while not (answer.exists() and answer.read_text()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a run of {dag} has not ended after {RUN_S:.0f} s")
            time.sleep(0.005)
        return json.loads(answer.read_text())


@contextmanager
def server(length: int) -> Iterator[Server]:
    """`airflow standalone` in this folder, until the block ends."""
    home = Path.cwd() / "airflow"
    answers = home / "answers"
    for folder in (home / "dags", answers):
        folder.mkdir(parents=True)
    (home / "dags" / "bench.py").write_text(DAGS.format(folder=answers, chain=length))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    airflow = (sys.executable, "-m", "airflow")
    with open("server.log", "wb") as log:
        for command in (["db", "migrate"], ["dags", "reserialize"]):
            subprocess.run((*airflow, *command), env=environ, stdout=log, stderr=log, check=True)
        process = subprocess.Popen(
            (*airflow, "standalone"), env=environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        found = Server(f"http://127.0.0.1:{port}", answers)
        found.wait_until_ready(process)
        yield found
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sizes = sizes_from_arguments()
    with server(sizes.chain) as airflow:
        figures = measure(sizes, version("apache-airflow"), airflow.chain, airflow.fanout)
    report(figures)
