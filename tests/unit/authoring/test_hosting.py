"""A front-end adds a task that runs others; in this process they run as anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.authoring import hosting as h
from toque.graph.validate import validate
from toque.local import RunFailed


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    h.seen.clear()


def ran(runnable: Any) -> Any:
    """The run, which fails."""
    with pytest.raises(RunFailed) as failed:
        runnable.run()
    return failed.value.run


def states(run: Any, *names: str) -> str:
    return " ".join(str(run[name].state) for name in names)


def test_a_host_waits_for_what_its_members_wait_for() -> None:
    nodes = {node.id: node for node in h.dinner.ir.nodes}
    assert [(edge.source, edge.kind) for edge in nodes["build"].upstream] == [("load", "order")]
    assert [getattr(nodes[name], "host", "") for name in ("build", "stock", "sauce", "bad", "serve")] == [
        "",
        "build",
        "build",
        "build",
        "",
    ]
    assert validate(h.dinner.ir) == []


def test_members_run_in_their_host_and_their_results_are_read_like_any() -> None:
    run = ran(h.dinner)
    assert states(run, "build", "stock", "sauce", "bad", "serve") == "succeeded succeeded succeeded failed succeeded"
    assert h.seen == ["a dish of sauce"]
    assert run.state == "failed"


def test_a_host_that_starts_in_any_case_is_told_of_what_can_still_run() -> None:
    run = ran(h.leftovers)
    assert states(run, "build", "stock", "sauce", "bad") == "succeeded succeeded succeeded upstream_failed"
    assert run["build"].result == ["stock", "sauce"]


def test_a_host_within_a_setup_waits_for_it_and_so_do_its_members() -> None:
    assert validate(h.in_a_setup.ir) == []
    run = ran(h.in_a_setup)
    assert states(run, "build", "sauce", "put_out") == "succeeded succeeded succeeded"
    assert h.seen == ["a dish of sauce", "out"]
