"""The Python client against the application itself: each call says what it means, page by page."""

from __future__ import annotations

import asyncio
import http.client
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from tests import store_rows as rows
from tests.unit.api import flights
from tests.unit.api.asgi import Said, ask
from tests.unit.api.flights import FAILED, GOOD, HOUR, LIVE, NOW_US, QUEUED, V1, V2
from tests.unit.api.served import SOURCE, TOKEN, Served, application, flying
from toque.client import Client, Refused, ServerGone, Transport
from toque.engine.states import RunState

DAILY = msgspec.json.encode(flights.PIPELINE.schedules[0])


class Wire:
    """In place of a connection: each request goes through the whole application, and is noted."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.sent: list[tuple[str, str, dict[str, str]]] = []
        self.trouble: list[Exception] = []
        """Raised by the next requests, before anything is done."""
        self.lost: list[Exception] = []
        """Raised by the next requests, after it was done: only the answer is lost."""
        self.closed = 0
        self._said: Said | None = None

    def request(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> None:
        if self.trouble:
            raise self.trouble.pop()
        self.sent.append((method, target, headers))
        split = urlsplit(target)
        application().state.services = self.served.services
        whole = {"Host": "127.0.0.1:8787", **headers}
        asked = ask(self.served.app, method, unquote(split.path), headers=whole, body=body or b"", query=split.query)
        self._said = asyncio.run(asked)
        if self.lost:
            raise self.lost.pop()

    def getresponse(self) -> Any:
        assert self._said is not None
        answer = io.BytesIO(self._said.body)
        answer.status = self._said.status  # type: ignore[attr-defined]
        return answer

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def wire(tmp_path: Path) -> Wire:
    return Wire(asyncio.run(flying(tmp_path)))


@pytest.fixture
def client(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(http.client, "HTTPConnection", lambda *args, **fields: wire)
    with Client(Transport("http://127.0.0.1:8787/", TOKEN, actor="grace")) as client:
        yield client


def other(wire: Wire, token: str = TOKEN) -> Client:
    """Another client of the same server."""
    return Client(Transport("http://127.0.0.1:8787", token))


# -- reading


def test_it_says_who_it_is(client: Client) -> None:
    session = client.session()
    assert (session.actor, session.server.project, session.server.boot) == ("grace", "air", 7)


def test_runs_are_listed_as_models(client: Client) -> None:
    found = list(client.runs.list())
    assert [run.run_id for run in found] == [QUEUED, LIVE, GOOD, FAILED]
    assert found[2].state is RunState.SUCCEEDED
    assert found[3].error is not None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"states": ["failed", "queued"]}, [QUEUED, FAILED]),
        ({"pipeline": "small"}, []),
        ({"search": "2012"}, [GOOD]),
        ({"limit": 3}, [QUEUED, LIVE, GOOD]),
        ({"limit": 0}, []),
    ],
)
def test_lists_of_runs_hold_what_was_asked_for(client: Client, query: dict[str, Any], found: list[str]) -> None:
    assert [run.run_id for run in client.runs.list(**query)] == found


def test_a_long_list_of_runs_is_read_page_by_page_while_somebody_wants_it(client: Client, wire: Wire) -> None:
    many = [rows.run(f"z{n:04}", pipeline="many", version="s1") for n in range(1200)]
    asyncio.run(wire.served.write(runs=many))
    found = client.runs.list(pipeline="many", limit=1100)
    assert next(found).run_id == "z1199"
    assert len(wire.sent) == 1
    assert len([*found]) == 1099
    assert len(wire.sent) == 3


def test_a_run_its_graph_and_its_time_axis(client: Client) -> None:
    run = client.runs.get(FAILED)
    assert [row.task for row in run.first_failures] == ["fetch", "fetch[]"]
    assert "report/note" in {node.id for node in client.runs.graph(FAILED).nodes}
    assert client.runs.timeline(GOOD).critical_path[0] == "months"


def test_two_runs_are_compared(client: Client) -> None:
    found = client.runs.compare(FAILED, GOOD)
    assert found.version_changed
    assert {each.name for each in found.parameters} == {"extra", "year"}


def test_task_runs_are_read_to_the_last_page(client: Client, wire: Wire) -> None:
    many = flights.of(LIVE, *(flights.done("fetch", n) for n in range(10, 1110)))
    asyncio.run(wire.served.write(tasks=many))
    found = list(client.runs.tasks.list(LIVE, task="fetch", states=["succeeded"]))
    assert [row.index for row in found] == [[n] for n in range(10, 1110)]
    assert len(wire.sent) == 3


def test_one_task_run_and_its_values(client: Client) -> None:
    tasks = client.runs.tasks
    assert [each.attempt for each in tasks.get(FAILED, "fetch", "2").attempts] == [1, 2, 3]
    assert tasks.value(GOOD, "publish").text == "url"
    assert tasks.value(FAILED, "months", which="input:year").text == "2013"


def test_logs_are_read_and_followed(client: Client, wire: Wire) -> None:
    wire.served.log(FAILED, "months", {"msg": "one"}, {"msg": "two"})
    page = client.runs.tasks.logs(FAILED, "months")
    assert ([line.text for line in page.lines], page.next, page.ended) == (["one", "two"], 2, True)
    assert client.runs.tasks.logs(FAILED, "months", after=page.next).lines == []
    assert client.runs.tasks.log_text(FAILED, "months").count("\n") == 2


def test_pipelines_are_read_by_name(client: Client) -> None:
    assert [each.name for each in client.pipelines.list()] == ["flights", "small"]
    assert [each.name for each in client.pipelines.list(owner="bob")] == ["small"]
    assert client.pipelines.get("flights").concurrency.max_active_runs == 2
    assert client.pipelines.graph("flights", version=V1).version == V1
    assert client.pipelines.grid("flights", limit=1).next == QUEUED
    assert client.pipelines.grid("flights", before=GOOD).runs[0].run_id == FAILED
    assert [day.total for day in client.pipelines.calendar("flights").days] == [4]
    assert len(client.pipelines.durations("flights").points) == 2


def test_versions_their_files_and_the_way_back(client: Client) -> None:
    assert [each.version for each in client.versions.list("flights")] == [V2, V1]
    assert [each.path for each in client.versions.files(V2).files] == ["pipelines/flights.py", "toque.toml"]
    assert client.versions.file(V2, "pipelines/flights.py").text == SOURCE
    assert [each.status for each in client.versions.diff(V1, V2).files] == ["changed"]
    assert client.versions.roll_back("flights", V1, reason="worse").is_current


def test_the_server_as_a_whole(client: Client) -> None:
    assert [each.kind for each in client.attention()] == ["late_run"]
    assert [each.pool for each in client.pools()][:1] == ["api"]
    assert client.system().totals.runs_ended == {"failed": 1, "succeeded": 1}
    assert client.broken_files() == []
    assert [each.run_id for each in client.day().runs] == [FAILED, GOOD, LIVE]
    assert client.day(NOW_US - 3 * HOUR, NOW_US - 2 * HOUR).runs[0].run_id == FAILED


def test_an_address_that_signs_a_browser_in(client: Client, wire: Wire) -> None:
    address, _, key = client.sign_in_url().partition("?key=")
    assert address == "http://127.0.0.1:8787/sign-in"
    assert wire.served.access.sign_in(key, NOW_US) is not None


# -- writing


def test_a_run_is_started_once_for_a_key(client: Client, wire: Wire) -> None:
    first = client.runs.start("flights", {"year": 1999}, reason="why", key="k")
    assert (first.parameters, first.reason, first.actor) == ({"year": 1999}, "why", "grace")
    assert client.runs.start("flights", {"year": 1999}, reason="why", key="k").run_id == first.run_id
    assert client.runs.start("flights", {"year": 1999}).run_id != first.run_id


@pytest.mark.parametrize(
    ("act", "kind", "payload"),
    [
        (lambda runs: runs.cancel(LIVE, reason="x"), "cancel", {"reason": "x", "task": "", "map_index": []}),
        (lambda runs: runs.suspend(LIVE, reason="y"), "suspend", {"reason": "y"}),
        (
            lambda runs: runs.tasks.cancel(LIVE, "fetch", "1"),
            "cancel",
            {"reason": "", "task": "fetch", "map_index": [1]},
        ),
        (
            lambda runs: runs.tasks.mark(LIVE, "publish", "failed", reason="z"),
            "mark",
            {"reason": "z", "task": "publish", "map_index": [], "state": "failed"},
        ),
    ],
)
def test_orders_reach_the_owner_of_the_run(
    client: Client, wire: Wire, act: Callable[[Any], Any], kind: str, payload: dict[str, Any]
) -> None:
    assert act(client.runs).run_id == LIVE
    [command] = asyncio.run(wire.served.store.list_commands(rows.ME))
    assert (command.kind, command.payload, command.actor) == (kind, payload, "grace")


def test_a_suspended_run_is_resumed(client: Client, wire: Wire) -> None:
    asyncio.run(wire.served.change(LIVE, state=RunState.SUSPENDED))
    assert client.runs.resume(LIVE).state is RunState.SUSPENDED
    assert [each.kind for each in asyncio.run(wire.served.store.list_commands(rows.ME))] == ["resume"]


def test_a_run_is_repeated(client: Client) -> None:
    assert client.runs.retry(FAILED).origin_run == FAILED
    assert client.runs.rerun(GOOD, ["publish"]).version == V1
    assert client.runs.rerun(GOOD, ["publish"], new_code=True).version == V2
    effects = client.runs.preview(FAILED, "retry").effects
    assert {each.what for each in effects if each.task == "months"} == {"keeps its result"}


def test_schedules_are_read_paused_and_tried(client: Client, wire: Wire) -> None:
    asyncio.run(
        wire.served.add_schedule("flights", "daily", DAILY, next_at_us=NOW_US + HOUR, next_due_us=NOW_US + HOUR)
    )
    schedules = client.schedules
    assert [each.id for each in schedules.list(pipeline="flights")] == ["flights/daily"]
    assert schedules.pause("flights/daily").paused
    assert not schedules.unpause("flights/daily").paused
    assert client.pipelines.pause("flights").paused
    assert not client.pipelines.unpause("flights").paused
    assert schedules.ticks("flights/daily") == []
    assert len(schedules.preview(rule="every 15m", count=4).ticks) == 4
    assert len(schedules.upcoming(limit=1)) == 1
    assert schedules.upcoming(until_us=NOW_US + 1) == []


def test_backfills_are_planned_read_and_cancelled(client: Client, wire: Wire) -> None:
    asyncio.run(
        wire.served.add_schedule("flights", "daily", DAILY, next_at_us=NOW_US + HOUR, next_due_us=NOW_US + HOUR)
    )
    span = {"from_us": NOW_US - 48 * HOUR, "to_us": NOW_US}
    assert len(client.backfills.start("flights", **span, dry_run=True).slices) == 2
    planned = client.backfills.start("flights", **span, max_active=2)
    assert [each.id for each in client.backfills.list()] == [planned.id]
    assert client.backfills.cancel(planned.id).state == "cancelled"
    assert client.backfills.get(planned.id).state == "cancelled"


# -- waiting


def test_a_run_that_has_ended_is_not_waited_for(client: Client) -> None:
    assert client.runs.wait(GOOD, timeout_s=0).state is RunState.SUCCEEDED


def test_waiting_ends_with_the_run(client: Client, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            asyncio.run(wire.served.change(LIVE, state=RunState.FAILED, finished_us=NOW_US))

    monkeypatch.setattr("toque.client.runs.time.sleep", sleep)
    assert client.runs.wait(LIVE).state is RunState.FAILED
    assert pauses == sorted(pauses)  # less and less often
    assert pauses[-1] == 2.0


def test_waiting_has_an_end_of_its_own(client: Client) -> None:
    with pytest.raises(TimeoutError, match=f"run {LIVE} is running after 0 s"):
        client.runs.wait(LIVE, timeout_s=0)


# -- what goes wrong


def test_a_refusal_carries_the_words_of_the_server(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.runs.get("r0")
    assert (refused.value.status, refused.value.message) == (404, "there is no run r0")
    assert "retention" in refused.value.fix


def test_a_refusal_names_the_fields(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.runs.tasks.get(LIVE, "fetch", "x")
    assert refused.value.status == 422
    assert [each["field"] for each in refused.value.errors] == ["query.index"]


def test_another_token_is_refused(client: Client, wire: Wire) -> None:
    with pytest.raises(Refused) as refused:
        other(wire, "wrong").session()
    assert refused.value.status == 401


def test_a_lost_answer_to_a_write_is_asked_for_again_without_doing_it_twice(client: Client, wire: Wire) -> None:
    wire.lost = [ConnectionResetError("gone")]
    run = client.runs.start("small")
    assert len(wire.sent) == 2
    assert wire.sent[0][2]["Idempotency-Key"] == wire.sent[1][2]["Idempotency-Key"]
    assert [each.run_id for each in client.runs.list(pipeline="small")] == [run.run_id]


@pytest.mark.parametrize(
    "trouble", [ConnectionResetError("reset"), http.client.RemoteDisconnected("closed"), TimeoutError("slow")]
)
def test_a_server_that_does_not_answer_twice_is_gone(client: Client, wire: Wire, trouble: Exception) -> None:
    wire.trouble = [trouble, trouble]
    with pytest.raises(ServerGone) as gone:
        client.session()
    assert gone.value.was_sent
    assert wire.closed == 2
    assert client.session().actor == "grace"  # a new connection finds it again


def test_a_server_that_is_not_there_is_not_asked_twice(client: Client, wire: Wire) -> None:
    wire.trouble = [ConnectionRefusedError("no"), ConnectionRefusedError("no")]
    with pytest.raises(ServerGone) as gone:
        client.runs.start("small")
    assert not gone.value.was_sent
    assert len(wire.trouble) == 1
    assert wire.sent == []


def test_the_end_of_the_block_ends_the_connection(wire: Wire, client: Client) -> None:
    before = wire.closed
    with other(wire):
        pass
    assert wire.closed == before + 1
