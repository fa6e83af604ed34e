"""What the code of a host can say, without any executor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.attempts import node, spec
from toque.engine.inputs import AnyReport, AttemptFailed, AttemptSkipped, AttemptStarted, AttemptSucceeded
from toque.errors import UserError
from toque.worker.attempt import execute
from toque.worker.context import NoContext
from toque.worker.environment import Environment
from toque.worker.hosting import Members, members


@pytest.fixture
def told(env: Environment) -> list[AnyReport]:
    """Everything that reaches the server."""
    found: list[AnyReport] = []
    env.report = found.append
    return found


@pytest.fixture
def hosted(env: Environment, told: list[AnyReport], tmp_path: Path) -> Members:
    """Two members of an attempt that keeps logs."""
    made = spec(node("host"), members=(("a", 1), ("marts.b", 2)), map_index=(4,))
    return Members(msgspec.structs.replace(made, log_path=str(tmp_path / "logs/r1/host/4-1.jsonl")), env)


def logged(path: Path) -> list[Any]:
    return [(line["level"], line["msg"]) for line in map(json.loads, path.read_text().splitlines())]


def test_a_report_names_the_member_its_attempt_and_the_token_of_the_host(
    hosted: Members, told: list[AnyReport]
) -> None:
    hosted.started("marts.b", at_us=5)
    hosted.succeeded("marts.b", at_us=9)
    begun, ended = told
    assert isinstance(begun, AttemptStarted)
    assert isinstance(ended, AttemptSucceeded)
    assert (begun.task, begun.map_index, begun.attempt, begun.started_us, begun.worker) == (
        "marts.b",
        (4,),
        2,
        5,
        "test",
    )
    assert (ended.started_us, ended.finished_us, ended.result.inline) == (5, 9, b"null")
    assert begun.token == ended.token


def test_what_was_reported_is_pending_no_more(hosted: Members) -> None:
    assert hosted.pending == ("a", "marts.b")
    hosted.started("a")
    hosted.skipped("a", "nothing new")
    assert hosted.pending == ("marts.b",)


def test_a_second_beginning_is_not_told_again(hosted: Members, told: list[AnyReport]) -> None:
    hosted.started("a")
    hosted.started("a")
    assert len(told) == 1


def test_secrets_are_in_no_error_no_sample_and_no_log(
    hosted: Members, told: list[AnyReport], env: Environment, tmp_path: Path
) -> None:
    env.masker.add("hunter2")
    hosted.log("a", "with hunter2")
    hosted.failed("a", "hunter2 is wrong", kind="data", sample=[{"password": "hunter2"}])
    hosted.skipped("marts.b", "as hunter2 said")
    failed, skipped = told
    assert isinstance(failed, AttemptFailed)
    assert isinstance(skipped, AttemptSkipped)
    assert (failed.error.message, failed.error.sample, failed.error.retryable) == (
        "*** is wrong",
        [{"password": "***"}],
        False,
    )
    assert skipped.reason == "as *** said"
    assert logged(tmp_path / "logs/r1/a/4-1.jsonl") == [("info", "with ***")]


def test_each_member_has_a_log_of_its_own_also_after_its_end(hosted: Members, tmp_path: Path) -> None:
    hosted.log("marts.b", "begins", level="debug")
    hosted.succeeded("marts.b")
    hosted.log("marts.b", "took 2 s", level="warning")
    assert logged(tmp_path / "logs/r1/marts.b/4-2.jsonl") == [("debug", "begins"), ("warning", "took 2 s")]


def test_after_the_end_of_the_attempt_nothing_can_be_said(hosted: Members, told: list[AnyReport]) -> None:
    hosted.close()
    for say in (hosted.started, hosted.succeeded):
        with pytest.raises(UserError, match="the attempt at host has ended: nothing can be said of a any more"):
            say("a")
    with pytest.raises(UserError, match="has ended"):
        hosted.log("a", "too late")
    assert not told


def test_the_end_of_an_attempt_silences_its_host(env: Environment, told: list[AnyReport]) -> None:
    made = spec(node("host_that_is_kept"), members=(("a", 1),))
    assert isinstance(execute(made, env), AttemptSucceeded)
    import jobs

    with pytest.raises(UserError, match="has ended"):
        jobs.kept[0].succeeded("a")
    jobs.kept.clear()
    assert not told


def test_outside_of_an_attempt_there_are_no_members() -> None:
    with pytest.raises(NoContext):
        members()
