"""The same figures of Airflow 3: its own api-server on PostgreSQL, with as many task instances in the same shapes.

No run is live meanwhile and neither scheduler nor DAG processor runs beside the server, which spares the machine what
Toque's live run takes from it: in Airflow's favour. Its pages are those that answer the same questions.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks import asking, browsing, processes
from benchmarks.browsing import Asked, Place
from benchmarks.pages import ASKED, Report, say
from benchmarks.peers.environments import interpreter
from benchmarks.postgres import postgresql

ROOT = Path(__file__).resolve().parent.parent
DAGS = Path(__file__).parent / "peers" / "airflow_dags.py"
TASK_RUNS = 1_000_000
LOG_LINES = 20_000
START_S = 180.0
BUSY = '[role="progressbar"], .chakra-skeleton:not([data-loaded]), [data-testid="skeleton"]'


@dataclass(frozen=True)
class Airflow:
    """A server that answers."""

    url: str
    version: str
    task_runs: int
    newest: Mapping[str, str]
    """The newest run of each DAG."""


@contextmanager
def airflow(task_runs: int = TASK_RUNS) -> Iterator[Airflow]:
    """With a history, until the block ends."""
    python = interpreter("airflow")
    home = Path(tempfile.mkdtemp(prefix="bench-airflow-"))
    with postgresql() as database:
        port = _free_port()
        env = _environment(home, database, port)
        try:
            (home / "dags").mkdir()
            shutil.copy(DAGS, home / "dags")
            for command in (["db", "migrate"], ["dags", "reserialize"]):
                say(f"airflow {' '.join(command)}")
                _airflow(python, command, home, env)
            say(f"writing {task_runs:,} task instances")
            fill = [str(python), "-m", "benchmarks.peers.airflow_history", "--task-runs", str(task_runs)]
            filled = json.loads(processes.run(fill, cwd=home, env=env, timeout_s=1200).stdout.splitlines()[-1])
            _write_log(home, filled["newest"]["arrivals"])
            version = _airflow(python, ["version"], home, env).split()[-1]
            with _server(python, port, home, env) as url:
                yield Airflow(url, version, filled["task_runs"], filled["newest"])
        finally:
            processes.kill_all_of(home)
            shutil.rmtree(home, ignore_errors=True)


def places(newest: Mapping[str, str]) -> list[Place]:
    """Pages of Airflow that answer the questions that Toque's do."""

    def run(dag_id: str) -> str:
        return f"/dags/{dag_id}/runs/{quote(newest[dag_id])}"

    row, cell, box = "tbody tr td", "a[id^='grid-']", ".react-flow__node"
    found = [
        ("home", "/", "[data-testid='main-content'] a[href*='dags']"),
        ("DAGs", "/dags", "[data-testid='main-content'] a[href*='/dags/arrivals']"),
        ("DAG of 442 tasks: grid", "/dags/arrivals", cell),
        ("DAG of 442 tasks: graph", "/dags/arrivals", box),
        ("DAG of 442 tasks: runs", "/dags/arrivals/runs", row),
        (
            "DAG of 442 tasks: calendar",
            "/dags/arrivals/calendar",
            "[data-testid='calendar-cell'][data-has-data='true']",
        ),
        ("DAG of 442 tasks: code", "/dags/arrivals/code", ".view-line"),
        ("all runs", "/dag_runs", row),
        ("all task instances", "/task_instances", row),
        ("run of 442 tasks: list of tasks", run("arrivals"), row),
        ("run of 442 tasks: graph", run("arrivals"), box),
        ("run of 442 tasks: log of a task", f"{run('arrivals')}/tasks/report", "[data-testid='virtualized-list']"),
        ("run of 10,000 tasks: list of tasks", run("large"), row),
        ("DAG of 10,000 tasks: grid", "/dags/large", cell),
        ("DAG of 10,000 tasks: graph", "/dags/large", box),
    ]
    return [Place(name, path, ready, BUSY, _GRAPH if ready == box else _GRID) for name, path, ready in found]


_GRID, _GRAPH = (f"localStorage.setItem('default_dag_view', '\"{view}\"')" for view in ("grid", "graph"))


def report(system: Airflow, rounds: int, only: str = "") -> Report:
    """Visit everything, then ask what the pages asked."""
    visits: dict[str, list[browsing.Visit]] = {}
    failures: dict[str, str] = {}
    asked = Asked()
    with browsing.chromium(system.url) as context:
        _sign_in(context, system.url)
        for number in range(rounds):
            for place in [each for each in places(system.newest) if only in each.name and each.name not in failures]:
                try:
                    seen = browsing.visit(context, place, asked, _is_query)
                except Exception as error:  # a page that its server cannot make is a result, too
                    failures[place.name] = f"{place.name}: {error}"
                    continue
                visits.setdefault(place.name, []).append(seen)
                say(f"round {number + 1} of {rounds}: Airflow, {place.name}, {seen.words}")
        cookies = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
    words = {quote(run_id): "RUN" for run_id in system.newest.values()}
    words |= dict.fromkeys(system.newest.values(), "RUN")
    answers = asking.ask(
        list(asked.addresses),
        {**asked.headers, "Cookie": cookies},
        rounds=ASKED,
        name=lambda address: asking.named(address, words),
    )
    figures = [browsing.figures_of(name, seen) for name, seen in visits.items()]
    return Report(f"Airflow {system.version}", system.task_runs, figures, answers, list(failures.values()), rounds)


def _write_log(home: Path, run_id: str) -> None:
    """As long as that of Toque's live run."""
    folder = home / "logs" / "dag_id=arrivals" / f"run_id={run_id}" / "task_id=report"
    folder.mkdir(parents=True)
    line = '{"timestamp":"2026-11-22T12:00:00.000000Z","event":"%05d read part-%02d.parquet: %d rows","level":"info"}\n'
    (folder / "attempt=1.log").write_text("".join(line % (n, n % 97, n * 7919 % 100_003) for n in range(LOG_LINES)))


def _sign_in(context: Any, url: str) -> None:
    page = context.new_page()
    page.goto(url + "/", wait_until="networkidle")
    page.close()


def _is_query(url: str) -> bool:
    path = urlsplit(url).path
    return path.startswith(("/ui/", "/api/v2/")) and "/auth/" not in path


def _airflow(python: Path, command: Sequence[str], home: Path, env: dict[str, str]) -> str:
    return processes.run([str(python), "-m", "airflow", *command], cwd=home, env=env, timeout_s=600).stdout


@contextmanager
def _server(python: Path, port: int, home: Path, env: dict[str, str]) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    command = [str(python), "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with open(home / "api-server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_answers(f"{url}/api/v2/version", process, home / "api-server.log")
        yield url
    finally:
        processes.end(process)


def _wait_until_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.5)
    raise RuntimeError(f"Airflow's api-server did not start: {log.read_text()[-800:]}")


def _environment(home: Path, database: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PYTHON"))}
    return {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
