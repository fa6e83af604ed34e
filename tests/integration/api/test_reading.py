"""What the API says of pipelines, runs and task runs, on a real server."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import Server
from toque.client import Client, Refused


def test_the_session_says_who_asks_and_who_answers(client: Client) -> None:
    session = client.session()
    assert session.actor == "tester"
    assert session.server.role == "server"
    assert session.server.boot >= 1


def test_health_needs_no_token(server: Server) -> None:
    assert server.send("GET", "/healthz", token=False).json == {"status": "ok", "detail": ""}
    assert server.send("GET", "/readyz", token=False).json["status"] == "ready"


def test_pipelines_of_the_files_are_there_before_they_ever_ran(client: Client) -> None:
    names = [each.name for each in client.pipelines.list()]
    assert names == sorted(names)
    assert {"squares", "fragile", "gated", "unfolds"} <= set(names)


def test_pipelines_are_searched_by_word_tag_and_owner(client: Client) -> None:
    assert [each.name for each in client.pipelines.list(search="SQUARES of")] == ["squares"]
    assert [each.name for each in client.pipelines.list(tag="zoo")] == ["squares"]
    assert [each.name for each in client.pipelines.list(owner="ada")] == ["squares"]
    assert not list(client.pipelines.list(search="no such thing"))


def test_pipelines_come_in_pages(server: Server, client: Client) -> None:
    first = server.send("GET", "/api/v1/pipelines?limit=2").json
    second = server.send("GET", f"/api/v1/pipelines?limit=2&cursor={first['next']}").json
    names = [each["name"] for each in (*first["items"], *second["items"])]
    assert names == [each.name for each in client.pipelines.list()][:4]


def test_a_made_up_cursor_is_refused(server: Server) -> None:
    for path in ("pipelines", "runs", "schedules", "backfills", "attention"):
        answer = server.send("GET", f"/api/v1/{path}?cursor=abc")
        assert (answer.status, answer.is_problem) == (422, True), path


def test_a_pipeline_shows_its_doc_parameters_and_schedules(client: Client, ended: dict[str, str]) -> None:
    found = client.pipelines.get("squares")
    assert "second paragraph" in found.doc
    assert found.parameters["properties"]["n"] == {"type": "integer", "default": 3}
    assert [schedule.rule for schedule in found.schedules] == ["0 7 * * *"]
    assert found.schedules[0].next_us > 0
    assert [bar.run_id for bar in found.recent] == [ended["squares"]]
    assert next(each for each in client.pipelines.list() if each.name == "squares").doc == "Squares of numbers."


def test_the_graph_names_maps_and_their_members(client: Client) -> None:
    graph = client.pipelines.graph("squares")
    kinds = {node.id: node.kind for node in graph.nodes}
    assert kinds == {"numbers": "task", "square[]": "map", "square": "task", "total": "task"}
    assert {(edge.source, edge.target) for edge in graph.edges} >= {("numbers", "square[]"), ("square[]", "total")}
    assert all(node.origin is not None and node.origin.file == "zoo.py" for node in graph.nodes)


def test_a_flow_shows_its_steps_in_the_order_in_which_it_unfolded(client: Client, ended: dict[str, str]) -> None:
    graph = client.runs.graph(ended["unfolds"])
    steps = [node for node in graph.nodes if node.kind == "step"]
    assert [step.label for step in steps] == ["square"]
    assert steps[0].group == "unfolds"


def test_the_grid_has_a_cell_for_each_task_of_each_run(client: Client, ended: dict[str, str]) -> None:
    grid = client.pipelines.grid("fragile")
    cells = dict(zip([task.id for task in grid.tasks], grid.runs[0].cells, strict=True))
    assert (grid.runs[0].run_id, cells) == (ended["fragile"], {"breaks": "f", "after": "u"})
    squares = client.pipelines.grid("squares")
    assert [task.id for task in squares.tasks] == ["numbers", "square", "total"]
    assert squares.runs[0].cells == "sss"


def test_a_run_has_counts_for_its_nodes_and_its_first_failures(client: Client, ended: dict[str, str]) -> None:
    run = client.runs.get(ended["squares"])
    assert {node.task: node.counts for node in run.nodes}["square"] == {"succeeded": 3}
    assert next(node.size for node in run.nodes if node.task == "square[]") == 3
    failed = client.runs.get(ended["fragile"])
    assert (failed.state, [each.task for each in failed.first_failures]) == ("failed", ["breaks"])
    assert failed.error is not None
    assert not failed.late


def test_runs_are_filtered_and_paged(client: Client, server: Server, ended: dict[str, str]) -> None:
    assert ended["fragile"] in [run.run_id for run in client.runs.list(states=["failed"])]
    assert {run.pipeline for run in client.runs.list(pipeline="squares")} == {"squares"}
    assert [run.run_id for run in client.runs.list(search=ended["squares"])] == [ended["squares"]]
    page = server.send("GET", "/api/v1/runs?limit=2").json
    rest = server.send("GET", f"/api/v1/runs?limit=2&cursor={page['next']}").json
    ids = [run["run_id"] for run in (*page["items"], *rest["items"])]
    assert ids == sorted(ids, reverse=True)


def test_task_runs_are_listed_in_pages(server: Server, ended: dict[str, str]) -> None:
    path = f"/api/v1/runs/{ended['squares']}/tasks?task=square&limit=2"
    first = server.send("GET", path).json
    second = server.send("GET", f"{path}&cursor={first['next']}").json
    assert [row["index"] for row in (*first["items"], *second["items"])] == [[0], [1], [2]]
    assert second["next"] is None


def test_task_runs_are_found_by_state_and_index(client: Client, ended: dict[str, str]) -> None:
    assert [row.index for row in client.runs.tasks.list(ended["squares"], search="2")] == [[2]]
    assert [row.task for row in client.runs.tasks.list(ended["fragile"], states=["upstream_failed"])] == ["after"]


def test_a_task_run_shows_attempts_values_and_code(client: Client, ended: dict[str, str]) -> None:
    found = client.runs.tasks.get(ended["squares"], "square", "2")
    assert found.output is not None
    assert found.output.text == '{\n  "x": 2,\n  "square": 4\n}'
    assert [(each.name, each.preview.text) for each in found.inputs] == [("x", "2")]
    assert [(each.attempt, each.outcome) for each in found.attempts] == [(1, "succeeded")]
    assert found.code is not None
    assert found.code.text.startswith("@task\ndef square")
    assert found.parameters == {"n": 3}
    assert len(found.idempotency_key) == 32


def test_a_task_run_shows_what_it_gathers(client: Client, ended: dict[str, str]) -> None:
    found = client.runs.tasks.get(ended["squares"], "total")
    assert found.inputs[0].preview.total_rows == 3
    assert found.waiting is None


def test_a_failure_comes_with_its_traceback_and_its_cause(client: Client, ended: dict[str, str]) -> None:
    error = client.runs.tasks.get(ended["fragile"], "breaks").error
    assert error is not None
    assert (error.type, error.message) == ("RuntimeError", "no number: x")
    assert "zoo.py" in error.traceback
    assert error.cause.startswith("ValueError: invalid literal")


def test_what_a_task_reported_is_shown(client: Client, ended: dict[str, str]) -> None:
    found = client.runs.tasks.get(ended["squares"], "numbers")
    assert [(series.name, series.points[0][1]) for series in found.metrics] == [("count", 3.0)]
    kinds = {each.name: each.preview.kind for each in found.artifacts}
    assert kinds == {"notes": "markdown", "pixel": "image", "rows": "table"}
    pixel = next(each.preview for each in found.artifacts if each.name == "pixel")
    assert (pixel.data_url or "").startswith("data:image/png;base64,")
    assert client.runs.tasks.value(ended["squares"], "numbers", which="artifact:notes").text == "# Notes"


def test_large_values_are_paged_and_foreign_ones_stay_closed(client: Client, ended: dict[str, str]) -> None:
    page = client.runs.tasks.value(ended["values"], "large", offset=490, limit=20)
    assert (page.kind, page.total_rows, len(page.rows or ())) == ("table", 500, 10)
    closed = client.runs.tasks.value(ended["values"], "things")
    assert (closed.kind, closed.rows) == ("opaque", None)


def test_logs_are_numbered_followed_and_downloaded(client: Client, server: Server, ended: dict[str, str]) -> None:
    page = client.runs.tasks.logs(ended["squares"], "numbers")
    assert [(line.n, line.stream, line.text) for line in page.lines] == [(1, "stdout", "counting")]
    assert page.ended
    assert not client.runs.tasks.logs(ended["squares"], "numbers", after=page.next).lines
    assert "counting" in client.runs.tasks.log_text(ended["squares"], "numbers")
    answer = server.send("GET", f"/api/v1/runs/{ended['squares']}/logs?task=numbers&search=nothing")
    assert answer.json["lines"] == []


def test_the_timeline_marks_the_critical_path(client: Client, ended: dict[str, str]) -> None:
    timeline = client.runs.timeline(ended["squares"])
    assert timeline.critical_path == ["numbers", "square", "total"]
    assert all(bar.critical for bar in timeline.bars)
    assert not any(bar.task.endswith("[]") for bar in timeline.bars)


def test_charts_of_a_pipeline(client: Client, ended: dict[str, str]) -> None:
    assert [day.succeeded for day in client.pipelines.calendar("squares", tz="Europe/Madrid").days] == [1]
    durations = client.pipelines.durations("squares", task="total")
    assert [point.run_id for point in durations.points] == [ended["squares"]]
    assert durations.median_us == durations.points[0].duration_us


def test_the_day_has_runs_and_planned_ticks(client: Client, ended: dict[str, str]) -> None:
    day = client.day()
    assert set(ended.values()) <= {run.run_id for run in day.runs}
    upcoming = client.schedules.upcoming()
    assert [tick.schedule.partition("/")[0] for tick in upcoming] == ["squares"]
    assert upcoming[0].outcome == "planned"


def test_two_runs_are_compared(client: Client, ended: dict[str, str]) -> None:
    other = client.runs.start("squares", {"n": 4})
    client.runs.wait(other.run_id)
    found = client.runs.compare(ended["squares"], other.run_id)
    assert [(each.name, each.a, each.b) for each in found.parameters] == [("n", 3, 4)]
    assert {each.task: each.output_changed for each in found.tasks}["total"] is True
    assert not found.version_changed


def test_what_needs_a_person(client: Client, ended: dict[str, str]) -> None:
    found = {each.kind: each for each in client.attention()}
    assert (found["failed_run"].pipeline, found["failed_run"].run_id) == ("fragile", ended["fragile"])
    assert found["broken_file"].title.startswith("broken.py")
    assert [(each.file, each.problems[0].line) for each in client.broken_files()] == [("broken.py", 3)]


def test_versions_their_files_and_differences(client: Client, server: Server, ended: dict[str, str]) -> None:
    [version] = client.versions.list("fragile")
    assert version.is_current
    assert "zoo.py" in [file.path for file in client.versions.files(version.version).files]
    assert "def fragile" in client.versions.file(version.version, "zoo.py").text
    assert client.versions.diff(version.version, version.version).files == []
    outside = server.send("GET", f"/api/v1/versions/{version.version}/file?path=../../toque.db")
    assert (outside.status, outside.is_problem) == (404, True)


def test_the_system_says_who_lives(client: Client, ended: dict[str, str]) -> None:
    system = client.system()
    assert [server.alive for server in system.servers if server.this] == [True]
    assert system.store.kind == "sqlite"
    assert system.totals.runs_ended["failed"] >= 1
    assert {worker.executor for worker in system.workers} >= {"process"}


def test_what_is_not_there_is_said_with_the_way_to_find_it(client: Client, ended: dict[str, str]) -> None:
    run = ended["squares"]
    for look in (
        lambda: client.runs.get("nope"),
        lambda: client.pipelines.get("nope"),
        lambda: client.runs.tasks.get(run, "nope"),
        lambda: client.runs.tasks.value(run, "total", which="input:nope"),
        lambda: client.runs.tasks.value(run, "total", which="artifact:nope"),
        lambda: client.versions.files("nope"),
        lambda: client.schedules.ticks("squares/nope"),
        lambda: client.backfills.get("nope"),
    ):
        with pytest.raises(Refused) as refused:
            look()
        assert refused.value.status == 404


def test_assets_stand_as_their_runs_made_them(server: Server, ended: dict[str, str]) -> None:
    items = {each["key"]: each for each in server.send("GET", "/api/v1/assets").json["items"]}
    assert list(items) == ["barn.letters", "post", "raw.clicks", "revenue", "whole"]
    clicks = items["raw.clicks"]
    assert (clicks["last"]["run_id"], clicks["stale"], clicks["pipelines"]) == (ended["web"], False, ["web"])
    assert (items["revenue"]["partitions"]["count"], items["revenue"]["why"]) == (2, ["never made"])
    detail = server.send("GET", "/api/v1/assets/revenue").json
    assert detail["origin"]["file"] == "zoo.py"
    assert detail["origin"]["line"] > 0
    assert server.send("GET", "/api/v1/assets/revenue/partitions").json["cells"] == ".."
    [told] = server.send("GET", "/api/v1/assets/raw.clicks/events").json["items"]
    assert (told["kind"], told["run_id"]) == ("materialized", ended["web"])
    graph = server.send("GET", "/api/v1/assets-graph").json
    assert graph["edges"] == [
        {"source": "barn.letters", "target": "post"},
        {"source": "revenue", "target": "whole"},
    ]
