"""Pages beside 1,000,000 task runs and a live run of 10,000 tasks: interactive in a second, never stuck when scrolled.

`python -m benchmarks.pages [--project DIR] [--rounds N] [--airflow] [--write]` prints all figures; DIR is what
`benchmarks.history --generate` has made, and is used as it is. A real server, a real run that moves while it is looked
at, and Chromium on the same machine; what "interactive" means stands in `browsing`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import asking, browsing, history, places
from benchmarks.asking import Answers
from benchmarks.browsing import Asked, PageFigures
from benchmarks.measurement import Measurement
from benchmarks.project import PIPELINES, Project, existing, project, wait_for
from toque.client import Client, Refused, running_server
from toque.settings.tokens import known_token

INTERACTIVE_MS = 1_000
SCROLL_TASK_MS = 100
ANSWER_MS = 100
ROUNDS = 2
ASKED = 20
"""How often each question is asked."""
ALIVE = 9_000
"""A run that has ended as many of its tasks as this is followed by another one."""
RESULTS = Path(__file__).parent / "RESULTS.md"
_SETTINGS = """
[pools]
beat = 20

[connections.warehouse]
type = "duckdb"
path = "warehouse.duckdb"

[connections.drop]
type = "file"
path = "drop"
"""


@dataclass(frozen=True)
class Report:
    """Of one system."""

    system: str
    task_runs: int
    pages: list[PageFigures]
    answers: list[Answers]
    failures: list[str]
    visits: int = ROUNDS
    """Of each page."""


def measure() -> list[Measurement]:
    """For the table of budgets: the worst page, and what is over its budget."""
    with project() as place:
        asyncio.run(history.generate(place.path))
        return measurements(report(place, ROUNDS))


def measurements(found: Report) -> list[Measurement]:
    """The worst of each kind. Raises when a page could not be measured."""
    if found.failures:
        raise RuntimeError("; ".join(found.failures))
    slowest = max(found.pages, key=lambda page: page.interactive_ms)
    stuck = max(found.pages, key=lambda page: page.scrolling_ms)
    answer = max(found.answers, key=lambda each: each.p95_ms)
    count = len(found.pages)
    return [
        Measurement(
            f"{count} pages beside a live run of 10,000 tasks: slowest interactive",
            slowest.interactive_ms,
            "ms",
            at_most=INTERACTIVE_MS,
            note=slowest.name,
        ),
        Measurement(
            f"{count} pages, scrolled: longest task",
            stuck.scrolling_ms,
            "ms",
            at_most=SCROLL_TASK_MS,
            note=stuck.name,
        ),
        Measurement(
            f"{len(found.answers)} questions of these pages: slowest p95",
            answer.p95_ms,
            "ms",
            at_most=ANSWER_MS,
            note=answer.question,
        ),
    ]


def report(place: Project, rounds: int, only: str = "") -> Report:
    """Serve the project, start the run, visit everything."""
    _prepare(place.path)
    with place.start("server", "--port", "0") as server:
        client = _connected(place.path, server)
        runs = Live(client)
        about = _subjects(client, runs.current())
        token = known_token(place.path / ".toque")
        url = client.transport.url
        visits: dict[str, list[browsing.Visit]] = {}
        failures: list[str] = []
        asked = Asked(headers={"Authorization": f"Bearer {token}"})
        with _signed_in(url, token) as context:
            for number in range(rounds):
                for name in [place.name for place in places.places(about) if only in place.name]:
                    about = _with_run(about, runs.current())
                    page = next(each for each in places.places(about) if each.name == name)
                    try:
                        seen = browsing.visit(context, page, asked, _is_query)
                    except RuntimeError as error:
                        failures.append(str(error))
                        continue
                    visits.setdefault(name, []).append(seen)
                    say(f"round {number + 1} of {rounds}: {name}, {seen.words}")
            runs.current()
            words = {value: name.upper() for name, value in vars(about).items()} | runs.words()
            answers = asking.ask(
                list(asked.addresses),
                {"Authorization": f"Bearer {token}"},
                rounds=ASKED,
                name=lambda address: asking.named(address, words, "/api/v1"),
            )
        runs.end()
        task_runs = client.transport.get("system")["totals"]["task_runs_ended"]
    figures = [browsing.figures_of(name, seen) for name, seen in visits.items()]
    return Report("Toque", task_runs, figures, answers, failures, rounds)


class Live:
    """There is always a run that moves."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._started: list[str] = []
        for run in client.runs.list(pipeline="live", states=("queued", "running")):
            client.runs.cancel(run.run_id)  # of a measurement that was interrupted

    def current(self) -> str:
        """A run that is far from its end; the next one is started when need be."""
        if not self._started or self._ended() > ALIVE:
            self._started.append(self._client.runs.start("live", {}).run_id)
            wait_for("its first tasks", lambda: self._ended() > 20, every_s=0.2)
        return self._started[-1]

    def words(self) -> dict[str, str]:
        """How questions about its runs are named."""
        return dict.fromkeys(self._started, "RUN_ID")

    def end(self) -> None:
        """Leave none behind."""
        for run_id in self._started:
            with suppress(Refused):
                self._client.runs.cancel(run_id)

    def _ended(self) -> int:
        nodes = self._client.transport.get("runs", self._started[-1])["nodes"]
        return sum(node["counts"].get("succeeded", 0) for node in nodes)


def _with_run(about: places.Subjects, run_id: str) -> places.Subjects:
    return places.Subjects(**{**vars(about), "run_id": run_id})


def _subjects(client: Client, run_id: str) -> places.Subjects:
    def newest(name: str, count: int = 1) -> list[str]:
        found = []
        for run in client.runs.list(pipeline=name):
            found.append(run.run_id)
            if len(found) == count:
                break
        return found

    later, earlier = newest("arrivals", 2)
    return places.Subjects(
        pipeline="arrivals",
        live="live",
        run_id=run_id,
        earlier=earlier,
        later=later,
        large=newest("large")[0],
        mapped=newest("mapped")[0],
        speaker="speak",
    )


def _prepare(folder: Path) -> None:
    for name in ("live", "assets"):
        shutil.copy(PIPELINES / f"{name}.py", folder)
    settings = folder / "toque.toml"
    if _SETTINGS not in settings.read_text():
        with settings.open("a") as file:
            file.write(_SETTINGS)


@contextmanager
def _signed_in(url: str, token: str) -> Iterator[Any]:
    with browsing.chromium(url) as context:
        answer = context.request.post(f"{url}/api/v1/session", data={"key": token}, headers={"X-Toque": "1"})
        if not answer.ok:
            raise RuntimeError(f"signing in was answered with {answer.status}: {answer.text()}")
        yield context


def _is_query(url: str) -> bool:
    path = urlsplit(url).path
    return path.startswith("/api/v1/") and path != "/api/v1/stream"


def _connected(path: Path, server: subprocess.Popen[bytes]) -> Client:
    found: list[Client] = []

    def answers() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {(path / 'started.log').read_text().splitlines()[-1]}")
        transport = running_server(path / ".toque")
        if transport is None:
            return False
        try:
            Client(transport).pipelines.get("live")
        except Refused:
            return False  # the first look at the files is under way
        found.append(Client(transport))
        return True

    wait_for("the server", answers)
    return found[0]


def say(text: str) -> None:
    """Where it is; not part of the result."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when something could not be measured."""
    from benchmarks import machine, pages_section

    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--project", type=Path, help="made by `benchmarks.history --generate`; else one is made")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--airflow", action="store_true", help="the same of Airflow 3, after Toque")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md; with Airflow, and all pages")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("RESULTS.md takes all pages: leave out --only")
    with project() if options.project is None else nullcontext(existing(options.project)) as place:
        if options.project is None:
            asyncio.run(history.generate(place.path))
        ours = report(place, options.rounds, options.only)
    theirs = None
    if options.airflow or options.write:
        from benchmarks.airflow_pages import airflow
        from benchmarks.airflow_pages import report as report_airflow

        with airflow() as system:
            theirs = report_airflow(system, options.rounds, options.only)
    part = pages_section.section(ours, theirs, machine.describe(), datetime.now(UTC).date().isoformat())
    print(part)
    if options.write and not ours.failures:
        RESULTS.write_text(pages_section.replaced(RESULTS.read_text(), part))
    return 1 if ours.failures else 0


if __name__ == "__main__":
    sys.exit(main())
