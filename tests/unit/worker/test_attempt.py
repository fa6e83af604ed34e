"""One attempt, whatever its body does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.attempts import inline, node, spec, value
from toque.engine.inputs import (
    AttemptCancelled,
    AttemptDeferred,
    AttemptFailed,
    AttemptSkipped,
    AttemptSucceeded,
)
from toque.engine.values import ValueRef
from toque.graph.expr import Const, Param
from toque.graph.ir import CachePolicy, CodeRef, RetryPolicy
from toque.store.blobs import MemoryBlobs
from toque.worker import attempt, context, values
from toque.worker.control import Cancelled, NotYet, Skip
from toque.worker.environment import Environment, result_key, run_prefix
from toque.worker.values import Place


def run(env: Environment, function: str, /, *args: Any, **fields: Any) -> Any:
    of_node = {name: fields.pop(name) for name in ("exprs", "kwargs", "exports", "lengths", "policy") if name in fields}
    return attempt.execute(spec(node(function, *args, **of_node), **fields), env)


def test_a_result_carries_when_it_was_made(env: Environment) -> None:
    report = run(env, "add", 1, 2)
    assert value(report) == 3
    assert (report.started_us, report.finished_us) == (1_000_000, 1_000_001)


def test_the_key_of_a_result_names_its_dispatch_and_lies_below_its_run(env: Environment) -> None:
    made = spec(node("numbers", 100_000, id="a/b[]"), run_id="r/1", map_index=(1, 2))
    key = result_key(made)
    assert key == f"runs/r%2F1/a%2Fb%5B%5D/1.2/1-1.{made.token.n}"
    assert key.startswith(run_prefix("r/1"))
    report = attempt.execute(made, env)
    assert isinstance(report, AttemptSucceeded)
    assert report.result.blob == f"{key}.pickle"


def test_a_payload_replaces_the_arguments_of_the_node(env: Environment, blobs: MemoryBlobs) -> None:
    payload = values.encode(((4,), {"right": 5}), Place(blobs, lambda: "p"))
    assert value(run(env, "add", payload=payload)) == 9


def test_keyword_arguments_and_parameters_are_evaluated(env: Environment) -> None:
    report = run(env, "add", exprs=(Const(1),), kwargs={"right": Param("n")}, parameters={"n": 4})
    assert value(report) == 5


def test_async_bodies_run_on_a_loop_of_their_own_when_none_runs(env: Environment) -> None:
    assert value(run(env, "echo_async", 1)) == 1


async def test_async_bodies_run_on_the_running_loop(env: Environment) -> None:
    report = await attempt.execute_async(spec(node("echo_async", 2)), env)
    assert value(report) == 2


def test_the_context_ends_with_the_attempt(env: Environment) -> None:
    run(env, "about_me", parameters={})
    with pytest.raises(context.NoContext, match="in the body of a task"):
        context.context()


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    import jobs  # type: ignore[import-not-found]

    def nothing() -> None:
        raise error

    monkeypatch.setattr(jobs, "nothing", nothing)


def retried(env: Environment, **policy: Any) -> tuple[bool, float | None]:
    report = run(env, "nothing", policy={"retry": RetryPolicy(times=1, **policy)})
    return report.error.retryable, report.error.retry_after_s


def test_a_rule_of_the_user_decides_first(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ValueError("x"))

    def retried_by(rule: str) -> tuple[bool, float | None]:
        return retried(env, rule=CodeRef(module="rules", qualname=rule))

    import sys
    import types

    rules = types.ModuleType("rules")
    vars(rules).update(no=lambda error: False, yes=lambda error: True, later=lambda error: 12)
    vars(rules).update(broken=lambda error: 1 / 0, odd=lambda error: "soon")
    monkeypatch.setitem(sys.modules, "rules", rules)
    assert retried_by("no") == (False, None)
    assert retried_by("yes") == (True, None)
    assert retried_by("later") == (True, 12.0)
    assert retried_by("broken") == (False, None)
    report = run(env, "nothing", policy={"retry": RetryPolicy(times=1, rule=CodeRef(module="rules", qualname="odd"))})
    assert "must return a bool or a number" in report.error.message
    missing = RetryPolicy(times=1, rule=CodeRef(module="rules", qualname="missing"))
    assert not run(env, "nothing", policy={"retry": missing}).error.retryable


def test_listed_exceptions_and_classes_are_retried_and_no_others(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, KeyError("x"))
    lookup = CodeRef(module="builtins", qualname="LookupError")
    assert retried(env, exceptions=(lookup,))[0]
    assert not retried(env, exceptions=(CodeRef(module="builtins", qualname="OSError"),))[0]
    assert not retried(env, classes=("transient",))[0]
    assert retried(env, classes=("code",))[0]
    assert retried(env)[0]


@pytest.mark.parametrize(
    ("error", "report"),
    [
        (Skip("none"), AttemptSkipped),
        (NotYet("5s"), AttemptDeferred),
        (Cancelled(), AttemptCancelled),
        (KeyboardInterrupt(), AttemptCancelled),
        (SystemExit(1), AttemptFailed),
        (NotYet(5, handle=object()), AttemptFailed),
        (BaseException("odd"), AttemptFailed),
        (ExceptionGroup("several", [ValueError("one")]), AttemptFailed),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_each_way_out_has_its_report(
    error: BaseException, report: type, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, error)
    assert isinstance(run(env, "nothing"), report)


def test_a_body_that_heeds_its_cancel_by_returning_is_cancelled(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jobs

    def nothing() -> None:
        context.context().cancelled = True

    monkeypatch.setattr(jobs, "nothing", nothing)
    assert isinstance(run(env, "nothing"), AttemptCancelled)


def test_messages_are_cut_and_masked(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    env.masker.add("hunter2")
    raising(monkeypatch, ValueError("x" * 3_990 + "hunter2" + "y" * 1_000))
    error = run(env, "nothing").error
    assert len(error.message) == 4_000
    assert error.message.endswith("***" + "y" * 6 + "…")


CACHED = {"cache": CachePolicy(expires_s=60)}


def counting(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    import jobs

    calls: list[Any] = []

    def echo(value: Any) -> Any:
        calls.append(value)
        return value

    monkeypatch.setattr(jobs, "echo", echo)
    return calls


def test_the_cache_answers_for_the_same_inputs(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    first = run(env, "echo", "a", policy=CACHED, run_id="r1", lengths=(), exports=((),))
    again = run(env, "echo", "a", policy=CACHED, run_id="r2", exports=((),))
    run(env, "echo", "b", policy=CACHED, exports=((),))
    assert calls == ["a", "b"]
    assert again.cached_from == "r1/echo#1"
    assert (value(again), again.exports) == ("a", ("a",))
    assert first.cached_from == ""


def test_a_task_without_arguments_can_be_cached(env: Environment) -> None:
    first = run(env, "pid", policy=CACHED)
    assert run(env, "pid", policy=CACHED).cached_from
    assert first.result == run(env, "pid", policy=CACHED).result


def test_a_cached_result_outlives_the_blobs_of_its_run(
    env: Environment, blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting(monkeypatch)
    big = "x" * 100_000
    first = run(env, "echo", big, policy=CACHED, run_id="r1")
    blobs.delete_prefix(run_prefix("r1"))
    again = run(env, "echo", big, policy=CACHED, run_id="r2")
    assert values.decode(again.result, blobs) == big
    assert again.result.blob.startswith("cache/")
    blobs.delete_prefix(first.result.blob)
    run(env, "echo", big, policy=CACHED, run_id="r3")
    assert len(calls) == 2


def test_a_cached_result_expires(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    short = {"cache": CachePolicy(expires_s=1e-6)}
    for _ in range(3):
        run(env, "echo", "a", policy=short)
    assert len(calls) == 3


def test_changed_code_is_another_key(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    for source_hash in ("1", "2", "1"):
        made = node("echo", "a", policy=CACHED)
        made = msgspec.structs.replace(made, code=msgspec.structs.replace(made.code, source_hash=source_hash))
        attempt.execute(spec(made), env)
    assert len(calls) == 2


def test_a_key_function_decides_what_is_the_same_input(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    first_letter = CachePolicy(key=CodeRef(module="jobs", qualname="first_letter"))
    for word in ("apple", "avocado", "banana"):
        run(env, "echo", word, policy={"cache": first_letter})
    assert calls == ["apple", "banana"]
    bad = CachePolicy(key=CodeRef(module="jobs", qualname="add"))
    assert "must return a str" in run(env, "echo", 1, policy={"cache": bad}).error.message


def test_a_result_that_comes_from_a_generator_is_counted(env: Environment, blobs: MemoryBlobs) -> None:
    report = run(env, "yields", 3, lengths=((),))
    assert report.lengths == (3,)
    assert values.decode(report.result, blobs) == [0, 1, 2]


def test_a_value_reference_of_none_is_the_same_everywhere(env: Environment) -> None:
    report = run(env, "nothing")
    assert report.result == values.NONE
    assert isinstance(report.result, ValueRef)
    assert inline(report.result) is None
