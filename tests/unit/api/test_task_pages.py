"""Task runs of a run: the list, the time axis, the panel of one, and its values."""

from __future__ import annotations

from typing import Any

import pytest

from tests import store_rows as rows
from tests.unit.api.flights import FAILED, GOOD, LIVE, MINUTE, NOW_US, QUEUED, RUNS, SECOND, done, of, ref
from tests.unit.api.served import Served
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo

FETCHED = [("fetch", [0]), ("fetch", [1]), ("fetch", [2]), ("fetch", [3])]


def keys(page: Any) -> list[tuple[str, list[int]]]:
    return [(row["task"], row["index"]) for row in page["items"]]


async def panel(served: Served, run_id: str, task: str, index: str = "") -> Any:
    return await served.get(f"/runs/{run_id}/task", task=task, index=index)


# -- the list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"task": "fetch"}, FETCHED),
        ({"task": "fetch", "state": "failed"}, [("fetch", [2])]),
        ({"state": ["failed", "cancelled"]}, [("fetch", [2]), ("fetch[]", []), ("wait", [])]),
        ({"search": "FETCH", "state": "skipped"}, [("fetch", [3])]),
        ({"search": "3"}, [("clean", [3]), ("fetch", [3])]),
        ({"search": "[1]"}, [("clean", [1]), ("fetch", [1])]),
        ({"search": "3.1"}, []),
        ({"search": "report"}, [("report", []), ("report/note", [0])]),
        ({"task": "fetc"}, []),
        ({"search": "_"}, []),
        ({"state": "waiting"}, []),
    ],
)
async def test_a_list_holds_what_was_asked_for(served: Served, query: dict[str, Any], found: list[Any]) -> None:
    assert keys(await served.get(f"/runs/{FAILED}/tasks", **query)) == found


@pytest.mark.parametrize("limit", [1, 4, 7, 18])
async def test_pages_add_up_to_the_list(served: Served, limit: int) -> None:
    whole = keys(await served.get(f"/runs/{FAILED}/tasks", limit=1000))
    found: list[tuple[str, list[int]]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await served.get(f"/runs/{FAILED}/tasks", limit=limit, cursor=cursor)
        found += keys(page)
        cursor = page["next"]
    assert found == whole
    assert len(whole) == 18


async def test_indexes_are_ordered_as_numbers(served: Served) -> None:
    await served.write(tasks=of(LIVE, *(done("fetch", n) for n in (9, 10, 100))))
    page = await served.get(f"/runs/{LIVE}/tasks", task="fetch", state="succeeded")
    assert [row["index"] for row in page["items"]] == [[9], [10], [100]]


@pytest.mark.parametrize(
    "cursor",
    ["W10", "WyJmZXRjaCIsWyJ4Il1d", "WyJmZXRjaCIsWy0xXV0", "WyJmZXRjaCIsWzIxNDc0ODM2NDhdXQ", "WzEsWzBdXQ"],
    ids=["empty", "text", "negative", "too large", "number for a task"],
)
async def test_a_made_up_cursor_is_refused(served: Served, cursor: str) -> None:
    problem = await served.refused("GET", f"/runs/{FAILED}/tasks", status=422, cursor=cursor)
    assert "no cursor" in problem["detail"]


@pytest.mark.parametrize("query", [{"state": "lost"}, {"limit": 0}, {"index": "1"}, {"search": "x" * 201}])
async def test_what_no_list_can_be_asked_for_is_said(served: Served, query: dict[str, Any]) -> None:
    await served.refused("GET", f"/runs/{FAILED}/tasks", status=422, **query)


async def test_rows_carry_what_a_line_of_the_list_shows(served: Served) -> None:
    page = await served.get(f"/runs/{FAILED}/tasks", task="fetch")
    first, retried, failed, skipped = page["items"]
    assert (first["result_kind"], first["worker"], first["error"]) == ("json", "host:1", None)
    assert (retried["attempt"], retried["retries"], retried["state"]) == (2, 1, "succeeded")
    assert (failed["error"]["message"], failed["error"]["line"], failed["result_kind"]) == ("13 months", 30, "")
    assert skipped["reason"] == "no such month"


# -- the time axis


async def test_the_time_axis_has_a_bar_for_what_started(served: Served) -> None:
    found = await served.get(f"/runs/{FAILED}/timeline")
    bars = [(bar["task"], *bar["index"]) for bar in found["bars"]]
    assert ("fetch", 2) in bars
    assert ("publish",) not in bars
    assert not any(bar["task"].endswith("[]") for bar in found["bars"])
    starts = [bar["started_us"] for bar in found["bars"]]
    assert starts == sorted(starts)


async def test_the_critical_path_leads_from_the_first_task_to_the_last(served: Served) -> None:
    found = await served.get(f"/runs/{GOOD}/timeline")
    assert found["critical_path"] == ["months", "fetch", "clean", "check.rows", "publish", "best", "report"]
    critical = {bar["task"] for bar in found["bars"] if bar["critical"]}
    assert critical == {"months", "fetch", "clean", "check.rows", "publish", "best", "report"}


async def test_a_hook_is_not_what_the_run_waited_for(served: Served) -> None:
    """`alarm` ended last, since it runs when all is over."""
    found = await served.get(f"/runs/{FAILED}/timeline")
    assert found["critical_path"][-1] == "report"
    assert "alarm" in {bar["task"] for bar in found["bars"]}


async def test_many_indexes_are_one_bar(served: Served) -> None:
    await served.write(tasks=of(LIVE, *(done("fetch", n, at=n * SECOND) for n in range(10, 70))))
    bars = [bar for bar in (await served.get(f"/runs/{LIVE}/timeline"))["bars"] if bar["task"] == "fetch"]
    [bar] = bars
    # Of those only what has started: one waits for its retry, one runs.
    assert bar["index"] == []
    assert bar["count"] >= 60
    assert bar["finished_us"] == RUNS[LIVE].started_us + 69 * SECOND + SECOND + 3


async def test_a_limit_folds_instead_of_cutting_off(served: Served) -> None:
    whole = await served.get(f"/runs/{GOOD}/timeline")
    folded = await served.get(f"/runs/{GOOD}/timeline", limit=10)
    assert len(folded["bars"]) < len(whole["bars"])
    assert {bar["task"] for bar in folded["bars"]} == {bar["task"] for bar in whole["bars"]}


async def test_a_run_that_has_not_begun_has_no_time_axis(served: Served) -> None:
    assert await served.get(f"/runs/{QUEUED}/timeline") == {"bars": [], "critical_path": [], "fact_seq": 0}


# -- the panel


async def test_attempts_are_told_from_the_first_to_the_last(served: Served) -> None:
    found = await panel(served, FAILED, "fetch", "2")
    told = [(each["attempt"], each["outcome"], each["worker"]) for each in found["attempts"]]
    assert told == [(1, "lost", "host:9"), (2, "failed", "host:9"), (3, "failed", "host:2")]
    assert [each["error"] is None for each in found["attempts"]] == [True, False, False]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (TaskState.RUNNING, "running"),
        (TaskState.DISPATCHED, "running"),
        (TaskState.SUCCEEDED, "succeeded"),
        (TaskState.FAILED, "failed"),
        (TaskState.SKIPPED, "skipped"),
        (TaskState.CANCELLED, "cancelled"),
    ],
)
async def test_the_last_attempt_ends_as_its_task_run(served: Served, state: TaskState, outcome: str) -> None:
    await served.write(tasks=of(LIVE, done("fetch", 0, state=state)))
    [attempt] = (await panel(served, LIVE, "fetch", "0"))["attempts"]
    assert (attempt["attempt"], attempt["outcome"]) == (1, outcome)


async def test_an_attempt_whose_retry_is_awaited_is_told_once(served: Served) -> None:
    """It lies among the earlier ones already; its row says when the next one starts."""
    await served.write(attempts=[rows.attempt(1, "fetch", (1,), LIVE)])
    [attempt] = (await panel(served, LIVE, "fetch", "1"))["attempts"]
    assert attempt["outcome"] == "failed"


async def test_what_was_never_handed_out_has_no_attempt(served: Served) -> None:
    assert (await panel(served, FAILED, "publish"))["attempts"] == []
    assert (await panel(served, LIVE, "fetch", "2"))["attempts"] == []


async def test_each_attempt_has_the_traceback_of_its_own_log(served: Served) -> None:
    for attempt, text in ((2, "ValueError: two"), (3, "ValueError: three")):
        line = {"stream": "traceback", "level": "error", "msg": f"Traceback\n{text}", "traceback": True}
        served.log(FAILED, "fetch", {"msg": "hello"}, line, index="2", attempt=attempt)
    found = await panel(served, FAILED, "fetch", "2")
    texts = [each["error"]["traceback"] if each["error"] else None for each in found["attempts"]]
    assert texts == [None, "Traceback\nValueError: two", "Traceback\nValueError: three"]
    assert found["error"]["traceback"] == "Traceback\nValueError: three"


@pytest.mark.parametrize(
    ("traceback", "cause"),
    [
        ("Traceback\nValueError: x", ""),
        (
            "T\nValueError: x\n\nThe above exception was the direct cause of the following exception:\n\nE: y",
            "ValueError: x",
        ),
        (
            "T\nKeyError: 'k'\n\nDuring handling of the above exception, another exception occurred:\n\nE: y",
            "KeyError: 'k'",
        ),
    ],
)
async def test_the_cause_is_what_it_was_raised_from(served: Served, traceback: str, cause: str) -> None:
    served.log(FAILED, "fetch", {"stream": "traceback", "msg": traceback, "traceback": 1}, index="2", attempt=3)
    assert (await panel(served, FAILED, "fetch", "2"))["error"]["cause"] == cause


async def test_inputs_are_named_with_where_they_came_from(served: Served) -> None:
    months = {each["name"]: each for each in (await panel(served, FAILED, "months"))["inputs"]}
    assert (months["year"]["source"], months["year"]["preview"]["text"]) == ("parameter year", "2013")
    assert (months["step"]["source"], months["step"]["preview"]["text"]) == ("constant", "1")


async def test_the_item_of_a_map_is_looked_up_in_what_it_iterates(served: Served) -> None:
    [month] = (await panel(served, FAILED, "fetch", "2"))["inputs"]
    assert (month["name"], month["preview"]["text"]) == ("month", "3")


async def test_a_chained_item_is_the_result_at_the_same_index(served: Served) -> None:
    [item] = (await panel(served, FAILED, "clean", "1"))["inputs"]
    assert item["name"] == "1"
    assert "20" in item["preview"]["text"]
    [missing] = (await panel(served, FAILED, "clean", "2"))["inputs"]
    assert missing["preview"]["kind"] == "opaque"
    assert "it failed" in missing["preview"]["note"]


async def test_gathered_results_are_a_table_of_index_and_value(served: Served) -> None:
    inputs = {each["name"]: each for each in (await panel(served, GOOD, "check.rows"))["inputs"]}
    preview = inputs["rows"]["preview"]
    assert (preview["kind"], preview["columns"], preview["total_rows"]) == ("table", ["index", "value"], 3)
    assert preview["rows"] == [["0", "a"], ["1", "b"], ["2", "c"]]
    assert inputs["mixed"]["preview"]["note"] == "made of several values in the worker"


async def test_what_an_input_waits_for_is_said(served: Served) -> None:
    inputs = (await panel(served, QUEUED, "months"))["inputs"]
    assert [each["preview"]["kind"] for each in inputs] == ["json", "json"]
    [months] = (await panel(served, QUEUED, "wait"))["inputs"]
    assert "no output yet" in months["preview"]["note"]
    [of_best] = (await panel(served, FAILED, "report"))["inputs"]
    assert "it upstream_failed" in of_best["preview"]["note"]


async def test_a_part_of_a_result_is_what_the_task_was_given(served: Served) -> None:
    [months] = (await panel(served, GOOD, "wait"))["inputs"]
    assert months["preview"]["text"] == "1"


async def test_the_output_is_shown_and_what_has_none_has_none(served: Served) -> None:
    assert (await panel(served, GOOD, "publish"))["output"]["text"] == "url"
    assert (await panel(served, FAILED, "publish"))["output"] is None


async def test_the_code_is_cut_from_the_bundle_of_the_run(served: Served) -> None:
    code = (await panel(served, FAILED, "fetch", "0"))["code"]
    assert (code["file"], code["line"]) == ("pipelines/flights.py", 8)
    assert code["text"].splitlines() == ["@retried", "def fetch(month):", "    return month"]
    assert (await panel(served, GOOD, "fetch", "0"))["code"] is None  # of the bundle before it was written
    del served.code.bundles["b2"]
    assert (await panel(served, FAILED, "fetch", "0"))["code"] is None


async def test_a_join_has_neither_code_nor_inputs(served: Served) -> None:
    found = await panel(served, GOOD, "best")
    assert (found["code"], found["inputs"], found["attempts"]) == (None, [], [])


async def test_a_step_of_a_flow_is_found_though_no_version_names_it(served: Served) -> None:
    found = await panel(served, FAILED, "report/note", "0")
    assert (found["state"], found["inputs"], found["output"]["text"]) == ("succeeded", [], "1")


async def test_what_still_waits_has_a_panel_too(served: Served) -> None:
    found = await panel(served, LIVE, "publish")
    assert (found["state"], found["attempt"], found["ready_us"]) == ("waiting", 0, 0)
    assert found["waiting"]["words"]


@pytest.mark.parametrize(("task", "index"), [("nothing", ""), ("months", "0"), ("report/other", "1")])
async def test_a_task_run_that_cannot_be_is_not_found(served: Served, task: str, index: str) -> None:
    await served.refused("GET", f"/runs/{LIVE}/task", status=404, task=task, index=index)


@pytest.mark.parametrize("index", ["x", "1.", ".1", "-1", "1,2", "1" * 10, "٣"])
async def test_what_is_no_map_index_is_refused(served: Served, index: str) -> None:
    problem = await served.refused("GET", f"/runs/{LIVE}/task", status=422, task="fetch", index=index)
    assert "index" in problem["detail"]


async def test_metrics_and_artifacts_of_the_task_run_come_along(served: Served) -> None:
    folder = served.folder / "logs" / FAILED
    folder.mkdir(parents=True)
    detail = await panel(served, FAILED, "months")
    assert (detail["metrics"], detail["artifacts"]) == ([], [])
    assert detail["idempotency_key"] == (await panel(served, FAILED, "months"))["idempotency_key"]
    assert detail["idempotency_key"] != (await panel(served, GOOD, "months"))["idempotency_key"]


# -- values


async def test_a_value_is_read_page_by_page(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("months", value=list(range(250)))))
    page = await served.get(f"/runs/{LIVE}/value", task="months", offset=200, limit=100)
    assert (page["total_rows"], page["offset"]) == (250, 200)
    beyond = await served.get(f"/runs/{LIVE}/value", task="months", offset=1000)
    assert beyond["total_rows"] == 250


async def test_records_are_a_table(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("months", value=[{"a": 1}, {"a": 2, "b": "x"}])))
    page = await served.get(f"/runs/{LIVE}/value", task="months", limit=1, offset=1)
    assert (page["kind"], page["rows"], page["total_rows"]) == ("table", [[2, "x"]], 2)


@pytest.mark.parametrize(("which", "text"), [("output", "[\n  1"), ("input:year", "2013"), ("input:step", "1")])
async def test_each_value_of_a_task_run_can_be_asked_for(served: Served, which: str, text: str) -> None:
    page = await served.get(f"/runs/{FAILED}/value", task="months", which=which)
    assert page["text"].startswith(text)


@pytest.mark.parametrize(
    ("task", "index", "which", "words"),
    [
        ("publish", "", "output", "only what succeeded"),
        ("fetch", "9", "output", "fetch[9]"),
        ("months", "", "input:month", "no input 'month'"),
        ("months", "", "artifact:plot", "no artifact 'plot'"),
        ("best", "", "input:1", "no input"),
    ],
)
async def test_a_value_that_is_not_there_is_not_found(
    served: Served, task: str, index: str, which: str, words: str
) -> None:
    problem = await served.refused("GET", f"/runs/{FAILED}/value", status=404, task=task, index=index, which=which)
    assert words in problem["detail"] + problem["fix"]


@pytest.mark.parametrize("which", ["", "all", "input:", "artifact:", "output:x", "input:" + "x" * 201])
async def test_what_is_no_name_of_a_value_is_refused(served: Served, which: str) -> None:
    await served.refused("GET", f"/runs/{FAILED}/value", status=422, task="months", which=which)


async def test_a_value_whose_blob_is_gone_says_so(served: Served) -> None:
    from toque.engine.values import ValueRef

    gone = ValueRef(codec="json", blob="nowhere", size_bytes=5)
    await served.write(tasks=of(LIVE, done("months", result=gone)))
    page = await served.get(f"/runs/{LIVE}/value", task="months")
    assert (page["kind"], page["size_bytes"]) == ("opaque", 5)
    assert "gone" in page["note"]


# -- logs


async def test_the_log_of_the_last_attempt_is_the_one_that_is_meant(served: Served) -> None:
    for attempt in (1, 2, 3):
        served.log(FAILED, "fetch", {"msg": f"attempt {attempt}"}, index="2", attempt=attempt)
    page = await served.get(f"/runs/{FAILED}/logs", task="fetch", index="2")
    assert [line["text"] for line in page["lines"]] == ["attempt 3"]
    first = await served.get(f"/runs/{FAILED}/logs", task="fetch", index="2", attempt=1)
    assert [line["text"] for line in first["lines"]] == ["attempt 1"]


@pytest.mark.parametrize(
    ("run_id", "task", "index", "attempt", "ended"),
    [
        (FAILED, "months", "", 0, True),
        (LIVE, "months", "", 0, True),
        (LIVE, "fetch", "0", 0, False),
        (LIVE, "fetch", "1", 0, False),
        (LIVE, "publish", "", 0, False),
        (QUEUED, "months", "", 1, False),
    ],
)
async def test_a_log_has_ended_when_its_attempt_has(
    served: Served, run_id: str, task: str, index: str, attempt: int, ended: bool
) -> None:
    page = await served.get(f"/runs/{run_id}/logs", task=task, index=index, attempt=attempt)
    assert (page["lines"], page["ended"]) == ([], ended)


async def test_an_earlier_attempt_has_ended_though_the_task_run_goes_on(served: Served) -> None:
    await served.write(tasks=of(LIVE, done("fetch", 0, state=TaskState.RUNNING, attempt=2)))
    assert (await served.get(f"/runs/{LIVE}/logs", task="fetch", index="0", attempt=1))["ended"]
    assert not (await served.get(f"/runs/{LIVE}/logs", task="fetch", index="0", attempt=2))["ended"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["a", "B", "c"]),
        ({"level": "warning"}, ["B", "c"]),
        ({"search": "b"}, ["B"]),
        ({"after": 1, "limit": 1}, ["B"]),
        ({"tail": True, "limit": 1}, ["c"]),
        ({"after": 99}, []),
    ],
)
async def test_lines_are_chosen(served: Served, query: dict[str, Any], found: list[str]) -> None:
    served.log(
        FAILED,
        "months",
        {"msg": "a"},
        {"msg": "B", "level": "warning"},
        {"msg": "c", "level": "error", "stream": "stderr"},
    )
    page = await served.get(f"/runs/{FAILED}/logs", task="months", **query)
    assert [line["text"] for line in page["lines"]] == found


async def test_a_log_is_downloaded_whole_under_a_safe_name(served: Served) -> None:
    served.log(FAILED, "report/note", {"msg": "é"}, {"msg": "two", "level": "error"}, index="0")
    said = await served.send("GET", f"/runs/{FAILED}/logs/download", task="report/note", index="0")
    assert said.status == 200
    assert said.headers["content-type"] == "text/plain; charset=utf-8"
    assert said.headers["content-disposition"] == f'attachment; filename="{FAILED}-report_note-0.log"'
    assert [line.split(" ", 1)[1] for line in said.body.decode().splitlines()] == ["INFO    é", "ERROR   two"]


@pytest.mark.parametrize("task", ["../../../../etc/passwd", "..", "a/../../b", "/etc/passwd", "a\\..\\b"])
async def test_no_name_of_a_task_leads_out_of_the_folder_of_logs(served: Served, task: str) -> None:
    secret = served.folder / "secret-1.jsonl"
    secret.write_text('{"t":1,"msg":"secret"}\n')
    (served.folder / "logs" / FAILED).mkdir(parents=True)
    page = await served.get(f"/runs/{FAILED}/logs", task=task)
    assert page["lines"] == []
    said = await served.send("GET", f"/runs/{FAILED}/logs/download", task=task)
    assert (said.status, said.body) == (200, b"")
    assert '"' not in said.headers["content-disposition"].removeprefix('attachment; filename="').removesuffix('"')


async def test_errors_in_rows_carry_no_secrets_of_the_store(served: Served) -> None:
    """A row holds tokens and handles that nobody needs on a page."""
    row = done("months", token=rows.full_task().token, handle={"job": "x"}, payload=ref("p"))
    await served.write(tasks=of(LIVE, row))
    shown = await panel(served, LIVE, "months")
    assert not {"token", "handle", "payload", "result"} & set(shown)


async def test_a_sample_of_bad_rows_is_plain_json(served: Served) -> None:
    error = ErrorInfo(kind="data", type="E", message="m", sample=[{"$": "tuple", "v": [1, 2]}, 2**60])
    await served.write(tasks=of(LIVE, done("months", state=TaskState.FAILED, error=error)))
    assert (await panel(served, LIVE, "months"))["error"]["sample"] == [[1, 2], str(2**60)]


async def test_a_deferred_task_run_says_when_it_looks_again(served: Served) -> None:
    found = await panel(served, LIVE, "wait")
    assert (found["state"], found["due_us"]) == ("deferred", NOW_US + 2 * MINUTE)
    await served.change(LIVE, state=RunState.FAILED, finished_us=NOW_US)
    assert (await panel(served, LIVE, "wait"))["waiting"] is None
