"""The thread that owns a connection: in order, off the loop, and to the end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from toque.ports.store import StoreUnavailable
from toque.store.sql.threads import ConnectionThread


async def test_jobs_run_in_order_in_one_thread_that_is_not_the_loop() -> None:
    closed: list[int] = []
    thread = ConnectionThread("t", lambda: closed.append(threading.get_ident()))
    ran: list[tuple[int, int]] = []
    await asyncio.gather(*(thread.run(lambda n=n: ran.append((n, threading.get_ident()))) for n in range(50)))
    assert [n for n, _ in ran] == list(range(50))
    [ident] = {ident for _, ident in ran}
    assert ident != threading.get_ident()
    await thread.close()
    assert closed == [ident]


async def test_what_a_job_raises_reaches_its_caller_and_the_next_job_runs() -> None:
    thread = ConnectionThread("t", lambda: None)
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 7) == 7
    await thread.close()


async def test_the_loop_goes_on_while_a_job_blocks() -> None:
    thread = ConnectionThread("t", lambda: None)
    go_on = threading.Event()
    blocked = asyncio.ensure_future(thread.run(lambda: go_on.wait(10)))
    queued = asyncio.ensure_future(thread.run(lambda: "next"))
    await asyncio.sleep(0)
    assert not blocked.done()
    go_on.set()
    assert await blocked
    assert await queued == "next"
    await thread.close()


async def test_closing_finishes_what_waits_and_refuses_the_rest() -> None:
    thread = ConnectionThread("t", lambda: None)
    waiting = [asyncio.ensure_future(thread.run(lambda n=n: n)) for n in range(5)]
    await asyncio.sleep(0)
    await thread.close()
    await thread.close()
    assert await asyncio.gather(*waiting) == list(range(5))
    with pytest.raises(StoreUnavailable, match="closed"):
        await thread.run(lambda: None)


async def test_a_thread_that_was_never_used_closes_without_a_connection() -> None:
    closed: list[bool] = []
    thread = ConnectionThread("t", lambda: closed.append(True))
    await thread.close()
    assert closed == []


def test_an_answer_to_a_loop_that_is_gone_is_dropped_and_the_thread_lives() -> None:
    thread = ConnectionThread("t", lambda: None)
    go_on = threading.Event()

    async def leave() -> None:
        task = asyncio.ensure_future(thread.run(lambda: go_on.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    go_on.set()

    async def come_back() -> int:
        answer = await thread.run(lambda: 3)
        await thread.close()
        return answer

    assert asyncio.run(come_back()) == 3
