"""The stream over ASGI, and the bytes that it sends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from tests.unit.api.asgi import ask
from tests.unit.api.stream.scene import Scene, parsed, serving, task_row
from toque.api import errors
from toque.api.stream import patches
from toque.api.stream.cursor import from_text
from toque.api.stream.missed import MOST_FACTS, MOST_ROWS, missed
from toque.api.stream.routes import router
from toque.api.wire.tasks import Progress
from toque.engine.states import TaskState
from toque.store.memory import MemoryStore


def application(scene: Scene | None) -> FastAPI:
    app = FastAPI()
    errors.install(app)
    app.include_router(router)
    app.state.stream = scene.hub if scene is not None else None
    return app


class Browser:
    """Asks for a stream, and goes away when it is told to."""

    def __init__(self, scene: Scene, query: str, **headers: str) -> None:
        self.messages: list[Message] = []
        self._gone = asyncio.Event()
        self._came = asyncio.Condition()
        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": "/stream",
            "raw_path": b"/stream",
            "query_string": query.encode(),
            "headers": given,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8787),
            "root_path": "",
        }
        self.task = asyncio.create_task(application(scene)(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        async with self._came:
            self.messages.append(message)
            self._came.notify_all()

    async def until(self, count: int) -> list[Any]:
        """The first events."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.messages) > count), 20)
        return [parsed(message["body"]) for message in self.messages[1:]]

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 20)


async def test_a_stream_is_an_answer_without_an_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        browser = Browser(scene, "topics=run:r1,home")
        hello, patch = await browser.until(2)
        start = browser.messages[0]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert (start["status"], headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert headers["cache-control"] == "no-store"
        assert "content-length" not in headers
        assert (hello.kind, hello.id) == ("hello", "")
        assert [each["topic"] for each in patch.patches] == ["run:r1", "home"]
        assert from_text(patch.id) is not None
        await browser.leave()
        assert not any(feed.streams for feed in scene.hub.feeds)


@pytest.mark.parametrize("by", ["header", "query"])
async def test_who_comes_back_says_where_it_was(tmp_path: Path, by: str) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        first = Browser(scene, "topics=run:r1")
        _, patch = await first.until(2)
        await first.leave()
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        if by == "header":
            second = Browser(scene, "topics=run:r1&since=nonsense", last_event_id=patch.id)
        else:
            second = Browser(scene, f"topics=run:r1&since={patch.id}")
        _, news = await second.until(2)
        kinds = {each["kind"] for each in news.patches}
        assert "reset" not in kinds
        assert [row["state"] for each in news.patches if each["kind"] == "tasks" for row in each["data"]] == [
            "succeeded"
        ]
        await second.leave()


async def test_the_end_of_the_server_ends_the_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        browser = Browser(scene, "topics=home")
        await browser.until(2)
        await scene.hub.close()
        await asyncio.wait_for(browser.task, 20)
        assert browser.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("topics=kitchen", 400),
        ("topics=", 400),
        ("topics=,,", 400),
        ("", 422),
        ("topics=home&since=" + "x" * 16_001, 422),
        ("topics=" + ",".join(f"run:{n}" for n in range(51)), 400),
        ("&".join(f"topics=run:{n}" for n in range(51)), 422),
    ],
)
async def test_what_no_stream_can_be_about_is_refused(tmp_path: Path, query: str, status: int) -> None:
    async with serving(tmp_path) as scene:
        said = await ask(application(scene), path="/stream", query=query)
        assert (said.status, said.json["status"]) == (status, status)


async def test_before_and_after_its_life_a_server_streams_nothing(tmp_path: Path) -> None:
    assert (await ask(application(None), path="/stream", query="topics=home")).status == 503
    async with serving(tmp_path) as scene:
        await scene.hub.close()
        assert (await ask(application(scene), path="/stream", query="topics=home")).status == 503


# -- bytes


@pytest.mark.parametrize("topic", ["home", "run:r1", 'tasks:r1:a"b', "pipeline:ü\\n", "tasks:r1:a\nb", "run:\u2028"])
def test_no_topic_breaks_out_of_its_event(topic: str) -> None:
    raw = patches.event([patches.patch(topic, "runs", b'{"a":1}')], b"c")
    assert raw.count(b"\n") == 4
    event = parsed(raw)
    assert event.id == "c"
    assert event.patches == [{"topic": topic, "kind": "runs", "data": [{"a": 1}]}]


def test_several_patches_are_a_list() -> None:
    both = [patches.patch("home", "runs", b""), patches.reset("run:r1", [b'{"x":1}', b'{"x":2}'])]
    assert [each["data"] for each in parsed(patches.event(both, b"c")).patches] == [[], [{"x": 1}, {"x": 2}]]


def test_a_row_of_a_reset_says_what_it_is() -> None:
    row = patches.encoded(Progress(done=1, total=None))
    assert msgspec.json.decode(patches.tagged("task", row)) == {"row": "task", "done": 1, "total": None}


def test_a_heartbeat_is_no_event() -> None:
    assert patches.HEARTBEAT.startswith(b":")
    assert patches.HEARTBEAT.endswith(b"\n\n")


# -- what was missed


async def test_what_was_missed_are_the_rows_as_they_are_now(tmp_path: Path) -> None:
    async with serving(tmp_path, store=MemoryStore()) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED), task_row("r1", "load", TaskState.RUNNING))
        found = await missed(scene.hub.sources, "r1", 1, lambda task, index: True)
        assert found is not None
        assert {(row.task, row.state) for row in found.tasks} == {
            ("fetch", TaskState.SUCCEEDED),
            ("load", TaskState.RUNNING),
        }
        assert found.touched == {"fetch", "load"}
        only = await missed(scene.hub.sources, "r1", 1, lambda task, index: task == "load")
        assert only is not None
        assert [row.task for row in only.tasks] == ["load"]
        assert only.touched == {"fetch", "load"}


@pytest.mark.parametrize(("after", "known"), [(3, True), (2, True), (4, False), (-1, True), (99, False)])
async def test_only_a_number_of_the_past_is_a_place_to_go_on_from(tmp_path: Path, after: int, known: bool) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        for state in (TaskState.READY, TaskState.RUNNING, TaskState.SUCCEEDED):
            await scene.write("r1", task_row("r1", "fetch", state))
        found = await missed(scene.hub.sources, "r1", after, lambda task, index: True)
        assert (found is not None) is known
        assert await missed(scene.hub.sources, "r0", after, lambda task, index: True) is None


async def test_too_much_to_tell_is_not_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        many = [task_row("r1", "clean", TaskState.SUCCEEDED, n) for n in range(MOST_ROWS + 1)]
        await scene.write("r1", *many)
        assert await missed(scene.hub.sources, "r1", 0, lambda task, index: True) is None
        few = await missed(scene.hub.sources, "r1", 0, lambda task, index: index < (10,))
        assert few is not None
        assert len(few.tasks) == 10
        for _ in range(MOST_FACTS // len(many)):
            await scene.write("r1", *many)
        assert await missed(scene.hub.sources, "r1", 0, lambda task, index: False) is None
