"""The benchmark of the pages: every page of the router is visited, and what was seen becomes what the tables say."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import asking, browsing, pages, places, table
from benchmarks.airflow_pages import places as places_of_airflow
from benchmarks.asking import Answers
from benchmarks.browsing import PageFigures, Visit
from benchmarks.pages import Report

ABOUT = places.Subjects(
    pipeline="arrivals",
    live="live",
    run_id="now",
    earlier="first",
    later="second",
    large="ten",
    mapped="hundred",
    speaker="speak",
)


def figures(name: str, interactive_ms: float, scrolling_ms: float = 0, *, scrolled: bool = True) -> PageFigures:
    return PageFigures(name, interactive_ms, 2 * interactive_ms, 60, scrolling_ms, scrolled)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


# -- what is visited


def test_every_page_and_view_of_the_router_is_visited() -> None:
    listed = json.loads(places.PAGES.read_text())
    wanted = {page["path"].replace("$view", view) for page in listed for view in page.get("views", [""])}
    assert wanted <= {place.name for place in places.places(ABOUT)}
    assert wanted == set(places.READY), "what is no page any more needs no selector"


def test_a_page_that_nobody_knows_how_to_wait_for_is_an_error(tmp_path: Path) -> None:
    listed = tmp_path / "pages.json"
    listed.write_text('[{"path": "/incidents", "title": "Incidents"}]')
    with pytest.raises(RuntimeError, match="nothing says when /incidents of the router is ready"):
        places.places(ABOUT, listed)


def test_addresses_name_what_the_pages_are_about() -> None:
    paths = {place.name: place.path for place in places.places(ABOUT)}
    assert paths["/pipelines/$name/code"] == "/pipelines/arrivals/code"
    assert paths["/runs/$runId/timeline"] == "/runs/now/timeline"
    assert paths["/compare"] == "/compare?a=first&b=second"
    assert paths["/pipelines/$name/schedules"] == "/pipelines/live/schedules", "the others have no schedule"
    assert not [path for path in paths.values() if "$" in path]


def test_names_of_places_are_told_apart() -> None:
    names = [place.name for place in places.places(ABOUT)]
    assert len(set(names)) == len(names)


def test_runs_of_airflow_are_quoted_and_its_views_chosen() -> None:
    found = {place.name: place for place in places_of_airflow({"arrivals": "manual__2026+00:00", "large": "x"})}
    tasks = found["run of 442 tasks: list of tasks"]
    assert tasks.path == "/dags/arrivals/runs/manual__2026%2B00%3A00"
    assert tasks.script == "localStorage.setItem('default_dag_view', '\"grid\"')"
    assert "graph" in found["DAG of 10,000 tasks: graph"].script


# -- what was seen


def test_only_tasks_of_the_time_that_is_asked_for_count() -> None:
    tasks = [(0, 60), (100, 300), (900, 80)]
    assert browsing.longest_ms(tasks) == 300
    assert browsing.longest_ms(tasks, until_ms=90) == 60
    assert browsing.longest_ms(tasks, from_ms=400) == 80, "a task that has just ended is not part of what follows"
    assert browsing.longest_ms(tasks, from_ms=399) == 300, "one that still runs is"
    assert browsing.longest_ms([]) == 0


def test_times_of_visits_are_their_median_and_tasks_their_worst() -> None:
    seen = [Visit(400, 0, 0), Visit(900, 70, 120), Visit(500, 90, 60, scrolled=False)]
    assert browsing.figures_of("home", seen) == PageFigures("home", 500, 900, 90, 120, scrolled=True)


def test_the_worst_page_and_the_worst_question_stand_beside_the_budgets() -> None:
    found = Report(
        "Toque",
        1_000_000,
        [figures("home", 300, 120), figures("runs", 1200), figures("day", 200, scrolled=False)],
        [Answers("/runs", 3, 7, 10), Answers("/runs/RUN/graph", 80, 90, 3000)],
        [],
    )
    interactive, scrolled, answered = pages.measurements(found)
    assert (interactive.value, interactive.note, interactive.is_within) == (1200, "runs", False)
    assert (scrolled.value, scrolled.note, scrolled.is_within) == (120, "home", False)
    assert (answered.value, answered.note, answered.is_within) == (90, "/runs/RUN/graph", True)


def test_a_page_that_could_not_be_measured_is_no_result() -> None:
    with pytest.raises(RuntimeError, match=r"^/day did not show"):
        pages.measurements(
            Report("Toque", 1, [figures("home", 300)], [Answers("/runs", 3, 7, 1)], ["/day did not show x"])
        )


# -- what is asked


def test_questions_are_named_without_what_they_are_about() -> None:
    url = "http://127.0.0.1:1/api/v1/runs/01ab/logs?task=speak&after=15000&attempt=1"
    assert asking.named(url, {"01ab": "RUN"}, "/api/v1") == "/runs/RUN/logs?task=…&after=15000&attempt=1"
    assert asking.named("http://127.0.0.1:1/api/v1/day?from_us=1700000000000000", {}, "/api/v1") == "/day?from_us=…"


class Answering(http.server.BaseHTTPRequestHandler):
    """Says who asked, and knows one path that there is not."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = (self.headers["Authorization"] or "nobody").encode()
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Silent."""


@contextmanager
def answering() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_questions_of_one_name_are_counted_together() -> None:
    with answering() as url:
        addresses = [f"{url}/runs/a", f"{url}/runs/b", f"{url}/day"]
        words = {"a": "RUN", "b": "RUN"}
        found = asking.ask(
            addresses, {"Authorization": "me"}, rounds=2, name=lambda address: asking.named(address, words)
        )
    assert {answers.question for answers in found} == {"/runs/RUN", "/day"}
    assert {answers.size_kb for answers in found} == {0.002}
    assert [answers.p95_ms for answers in found] == sorted((answers.p95_ms for answers in found), reverse=True)


def test_an_answer_that_is_a_refusal_is_no_measurement() -> None:
    with answering() as url, pytest.raises(RuntimeError, match=r"/missing was answered with 404: b'nobody'"):
        asking.ask([f"{url}/missing"], {}, rounds=1, name=str)


# -- what the tables say


def test_the_slowest_page_comes_first_with_its_verdict() -> None:
    rows = table.page_table(
        [
            figures("home", 300),
            figures("runs", 1200, 99),
            figures("grid", 400, 101),
            figures("docs", 1, scrolled=False),
        ],
        interactive_ms=1000,
        task_ms=100,
    ).splitlines()[2:]
    assert [cells(row) for row in rows] == [
        ["runs", "1,200 ms", "2,400 ms", "60 ms", "99 ms", "**no**"],
        ["grid", "400 ms", "800 ms", "60 ms", "101 ms", "**no**"],
        ["home", "300 ms", "600 ms", "60 ms", "≤ 50 ms", "yes"],
        ["docs", "1 ms", "2 ms", "60 ms", "nothing to scroll", "yes"],
    ]


def test_answers_are_held_against_their_budget() -> None:
    rows = table.answer_table([Answers("/a", 80, 101, 3000), Answers("/b", 3, 100, 1.5)], p95_ms=100).splitlines()[2:]
    assert [cells(row) for row in rows] == [
        ["/a", "80 ms", "101 ms", "3,000 kB", "**no**"],
        ["/b", "3 ms", "100 ms", "1.5 kB", "yes"],
    ]
