"""Pipelines, their graphs, grids, versions and charts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.api import flights
from tests.unit.api.flights import FAILED, GOOD, HOUR, LIVE, MINUTE, NOW_US, QUEUED, V1, V2, done, of
from tests.unit.api.served import SOURCE, Served
from toque.api.routes.charts import quantile
from toque.engine.states import RunState, TaskState
from toque.graph.ir import Meta, Pipeline
from toque.ports.project import BrokenFile, FileProblem, IndexedPipeline, ProjectState
from toque.store.memory import MemoryStore

DAILY = msgspec.json.encode(flights.PIPELINE.schedules[0])


def names(page: Any) -> list[str]:
    return [each["name"] for each in page["items"]]


def indexed(served: Served, *pipelines: Pipeline, **fields: Any) -> None:
    """The project holds these pipelines."""
    served.project.state = ProjectState(
        pipelines={
            ir.name: IndexedPipeline(name=ir.name, file="f.py", version="v", file_version="v", ir=ir, **fields)
            for ir in sorted(pipelines, key=lambda each: each.name)
        },
        indexed_us=1,
    )


# -- lists


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["flights", "small"]),
        ({"search": "flight"}, ["flights"]),
        ({"search": "TWO TASKS"}, ["small"]),
        ({"search": "aviation"}, ["flights"]),
        ({"search": "nothing"}, []),
        ({"tag": "demo"}, ["flights"]),
        ({"tag": "dem"}, []),
        ({"owner": "bob"}, ["small"]),
        ({"owner": "ada", "tag": "aviation"}, ["flights"]),
        ({"owner": "bob", "tag": "aviation"}, []),
        ({"paused": True}, []),
        ({"paused": False}, ["flights", "small"]),
        ({"broken": True}, []),
        ({"broken": False, "limit": 1}, ["flights"]),
    ],
)
async def test_a_list_holds_what_was_asked_for(served: Served, query: dict[str, Any], found: list[str]) -> None:
    assert names(await served.get("/pipelines", **query)) == found


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_add_up_to_the_list(served: Served, limit: int) -> None:
    wanted = [f"p{n}" for n in range(7)]
    indexed(served, *(msgspec.structs.replace(flights.SMALL, name=name) for name in wanted))
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await served.get("/pipelines", limit=limit, cursor=cursor)
        assert 0 < len(page["items"]) <= limit
        found += names(page)
        cursor = page["next"]
    assert found == wanted


async def test_pages_of_a_filtered_list_leave_nothing_out(served: Served) -> None:
    odd = Meta(owner="odd")
    indexed(
        served,
        *(msgspec.structs.replace(flights.SMALL, name=f"p{n}", meta=odd if n % 2 else Meta()) for n in range(9)),
    )
    first = await served.get("/pipelines", owner="odd", limit=3)
    second = await served.get("/pipelines", owner="odd", limit=3, cursor=first["next"])
    assert (names(first), names(second), second["next"]) == (["p1", "p3", "p5"], ["p7"], None)


async def test_a_summary_is_short(served: Served) -> None:
    [flight] = (await served.get("/pipelines", search="flight"))["items"]
    assert flight["doc"] == "Flights of a year."
    assert (flight["owner"], flight["tags"], flight["version"]) == ("ada", ["aviation", "demo"], V2)
    assert flight["task_count"] == 8  # without maps and joins
    assert [bar["run_id"] for bar in flight["recent"]] == [FAILED, GOOD, LIVE, QUEUED]
    assert (flight["paused"], flight["broken"], flight["schedules"]) == (False, False, [])


async def test_a_pipeline_of_a_broken_file_is_marked(served: Served) -> None:
    indexed(served, flights.SMALL, broken=True)
    assert names(await served.get("/pipelines", broken=True)) == ["small"]


async def test_before_the_first_look_at_the_files_the_store_is_asked(served: Served) -> None:
    served.project.state = ProjectState()
    page = await served.get("/pipelines")
    assert names(page) == ["flights", "small"]
    assert page["items"][0]["file"] == "flights.py"


async def test_runs_of_what_has_no_current_version_are_no_pipeline_then(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As runs of a selection of assets are."""
    served.project.state = ProjectState()
    monkeypatch.delitem(served.store._current, "flights")
    assert "flights" in await served.store.history.pipelines()
    assert names(await served.get("/pipelines")) == ["small"]


async def test_a_new_server_has_no_pipelines(bare: Served) -> None:
    assert await bare.get("/pipelines") == {"items": [], "next": None}
    assert await bare.get("/runs") == {"items": [], "next": None}


# -- one of them


async def test_a_pipeline_tells_what_a_run_of_it_takes(served: Served) -> None:
    found = await served.get("/pipelines/flights")
    assert found["doc"] == "Flights of a year.\n\nMore about them."
    assert found["parameters"] == flights.PIPELINE.parameters
    assert found["concurrency"] == {"max_active_runs": 2, "overlap": "queue"}
    assert (found["versions_count"], found["running_count"], found["queued_count"]) == (2, 1, 1)


async def test_a_suspended_run_counts_as_running(served: Served) -> None:
    await served.change(LIVE, state=RunState.SUSPENDED)
    assert (await served.get("/pipelines/flights"))["running_count"] == 1


async def test_a_pipeline_that_no_file_defines_any_more_has_its_page(served: Served) -> None:
    indexed(served, flights.SMALL)
    assert names(await served.get("/pipelines")) == ["small"]
    assert (await served.get("/pipelines/flights"))["name"] == "flights"


@pytest.mark.parametrize("path", ["", "/graph", "/grid", "/calendar", "/durations", "/versions"])
async def test_a_pipeline_that_is_not_there_is_not_found_anywhere(served: Served, path: str) -> None:
    problem = await served.refused("GET", f"/pipelines/nothing{path}", status=404)
    assert "no pipeline 'nothing'" in problem["detail"]


async def test_names_may_hold_what_a_path_has_to_quote(served: Served) -> None:
    odd = msgspec.structs.replace(flights.SMALL, name="a b.ü")
    indexed(served, odd)
    assert (await served.get("/pipelines/a b.ü"))["name"] == "a b.ü"


# -- starting


async def test_a_run_is_started_with_its_parameters(served: Served) -> None:
    run = await served.post("/pipelines/flights/runs", {"parameters": {"year": 1999}, "reason": "why"}, status=201)
    assert (run["state"], run["parameters"], run["reason"]) == ("queued", {"year": 1999}, "why")
    assert (run["actor"], run["version"], run["trigger"]) == ("ada", V2, "manual")
    assert (await served.get("/runs"))["items"][0] == run


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nothing", {}, 404),
        ("flights", {"parameters": {"year": "x"}}, 422),
        ("flights", {"parameters": []}, 422),
        ("flights", {"params": {}}, 422),
        ("flights", None, 422),
    ],
)
async def test_a_run_that_cannot_be_is_not_started(served: Served, name: str, body: Any, status: int) -> None:
    await served.refused("POST", f"/pipelines/{name}/runs", body, status=status)
    assert len((await served.get("/runs"))["items"]) == 4


async def test_the_same_key_starts_one_run(served: Served) -> None:
    answers = []
    for _ in range(3):
        said = await served.send("POST", "/pipelines/small/runs", {}, headers={"Idempotency-Key": "k"})
        answers.append((said.status, said.json["run_id"]))
        served.start()  # what is remembered lies in the store
    assert len(set(answers)) == 1
    said = await served.send("POST", "/pipelines/flights/runs", {}, headers={"Idempotency-Key": "k"})
    assert said.json["pipeline"] == "flights"


# -- pausing


async def test_a_pipeline_is_paused_with_all_its_schedules(served: Served) -> None:
    for name in ("daily", "nightly"):
        await served.add_schedule("flights", name, DAILY)
    assert (await served.post("/pipelines/flights/pause"))["paused"]
    assert names(await served.get("/pipelines", paused=True)) == ["flights"]
    assert {row["paused"] for row in (await served.get("/schedules"))["items"]} == {True}
    assert (await served.post("/pipelines/flights/pause"))["paused"]  # once more changes nothing
    found = await served.post("/pipelines/flights/unpause")
    assert not found["paused"]
    assert {row["actor"] for row in found["schedules"]} == {"ada"}


async def test_one_paused_schedule_of_two_does_not_pause_the_pipeline(served: Served) -> None:
    await served.add_schedule("flights", "daily", DAILY, paused=True)
    await served.add_schedule("flights", "nightly", DAILY)
    assert not (await served.get("/pipelines/flights"))["paused"]


async def test_a_pipeline_without_schedules_has_nothing_to_pause(served: Served) -> None:
    assert not (await served.post("/pipelines/small/pause"))["paused"]
    await served.refused("POST", "/pipelines/nothing/pause", status=404)


# -- broken files


async def test_broken_files_say_where_and_what_to_do(served: Served) -> None:
    problems = (
        FileProblem(message="no such name", line=3, source="x = y", fix="define y"),
        FileProblem(message="cannot be imported", file="lib.py", line=1),
    )
    served.project.state = ProjectState(broken=(BrokenFile(file="bad.py", problems=problems, since_us=5),))
    [broken] = (await served.get("/files"))["items"]
    assert (broken["file"], broken["since_us"]) == ("bad.py", 5)
    assert [(each["file"], each["line"], each["fix"]) for each in broken["problems"]] == [
        ("bad.py", 3, "define y"),
        ("lib.py", 1, ""),
    ]


# -- graphs and grids


async def test_the_graph_of_a_version_is_drawn(served: Served) -> None:
    current = await served.get("/pipelines/flights/graph")
    old = await served.get("/pipelines/flights/graph", version=V1)
    assert (current["version"], old["version"]) == (V2, V1)
    assert {node["id"] for node in current["nodes"]} - {node["id"] for node in old["nodes"]} == {"alarm"}


async def test_a_version_of_another_pipeline_is_not_drawn_for_this_one(served: Served) -> None:
    problem = await served.refused("GET", "/pipelines/small/graph", status=404, version=V1)
    assert "a version of flights" in problem["detail"]
    await served.refused("GET", "/pipelines/flights/graph", status=404, version="v0")


async def test_each_kind_of_node_is_drawn_as_what_it_is(served: Served) -> None:
    nodes = {node["id"]: node for node in (await served.get("/pipelines/flights/graph"))["nodes"]}
    kinds = {name: node["kind"] for name, node in nodes.items()}
    assert kinds | {"fetch[]": "map", "best": "join", "report": "flow", "months": "task"} == kinds
    assert (nodes["fetch"]["scope"], nodes["fetch"]["retries"], nodes["fetch"]["pools"]) == ("fetch[]", 2, ["api"])
    assert (nodes["check.rows"]["label"], nodes["check.rows"]["group"]) == ("rows", "check")
    assert nodes["months"]["origin"] == {"file": "flights.py", "line": 7}
    assert nodes["alarm"]["hook"] == "on_failure"


async def test_edges_of_guards_and_orders_are_told_apart(served: Served) -> None:
    found = await served.get("/pipelines/flights/graph")
    edges = {(edge["source"], edge["target"]): (edge["kind"], edge["label"]) for edge in found["edges"]}
    assert edges["check.rows", "publish"] == ("order", "yes")
    assert edges["best", "report"] == ("outcome", "")
    assert edges["months", "fetch[]"] == ("data", "")


async def test_the_graph_of_a_run_has_the_steps_of_its_flows(served: Served) -> None:
    found = await served.get(f"/runs/{FAILED}/graph")
    [step] = [node for node in found["nodes"] if node["kind"] == "step"]
    assert (step["id"], step["label"], step["group"]) == ("report/note", "note", "report")
    assert not [node for node in (await served.get(f"/runs/{GOOD}/graph"))["nodes"] if node["kind"] == "step"]


async def test_the_grid_has_a_character_for_each_task_of_each_run(served: Served) -> None:
    grid = await served.get("/pipelines/flights/grid")
    tasks = [task["id"] for task in grid["tasks"]]
    assert not any(task.endswith("[]") for task in tasks)
    cells = {run["run_id"]: dict(zip(tasks, run["cells"], strict=True)) for run in grid["runs"]}
    assert list(cells) == [QUEUED, LIVE, GOOD, FAILED]
    assert set(cells[QUEUED].values()) == {"."}
    assert cells[LIVE] | {"months": "s", "fetch": "t", "wait": "D", "publish": "."} == cells[LIVE]
    assert cells[FAILED] | {"fetch": "f", "clean": "u", "wait": "c", "report/note": "s"} == cells[FAILED]
    assert cells[GOOD]["alarm"] == "."


@pytest.mark.parametrize(
    ("state", "cell"),
    [
        (TaskState.READY, "r"),
        (TaskState.DISPATCHED, "d"),
        (TaskState.RUNNING, "R"),
        (TaskState.DEFERRED, "D"),
        (TaskState.RETRYING, "t"),
        (TaskState.SUCCEEDED, "s"),
        (TaskState.FAILED, "f"),
        (TaskState.SKIPPED, "k"),
        (TaskState.UPSTREAM_FAILED, "u"),
        (TaskState.CANCELLED, "c"),
    ],
)
async def test_each_state_has_its_character(served: Served, state: TaskState, cell: str) -> None:
    await served.write(tasks=of(LIVE, done("publish", state=state)))
    grid = await served.get("/pipelines/flights/grid", limit=2)
    position = [task["id"] for task in grid["tasks"]].index("publish")
    assert grid["runs"][1]["cells"][position] == cell


async def test_the_rows_of_a_grid_are_those_of_the_graph_and_then_the_others(served: Served) -> None:
    tasks = (await served.get("/pipelines/flights/grid"))["tasks"]
    declared = [node.id for node in flights.PIPELINE.nodes if not node.id.endswith("[]")]
    assert [task["id"] for task in tasks] == [*declared, "report/note"]
    by_id = {task["id"]: task for task in tasks}
    assert (by_id["fetch"]["depth"], by_id["months"]["depth"]) == (1, 0)
    assert (by_id["report/note"]["kind"], by_id["report/note"]["group"]) == ("step", "report")


async def test_a_grid_is_continued_with_older_runs(served: Served) -> None:
    first = await served.get("/pipelines/flights/grid", limit=3)
    second = await served.get("/pipelines/flights/grid", limit=3, before=first["next"])
    assert [run["run_id"] for run in second["runs"]] == [FAILED]
    assert second["next"] is None


# -- versions


async def test_versions_are_listed_newest_first(served: Served) -> None:
    page = await served.get("/pipelines/flights/versions")
    told = [(each["version"], each["actor"], each["is_current"]) for each in page["items"]]
    assert told == [(V2, "ada", True), (V1, "bob", False)]
    assert (page["items"][0]["git_dirty"], page["items"][1]["git_commit"]) == (True, "abc")


async def test_versions_come_in_pages(served: Served) -> None:
    first = await served.get("/pipelines/flights/versions", limit=1)
    second = await served.get("/pipelines/flights/versions", limit=1, cursor=first["next"])
    assert [each["version"] for page in (first, second) for each in page["items"]] == [V2, V1]
    assert second["next"] is None


async def test_the_files_of_a_version_are_read(served: Served) -> None:
    files = (await served.get(f"/versions/{V2}/files"))["files"]
    assert [each["path"] for each in files] == ["pipelines/flights.py", "toque.toml"]
    assert (await served.get(f"/versions/{V2}/file", path="pipelines/flights.py"))["text"] == SOURCE


@pytest.mark.parametrize("path", ["nothing.py", "../secret", "/etc/passwd", "pipelines"])
async def test_only_files_of_the_version_are_read(served: Served, path: str) -> None:
    await served.refused("GET", f"/versions/{V2}/file", status=404, path=path)


@pytest.mark.parametrize("path", ["/versions/v0/files", f"/versions/v0/diff/{V1}", f"/versions/{V1}/diff/v0"])
async def test_a_version_that_is_not_there_is_not_found(served: Served, path: str) -> None:
    assert "no version 'v0'" in (await served.refused("GET", path, status=404))["detail"]


async def test_two_versions_differ_in_graph_and_files(served: Served) -> None:
    found = await served.get(f"/versions/{V1}/diff/{V2}")
    assert {"kind": "added", "node": "alarm", "text": ""} in found["graph"]
    [file] = found["files"]
    assert (file["path"], file["status"], file["before"], file["after"]) == (
        "pipelines/flights.py",
        "changed",
        "# as it was\n",
        SOURCE,
    )
    back = await served.get(f"/versions/{V2}/diff/{V1}")
    assert {"kind": "removed", "node": "alarm", "text": ""} in back["graph"]
    assert await served.get(f"/versions/{V2}/diff/{V2}") == {"graph": [], "files": []}


async def test_a_version_is_rolled_back_to(served: Served) -> None:
    answer = await served.post("/pipelines/flights/rollback", {"version": V1, "reason": "worse"})
    assert (answer["version"], answer["is_current"]) == (V1, True)
    current = await served.store.current_version("flights")
    assert current is not None
    assert current.version == V1
    assert served.project.refreshed == ["flights"]
    assert [each["is_current"] for each in (await served.get("/pipelines/flights/versions"))["items"]] == [False, True]


@pytest.mark.parametrize(
    ("name", "version", "status", "words"),
    [
        ("flights", "v0", 404, "no version"),
        ("nothing", V1, 404, "no pipeline"),
        ("small", V1, 409, "a version of flights"),
    ],
)
async def test_a_rollback_names_a_version_of_the_pipeline(
    served: Served, name: str, version: str, status: int, words: str
) -> None:
    problem = await served.refused("POST", f"/pipelines/{name}/rollback", {"version": version}, status=status)
    assert words in problem["detail"]
    assert served.project.refreshed == []


async def test_a_version_whose_code_is_gone_is_not_rolled_back_to(served: Served) -> None:
    del served.code.bundles["b1"]
    problem = await served.refused("POST", "/pipelines/flights/rollback", {"version": V1}, status=409)
    assert "cannot run any more" in problem["detail"]
    assert (await served.get("/pipelines/flights/versions"))["items"][0]["is_current"]


# -- charts


async def test_the_calendar_counts_days(served: Served) -> None:
    [day] = (await served.get("/pipelines/flights/calendar"))["days"]
    assert day == {"date": "2027-01-15", "succeeded": 1, "failed": 1, "cancelled": 0, "active": 2, "total": 4}


async def test_a_day_begins_where_people_are(served: Served) -> None:
    """08:00 in UTC is the evening before in Honolulu."""
    found = await served.get("/pipelines/flights/calendar", tz="Pacific/Honolulu")
    assert [day["date"] for day in found["days"]] == ["2027-01-14"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"tz": "Mars/Olympus"}, 422),
        ({"from_us": 5, "to_us": 5}, 422),
        ({"from_us": 1, "to_us": NOW_US}, 422),
        ({"tz": ""}, 422),
        ({"day": 1}, 422),
    ],
)
async def test_a_calendar_that_cannot_be_is_refused(served: Served, query: dict[str, Any], status: int) -> None:
    await served.refused("GET", "/pipelines/flights/calendar", status=status, **query)


async def test_durations_are_those_of_ended_runs(served: Served) -> None:
    found = await served.get("/pipelines/flights/durations")
    assert [point["run_id"] for point in found["points"]] == [FAILED, GOOD]
    assert [point["queued_us"] for point in found["points"]] == [1_000_000, 1_000_000]
    assert found["median_us"] == found["p95_us"] == 119_000_000  # of those that succeeded


async def test_durations_of_a_task_are_its_own(served: Served) -> None:
    found = await served.get("/pipelines/flights/durations", task="publish")
    assert [(point["run_id"], point["duration_us"]) for point in found["points"]] == [(GOOD, 60_000_000)]
    assert (await served.get("/pipelines/flights/durations", task="nothing"))["points"] == []


@pytest.mark.parametrize(
    ("ordered", "share", "value"),
    [([], 0.5, 0), ([7], 0.95, 7), ([1, 2, 3], 0.5, 2), ([*range(100)], 0.95, 95), ([1, 2], 1.0, 2)],
)
def test_a_quantile_is_one_of_the_values(ordered: list[int], share: float, value: int) -> None:
    assert quantile(ordered, share) == value


async def test_the_day_has_what_ran_and_what_will_run(served: Served) -> None:
    await served.add_schedule("flights", "daily", DAILY, next_at_us=NOW_US + 1, next_due_us=NOW_US + 1)
    found = await served.get("/day")
    assert [run["run_id"] for run in found["runs"]] == [FAILED, GOOD, LIVE]
    # It is 08:00; the day ends 12 hours later, and the next tick is at 07:00.
    assert found["ticks"] == []
    longer = await served.get("/day", from_us=NOW_US - HOUR, to_us=NOW_US + 24 * HOUR)
    assert [run["run_id"] for run in longer["runs"]] == [LIVE]
    assert [tick["at_us"] for tick in longer["ticks"]] == [NOW_US + 23 * HOUR]


async def test_a_day_that_is_over_has_no_plans(served: Served) -> None:
    await served.add_schedule("flights", "daily", DAILY, next_at_us=NOW_US + 1, next_due_us=NOW_US + 1)
    found = await served.get("/day", from_us=NOW_US - 3 * HOUR, to_us=NOW_US - 2 * HOUR - MINUTE)
    assert [run["run_id"] for run in found["runs"]] == [FAILED]
    assert found["ticks"] == []


@pytest.mark.parametrize("query", [{"from_us": 10, "to_us": 9}, {"from_us": 1, "to_us": 9 * 24 * HOUR}])
async def test_a_day_is_at_most_eight_days(served: Served, query: dict[str, int]) -> None:
    assert "range" in (await served.refused("GET", "/day", status=422, **query))["detail"]


async def test_without_a_history_charts_are_empty(served: Served) -> None:
    assert isinstance(served.store, MemoryStore)
    assert (await served.get("/pipelines/small/calendar"))["days"] == []
    empty = await served.get("/pipelines/small/durations")
    assert empty == {"points": [], "median_us": 0, "p95_us": 0}
    assert (await served.get("/pipelines/small/grid"))["runs"] == []
