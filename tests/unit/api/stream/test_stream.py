"""What a client of the stream gets, and when. The clock is virtual: it jumps when nothing is left to do."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.stream.scene import START_US, Client, parsed, serving, task_row
from toque.api.stream import patches, run_feed
from toque.api.stream.changes import LIMIT
from toque.api.stream.feeds import KEPT_US
from toque.api.stream.pacing import PERIOD_US
from toque.api.wire.system import Attention
from toque.engine.states import RunState, TaskState
from toque.engine.values import ValueRef
from toque.ports.executor import Artifact, Metric, Progress
from toque.ports.pages import NodeCounts
from toque.store.memory import MemoryStore
from toque.testing.clocks import VirtualClock


async def test_it_greets_with_who_it_is_and_then_tells_the_whole_state(tmp_path: Path) -> None:
    async with serving(tmp_path, boot=3) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        client = scene.client("run:r1")
        await client.until(1)
        assert client.events[0].kind == "hello"
        assert client.events[0].patches == [{"instance": "server-3", "boot": 3, "now_us": START_US}]
        [reset] = client.patched[0].patches
        assert (reset["topic"], reset["kind"]) == ("run:r1", "reset")
        assert [(row["row"], row.get("task", row.get("run_id"))) for row in reset["data"]] == [
            ("run", "r1"),
            ("node", "fetch"),
            ("task", "fetch"),
        ]
        await client.leave()


async def test_the_first_change_after_a_quiet_time_comes_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        client = scene.client("run:r1")
        await client.until(1)
        await scene.clock.wait_until(scene.clock.now_us() + 5_000_000)
        written_us = scene.clock.now_us()
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        events = await client.until(2)
        assert events[1].at_us == written_us
        assert [row["state"] for row in client.rows("tasks")] == ["succeeded"]
        assert [row["counts"] for row in client.rows("nodes")] == [{"succeeded": 1}]
        await client.leave()


async def test_there_are_at_most_four_events_a_second_and_the_last_state_arrives(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        client = scene.client("run:r1", "home", "tasks:r1:clean")
        await client.until(1)
        for index in range(300):
            await scene.write("r1", task_row("r1", "clean", TaskState.SUCCEEDED, index))
            await scene.clock.wait_until(scene.clock.now_us() + 10_000)
        await scene.clock.wait_until(scene.clock.now_us() + 1_000_000)
        times = [event.at_us for event in client.patched]
        assert all(b - a >= PERIOD_US for a, b in pairwise(times))
        assert client.rows("nodes")[0]["counts"] == {"succeeded": 300}
        told = [row["index"] for event in range(len(client.patched)) for row in client.rows("tasks", event)]
        assert told == [[index] for index in range(300)]
        await client.leave()


async def test_a_patch_is_encoded_once_for_all_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        clients = [scene.client("run:r1") for _ in range(20)]
        for client in clients:
            await client.until(1)
        encoded: list[object] = []
        plain = patches.encoded
        monkeypatch.setattr(patches, "encoded", lambda row: encoded.append(row) or plain(row))  # type: ignore[func-returns-value]
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        for client in clients:
            await client.until(2)
        assert len(encoded) == 3  # the run, the node, the task run
        assert len({str(client.patched[-1].patches) for client in clients}) == 1
        for client in clients:
            await client.leave()


async def test_the_whole_state_is_read_once_for_all_who_come_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        reads: list[str] = []
        nodes = scene.hub.sources.history.nodes

        async def counted(run_id: str) -> list[NodeCounts]:
            reads.append(run_id)
            return await nodes(run_id)

        first = scene.client("run:r1")
        await first.until(1)
        monkeypatch.setattr(scene.hub.sources.history, "nodes", counted, raising=False)
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        clients = [first, *(scene.client("run:r1") for _ in range(20))]
        for client in clients:
            await client.until(2 if client is first else 1)
        await scene.clock.wait_until(scene.clock.now_us() + 1_000_000)
        for client in clients:
            known = {row["task"]: row["state"] for n in range(len(client.patched)) for row in states(client, n)}
            assert known == {"fetch": "succeeded"}
            await client.leave()
        assert len(reads) <= 1


def states(client: Client, event: int) -> list[dict[str, Any]]:
    """Rows of task runs, of whatever kind of patch."""
    return client.rows("tasks", event) + [row for row in client.rows("reset", event) if row["row"] == "task"]


async def test_a_slow_client_gets_fewer_events_and_the_newest_rows(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        slow = scene.client("run:r1")
        await slow.until(1)
        slow.reads.clear()
        for number in range(50):
            state = TaskState.SUCCEEDED if number == 49 else TaskState.RUNNING
            await scene.write("r1", task_row("r1", "fetch", state, started_us=number))
            await scene.clock.wait_until(scene.clock.now_us() + PERIOD_US)
        slow.reads.set()
        events = await slow.until(3)
        assert len(events) == 3
        assert [(row["state"], row["started_us"]) for row in slow.rows("tasks")] == [("succeeded", 49)]
        await slow.leave()


async def test_a_client_that_fell_too_far_behind_gets_a_reset(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        slow = scene.client("tasks:r1:clean")
        await slow.until(1)
        await scene.write("r1", task_row("r1", "clean", TaskState.RUNNING, 0))
        slow.reads.clear()
        await slow.until(2)
        for index in range(LIMIT + 10):
            await scene.write("r1", task_row("r1", "clean", TaskState.SUCCEEDED, index))
        slow.reads.set()
        await slow.until(3)
        [patch] = slow.patched[2].patches
        assert patch["kind"] == "reset"
        assert {row["state"] for row in patch["data"]} == {"succeeded"}
        await slow.leave()


async def test_home_tells_of_runs_only_what_shows(tmp_path: Path) -> None:
    """A fact of a task changes the number of the run's last fact: nobody looks at that."""
    async with serving(tmp_path) as scene:
        client = scene.client("home")
        await client.until(1)
        scene.begin("r1")
        await scene.write("r1")
        await client.until(2)
        for index in range(5):
            await scene.write("r1", task_row("r1", "clean", TaskState.SUCCEEDED, index))
        await scene.clock.wait_until(scene.clock.now_us() + 2_000_000)
        assert len(client.patched) == 2
        await scene.write("r1", state=RunState.SUCCEEDED, finished_us=9)
        await client.until(3)
        assert [(row["run_id"], row["state"], row["fact_seq"]) for row in client.rows("runs")] == [
            ("r1", "succeeded", 5)
        ]
        await client.leave()


async def test_a_pipeline_hears_of_its_own_runs_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        mine, other = scene.client("pipeline:flights"), scene.client("pipeline:other")
        await mine.until(1)
        await other.until(1)
        scene.begin("r1")
        await scene.write("r1")
        await mine.until(2)
        assert [row["run_id"] for row in mine.rows("runs")] == ["r1"]
        assert len(other.patched) == 1
        await mine.leave()
        await other.leave()


async def test_runs_of_other_processes_are_seen_from_their_beginning_to_their_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene, serving(tmp_path, clock=scene.clock, store=scene.store) as other:
        client = scene.client("home", "run:r1")
        await client.until(1)
        other.begin("r1")
        await other.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        await client.until(2)
        await scene.clock.wait_until(scene.clock.now_us() + 2_000_000)
        await other.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        await other.write("r1", state=RunState.SUCCEEDED)
        await scene.clock.wait_until(scene.clock.now_us() + 2_000_000)
        seen = [row["state"] for event in range(len(client.patched)) for row in client.rows("runs", event)]
        assert seen[0] == "running"
        assert seen[-1] == "succeeded"
        tasks = [row["state"] for event in range(len(client.patched)) for row in client.rows("tasks", event)]
        assert tasks == ["running", "succeeded"]
        nodes = [row["counts"] for event in range(len(client.patched)) for row in client.rows("nodes", event)]
        assert nodes[-1] == {"succeeded": 1}
        await client.leave()


async def test_home_hears_of_the_end_of_a_run_of_another_process_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene, serving(tmp_path, clock=scene.clock, store=scene.store) as other:
        other.begin("r1")
        await other.write("r1")
        client = scene.client("home")
        await client.until(1)
        await other.write("r1", state=RunState.SUCCEEDED)
        await client.until(2)
        assert [row["state"] for row in client.rows("runs")] == ["succeeded"]
        await scene.clock.wait_until(scene.clock.now_us() + 5_000_000)
        assert len(client.patched) == 2
        await client.leave()


async def test_a_short_run_of_another_process_is_not_missed(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene, serving(tmp_path, clock=scene.clock, store=scene.store) as other:
        client = scene.client("home")
        await client.until(1)
        other.begin("r1")
        await other.write("r1", state=RunState.SUCCEEDED)
        await client.until(2)
        assert [row["state"] for row in client.rows("runs")] == ["succeeded"]
        await client.leave()


async def test_who_comes_back_to_the_same_server_gets_what_it_missed(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        client = scene.client("run:r1", "home")
        await client.until(1)
        await client.leave()
        await scene.write("r1", task_row("r1", "load", TaskState.RUNNING))
        again = scene.client("run:r1", "home", since=client.cursor)
        await again.until(1)
        assert [patch["kind"] for patch in again.patched[0].patches] == ["runs", "nodes", "tasks"]
        assert [row["task"] for row in again.rows("tasks")] == ["load"]
        await again.leave()


async def test_who_comes_back_and_missed_nothing_gets_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        client = scene.client("run:r1", "home")
        await client.until(1)
        await client.leave()
        again = scene.client("run:r1", "home", since=client.cursor)
        await scene.clock.wait_until(scene.clock.now_us() + 3_000_000)
        assert [event.kind for event in again.events] == ["hello"]
        await again.leave()


async def test_a_topic_that_joins_later_is_told_whole_beside_one_that_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        client = scene.client("home")
        await client.until(1)
        await client.leave()
        again = scene.client("home", "run:r1", since=client.cursor)
        await again.until(1)
        assert [(patch["topic"], patch["kind"]) for patch in again.patched[0].patches] == [("run:r1", "reset")]
        await again.leave()


async def test_after_a_restart_of_the_server_only_what_changed_is_told(tmp_path: Path) -> None:
    """The cursor names the last fact that the client has: the facts after it name the rows."""
    clock, store = VirtualClock(START_US), MemoryStore()
    async with serving(tmp_path, clock=clock, store=store, boot=1) as first:
        first.begin("r1")
        for index in range(3):
            await first.write("r1", task_row("r1", "clean", TaskState.SUCCEEDED, index))
        client = first.client("run:r1", "tasks:r1:clean")
        await client.until(1)
        await client.leave()
        await first.write("r1", task_row("r1", "load", TaskState.RUNNING))
        await first.write("r1", task_row("r1", "clean", TaskState.RUNNING, 3))
    async with serving(tmp_path, clock=clock, store=store, boot=2) as second:
        await second.write("r1", task_row("r1", "clean", TaskState.SUCCEEDED, 3))
        again = second.client("run:r1", "tasks:r1:clean", since=client.cursor)
        await again.until(1)
        found = [(patch["topic"], patch["kind"], len(patch["data"])) for patch in again.patched[0].patches]
        assert found == [
            ("run:r1", "runs", 1),
            ("run:r1", "nodes", 2),
            ("run:r1", "tasks", 1),
            ("tasks:r1:clean", "tasks", 1),
        ]
        assert [(row["task"], row["index"], row["state"]) for row in again.rows("tasks")] == [
            ("load", [], "running"),
            ("clean", [3], "succeeded"),
        ]
        await again.leave()


async def test_after_a_restart_home_is_told_whole(tmp_path: Path) -> None:
    clock, store = VirtualClock(START_US), MemoryStore()
    async with serving(tmp_path, clock=clock, store=store, boot=1) as first:
        first.begin("r1")
        await first.write("r1")
        client = first.client("home")
        await client.until(1)
    async with serving(tmp_path, clock=clock, store=store, boot=2) as second:
        again = second.client("home", since=client.cursor)
        await again.until(1)
        [patch] = again.patched[0].patches
        assert patch["kind"] == "reset"
        assert [(row["row"], row["run_id"]) for row in patch["data"]] == [("run", "r1")]
        await again.leave()


@pytest.mark.parametrize("since", ["nonsense", "kgKA"])
async def test_an_unknown_cursor_means_a_reset(tmp_path: Path, since: str) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        client = scene.client("run:r1", since=since)
        await client.until(1)
        assert [patch["kind"] for patch in client.patched[0].patches] == ["reset"]
        await client.leave()


async def test_a_topic_may_begin_at_a_fact_that_the_client_knows(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        await scene.write("r1", task_row("r1", "load", TaskState.RUNNING))
        client = scene.client("run:r1@1")
        await client.until(1)
        assert [row["task"] for row in client.rows("tasks")] == ["load"]
        await client.leave()


async def test_a_run_that_is_not_there_yet_is_told_when_it_comes(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        client = scene.client("run:r1")
        await client.until(1)
        assert client.patched[0].patches[0]["data"] == []
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        await client.until(2)
        assert [row["run_id"] for row in client.rows("runs")] == ["r1"]
        await client.leave()


async def test_signals_are_told_newest_only_and_progress_stands_in_the_task_run(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING))
        client = scene.client("run:r1")
        await client.until(1)
        await scene.clock.wait_until(scene.clock.now_us() + 1_000_000)
        for done in range(3):
            scene.hub.signalled(Progress(run_id="r1", task="fetch", done=done, total=9))
        scene.hub.signalled(Metric(run_id="r1", task="fetch", attempt=1, name="rows", value=4))
        ref = ValueRef("json", b"1")
        scene.hub.signalled(Artifact(run_id="r1", task="fetch", attempt=1, name="t", kind="table", value=ref))
        await client.until(2)
        assert client.rows("signals") == [
            {"signal": "progress", "task": "fetch", "index": [], "done": 2.0, "total": 9.0},
            {"signal": "metric", "task": "fetch", "index": [], "attempt": 1, "name": "rows", "value": 4.0},
            {"signal": "artifact", "task": "fetch", "index": [], "attempt": 1, "name": "t", "kind": "table"},
        ]
        await scene.write("r1", task_row("r1", "fetch", TaskState.RUNNING, started_us=5))
        await client.until(3)
        assert client.rows("tasks")[0]["progress"] == {"done": 2.0, "total": 9.0}
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        await client.until(4)
        assert client.rows("tasks")[0]["progress"] is None
        await client.leave()


def attention(title: str) -> Attention:
    return Attention(kind="broken_file", pipeline="", run_id="", since_us=1, title=title, detail="", count=1)


async def test_what_needs_a_person_is_told_when_it_changes_and_when_it_is_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        client = scene.client("home")
        await client.until(1)
        scene.attention = [attention("flights.py is broken")]
        scene.hub.looked()
        await client.until(2)
        assert [row["title"] for row in client.rows("attention")] == ["flights.py is broken"]
        scene.attention = []
        scene.hub.looked()
        await client.until(3)
        assert client.patched[2].patches == [{"topic": "home", "kind": "attention", "data": []}]
        await client.leave()


async def test_a_log_is_followed_and_resumed_at_its_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        topic = "logs:r1:fetch::1"
        path = tmp_path / "r1-fetch-1.jsonl"
        append(path, "one", "two")
        client = scene.client(topic)
        await client.until(1)
        assert [(row["row"], row["text"]) for row in client.rows("reset")] == [("log", "one"), ("log", "two")]
        append(path, "three")
        await client.until(2)
        assert [row["text"] for row in client.rows("logs")] == ["three"]
        await client.leave()
        append(path, "four")
        for cursor in (client.cursor, ""):
            name = topic if cursor else f"{topic}@{client.rows('logs')[0]['n']}"
            again = scene.client(name, since=cursor)
            await again.until(1)
            assert [row["text"] for row in again.rows("logs")] == ["four"]
            await again.leave()


async def test_half_a_line_is_not_told_before_it_is_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        path = tmp_path / "r1-fetch-1.jsonl"
        append(path, "one")
        client = scene.client("logs:r1:fetch::1")
        await client.until(1)
        with path.open("ab") as file:
            file.write(b'{"t":2,"level":"info","stream":"stdout","msg":"tw')
        await scene.clock.wait_until(scene.clock.now_us() + 1_000_000)
        assert len(client.patched) == 1
        with path.open("ab") as file:
            file.write(b'o"}\n')
        await client.until(2)
        assert [row["text"] for row in client.rows("logs")] == ["two"]
        await client.leave()


def append(path: Path, *texts: str) -> None:
    with path.open("ab") as file:
        for text in texts:
            file.write(b'{"t":1,"level":"info","stream":"stdout","msg":"%s"}\n' % text.encode())


async def test_a_quiet_stream_says_that_it_is_still_here(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        client = scene.client("home")
        await client.until(1)
        await scene.clock.wait_until(scene.clock.now_us() + 40_000_000)
        assert [event.kind for event in client.events] == ["hello", "patch", "", ""]
        await client.leave()


async def test_a_client_that_is_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        await scene.write("r1")
        client = scene.client("run:r1", "home", "tasks:r1:clean")
        await client.until(1)
        await client.leave()
        feeds = [scene.hub.feeds.by_name[name] for name in ("run:r1", "home", "tasks:r1:clean")]
        assert not any(feed.streams for feed in feeds)
        await scene.clock.wait_until(scene.clock.now_us() + 2 * KEPT_US)
        assert not scene.hub.feeds.by_name
        assert not scene.hub.feeds.of_run
        assert not scene.hub.feeds.of_runs


async def test_the_end_of_the_server_ends_all_streams(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        clients = [scene.client("home") for _ in range(3)]
        for client in clients:
            await client.until(1)
        await scene.hub.close()
        await asyncio.wait_for(asyncio.gather(*(client._task for client in clients)), 20)


def test_an_event_is_one_line_of_data() -> None:
    raw = patches.event([patches.patch("run:é\n", "runs", b'{"a":1}')], b"cursor")
    assert raw.count(b"\n") == 4
    assert parsed(raw).patches == [{"topic": "run:é\n", "kind": "runs", "data": [{"a": 1}]}]


async def test_a_client_that_says_what_it_has_gets_only_what_came_since(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        owned = scene.begin("r1")
        await scene.write("r1", task_row("r1", "fetch", TaskState.SUCCEEDED))
        known = owned.machine.row.fact_seq
        await scene.write("r1", task_row("r1", "load", TaskState.RUNNING))
        client = scene.client(f"run:r1@{known}")
        await client.until(1)
        assert [patch["kind"] for patch in client.patched[0].patches] == ["runs", "nodes", "tasks"]
        assert [row["task"] for row in client.rows("nodes") + client.rows("tasks")] == ["load", "load"]
        await client.leave()


async def test_a_reset_of_a_large_run_holds_the_task_runs_that_go_on_or_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_feed, "MOST_ENDED", 1)
    async with serving(tmp_path) as scene:
        scene.begin("r1")
        states = {"fetch": TaskState.SUCCEEDED, "load": TaskState.FAILED, "clean[]": TaskState.RUNNING}
        await scene.write("r1", *(task_row("r1", task, state) for task, state in states.items()))
        client = scene.client("run:r1")
        await client.until(1)
        rows = client.rows("reset")
        assert {row["task"]: row["counts"] for row in rows if row["row"] == "node"} == {
            task: {state: 1} for task, state in states.items()
        }
        assert [row["task"] for row in rows if row["row"] == "task"] == ["clean[]", "load"]
        await client.leave()
