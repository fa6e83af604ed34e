"""Something else in place of tasks and of what they are supplied."""

from __future__ import annotations

import pytest

from tests.unit.testing import pipelines as p
from toque.errors import UserError
from toque.local import RunFailed
from toque.testing import clock, replace, stub
from toque.worker.context import Interval


def test_a_stub_returns_instead_of_the_body() -> None:
    with stub(p.extract, returns="fake"):
        assert p.etl.run().result == "fake"
        assert p.extract("x") == "fake"
    assert p.etl.run().result == "the real orders"


def test_a_stub_of_an_async_task() -> None:
    with stub(p.fetch, returns="fake"):
        assert p.async_etl.run().result == "fake"


def test_a_stub_raises_instead_of_the_body() -> None:
    with stub(p.extract, raises=TimeoutError("too slow")), pytest.raises(RunFailed) as caught:
        p.etl.run()
    failed = caught.value.run[p.extract]
    assert (failed.state, failed.error.type, failed.error.message) == ("failed", "TimeoutError", "too slow")


def test_failures_can_be_injected_into_the_first_attempts() -> None:
    with clock("2026-03-29T00:30Z"), stub(p.steady, raises=ConnectionError("reset"), times=2):
        run = p.steadily.run()
    assert (run.result, run[p.steady].attempts) == ("the real thing", 3)
    with stub(p.steady, returns="fake", times=1):
        assert [p.steady(), p.steady()] == ["fake", "the real thing"]


def test_a_stub_can_mean_one_node_only() -> None:
    with stub(p.extract.options(name="second"), returns="fake"):
        assert p.two.run().result == ["the real a", "fake"]


def test_the_inner_stub_of_a_task_counts() -> None:
    with stub(p.extract, returns="outer"):
        with stub(p.extract, returns="inner"):
            assert p.etl.run().result == "inner"
        assert p.etl.run().result == "outer"


def test_a_stub_in_a_flow() -> None:
    with stub(p.double, returns=10):
        assert p.summing.run(n=3).result == 30


def test_what_a_task_is_supplied_can_be_replaced() -> None:
    from datetime import UTC, datetime

    from toque.authoring.supplies import Secret

    moment = datetime(2013, 1, 1, tzinfo=UTC)
    with (
        replace(p.shop, "a fake shop"),
        replace(Secret("token"), "t"),
        replace(Interval, Interval(moment, moment)),
    ):
        assert p.asking.run().result == "a fake shop t 2013"
        assert p.ask() == "a fake shop t 2013"


async def test_stubs_hold_under_a_running_loop() -> None:
    with stub(p.extract, returns="fake"), clock("2026-03-29T00:30Z"):
        assert p.etl.run().result == "fake"


def test_what_is_no_task_cannot_be_stubbed() -> None:
    with pytest.raises(UserError, match="stub\\(\\) needs a task"):
        stub(p.etl, returns=3)  # type: ignore[call-overload]
