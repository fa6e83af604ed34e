"""`Idempotency-Key`: the second time is the first time's answer, whenever it comes."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from tests.unit.api.asgi import Echo, ask
from toque.api.replays import REMEMBERED, Replays

KEY = {"Idempotency-Key": "k"}


async def test_a_repetition_gets_the_first_answer_and_reaches_nobody() -> None:
    echo = Echo(201)
    app = Replays(echo)
    first = await ask(app, "POST", headers=KEY, body=b"x")
    second = await ask(app, "POST", headers=KEY, body=[b"", b"x"])
    assert (first.status, first.body, first.headers) == (second.status, second.body, second.headers)
    assert echo.bodies == [b"x"]


async def test_without_a_key_or_for_a_read_nothing_is_remembered() -> None:
    echo = Echo()
    app = Replays(echo)
    for method, headers in (("POST", {}), ("POST", {}), ("GET", KEY), ("GET", KEY)):
        await ask(app, method, headers=headers)
    assert len(echo.bodies) == 4


async def test_another_body_is_a_mistake() -> None:
    app = Replays(Echo())
    await ask(app, "POST", headers=KEY, body=b"x")
    said = await ask(app, "POST", headers=KEY, body=b"y")
    assert (said.status, "another body" in said.json["detail"]) == (422, True)


async def test_a_key_belongs_to_who_sent_it_for_one_path() -> None:
    echo = Echo()
    app = Replays(echo)
    for path, actor, method in (
        ("/a", "ada", "POST"),
        ("/b", "ada", "POST"),
        ("/a", "bob", "POST"),
        ("/a", "ada", "DELETE"),
    ):
        await ask(app, method, path, headers=KEY, actor=actor)
    assert len(echo.bodies) == 4


async def test_repetitions_under_way_wait_for_the_first() -> None:
    class Slow(Echo):
        def __init__(self) -> None:
            super().__init__()
            self.gate = asyncio.Event()

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.gate.wait()
            await super().__call__(scope, receive, send)

    slow = Slow()
    app = Replays(slow)
    asking = [asyncio.create_task(ask(app, "POST", headers=KEY)) for _ in range(5)]
    await asyncio.sleep(0)
    slow.gate.set()
    answers = await asyncio.gather(*asking)
    assert {answer.body for answer in answers} == {b"1:"}
    assert len(slow.bodies) == 1


async def test_when_the_first_fails_those_that_waited_are_tried_one_by_one() -> None:
    """One of them is the first now: were all of them tried at once, the write would happen as often."""

    class FailsOnce(Echo):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            self.status = 201 if self.bodies else 503
            await super().__call__(scope, receive, send)

    app = FailsOnce()
    replays = Replays(app)
    answers = await asyncio.gather(*(ask(replays, "POST", headers=KEY, body=b"x") for _ in range(5)))
    assert [answer.status for answer in answers] == [503, 201, 201, 201, 201]
    assert len(app.bodies) == 2


async def test_what_failed_leaves_its_key_free_for_another_body() -> None:
    echo = Echo(500)
    app = Replays(echo)
    await ask(app, "POST", headers=KEY, body=b"x")
    echo.status = 200
    assert (await ask(app, "POST", headers=KEY, body=b"y")).body == b"2:y"
    assert (await ask(app, "POST", headers=KEY, body=b"x")).status == 422


async def test_what_failed_is_tried_again() -> None:
    echo = Echo(503)
    app = Replays(echo)
    assert (await ask(app, "POST", headers=KEY)).status == 503
    echo.status = 200
    assert (await ask(app, "POST", headers=KEY)).status == 200
    assert (await ask(app, "POST", headers=KEY)).body == b"2:"


async def test_what_raised_is_tried_again() -> None:
    calls = []

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(1)
        raise RuntimeError("no")

    app = Replays(broken)
    for _ in range(2):
        try:
            await ask(app, "POST", headers=KEY)
        except RuntimeError:
            continue
    assert len(calls) == 2


async def test_a_refusal_is_an_answer_and_is_repeated() -> None:
    echo = Echo(409)
    app = Replays(echo)
    assert [(await ask(app, "POST", headers=KEY)).status for _ in range(2)] == [409, 409]
    assert len(echo.bodies) == 1


async def test_the_memory_is_bounded() -> None:
    echo = Echo()
    app = Replays(echo)
    for number in range(REMEMBERED + 10):
        await ask(app, "POST", headers={"Idempotency-Key": str(number)})
    assert len(app._answers) == REMEMBERED


async def test_a_key_without_end_is_refused() -> None:
    assert (await ask(Replays(Echo()), "POST", headers={"Idempotency-Key": "k" * 201})).status == 400
