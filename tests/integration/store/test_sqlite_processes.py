"""Several processes on one SQLite file: who is alive, who serves, and what a `kill -9` leaves behind."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests import store_rows as rows
from toque.ports.store import AlreadyServed, StoreUnavailable
from toque.store.sqlite.store import SqliteStore

ROOT = Path(__file__).parents[3]
Process = asyncio.subprocess.Process
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "toque.db"


@pytest.fixture
async def start(path: Path) -> AsyncIterator[Start]:
    """Starts `process_on_store` with these arguments."""
    started: list[Process] = []

    async def begin(*arguments: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.store.process_on_store", f"sqlite:///{path}", *arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        assert process.stdin is not None
        # First, since a forked grandchild ends at the end of its input and keeps the pipes open until then.
        process.stdin.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(f"sqlite:///{path}")
    await store.open()
    yield store
    await store.close()


async def line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def kill(process: Process) -> None:
    process.kill()
    await process.wait()


def kill_only(pid: int) -> None:
    """`Process.wait` would also wait for whoever else has the pipes open."""
    os.kill(pid, 9)
    # Gone already if asyncio's thread was quicker to collect it.
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_an_instance_is_alive_until_its_process_is_killed_and_then_dead_at_once(
    store: SqliteStore, start: Start
) -> None:
    await store.new_boot("me", pid=os.getpid(), host="", role="run", now_us=1)
    one, two = await start("run", "one"), await start("run", "two")
    boots = {await line(one), await line(two)}
    assert boots == {"2", "3"}
    assert await store.dead_instances() == []
    await kill(one)
    assert await store.dead_instances() == ["one"]
    assert await store.adopt("me", from_instances=["one"]) == ["run-of-one"]
    assert await store.pool_usage() == {"pool": 1}
    await kill(two)
    assert await store.dead_instances() == ["two"]


async def test_one_server_at_a_time_and_the_next_one_as_soon_as_it_is_gone(store: SqliteStore, start: Start) -> None:
    server = await start("server", "one")
    await line(server)
    await store.new_boot("beside", pid=os.getpid(), host="", role="run", now_us=1)
    with pytest.raises(AlreadyServed) as caught:
        await store.new_boot("two", pid=os.getpid(), host="", role="server", now_us=1)
    assert caught.value.pid == server.pid
    await kill(server)
    assert await store.new_boot("two", pid=os.getpid(), host="", role="server", now_us=1) > 1


async def test_a_forked_child_that_outlives_its_parent_does_not_keep_it_alive(store: SqliteStore, start: Start) -> None:
    process = await start("server", "parent", "forked")
    await line(process)
    assert await store.dead_instances() == []
    # The grandchild keeps both pipes open: it is still there when we look.
    kill_only(process.pid)
    assert await store.dead_instances() == ["parent"]
    await store.new_boot("heir", pid=os.getpid(), host="", role="server", now_us=1)


async def test_the_lock_files_of_the_dead_are_swept_and_those_of_the_living_stay(
    store: SqliteStore, start: Start, path: Path
) -> None:
    one, two = await start("run", "one"), await start("run", "two")
    await line(one)
    await line(two)
    await kill(one)
    await store.new_boot("me", pid=os.getpid(), host="", role="run", now_us=1)
    assert sorted(file.name for file in Path(f"{path}-instances").iterdir()) == ["me.lock", "two.lock"]


async def test_every_acknowledged_commit_is_there_after_a_kill(store: SqliteStore, start: Start, path: Path) -> None:
    for round_ in range(5):
        name = f"r{round_}"
        process = await start("commit-without-end", name)
        for _ in range(3 + 7 * round_):
            await line(process)
        process.kill()
        assert process.stdout is not None
        rest = (await process.stdout.read()).decode().split()
        await process.wait()
        acknowledged = int(rest[-1]) if rest else 3 + 7 * round_
        facts = await store.load_facts(name)
        # The one in flight may have made it, too.
        assert len(facts) in (acknowledged, acknowledged + 1)
        assert [seq for seq, _ in facts] == list(range(1, len(facts) + 1))
        stored = await store.load_run(name)
        assert stored is not None
        assert len(stored.tasks) == 20 * len(facts)
        assert (await store.counters())[name] == len(facts)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_processes_that_write_at_once_lose_nothing(store: SqliteStore, start: Start) -> None:
    processes = [await start("commit-many", f"r{n}", "150") for n in range(3)]
    for process in processes:
        assert await line(process) == "ready"
    for process in processes:
        await process.communicate(b"\n")
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert await store.counters() == {"all": 450}
    for n in range(3):
        assert len(await store.load_facts(f"r{n}")) == 150


async def test_several_processes_that_make_a_store_at_once_make_one(start: Start, path: Path) -> None:
    processes = [await start("run", f"p{n}") for n in range(4)]
    assert sorted([await line(process) for process in processes]) == ["1", "2", "3", "4"]


async def test_a_store_that_was_closed_says_so(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable, match="was closed"):
        await store.commit(rows.commit())


async def test_a_cancelled_commit_is_whole_or_not_there(store: SqliteStore) -> None:
    await store.commit(rows.commit(runs=[rows.run()]))
    pending = asyncio.ensure_future(store.commit(rows.commit(tasks=[rows.task()], facts=[rows.facts(1)])))
    await asyncio.sleep(0)
    pending.cancel()
    with suppress(asyncio.CancelledError):
        await pending
    await store.commit(rows.commit(counters={"later": 1}))
    stored = await store.load_run("r1")
    assert stored is not None
    assert (len(stored.tasks), stored.run.fact_seq) == (1, 1)
