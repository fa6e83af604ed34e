"""Whatever user code raises or returns, its report crosses the wire and the engine can act on it: no exception of a
task may end more than its attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import node, spec
from toque import DataError, TransientError, UserError
from toque.engine.backoff import LONGEST_S, delay_us
from toque.engine.inputs import AttemptDeferred, AttemptFailed, AttemptSkipped
from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.engine.values import ErrorInfo
from toque.graph.ir import RetryPolicy
from toque.ports.executor import Metric, Progress, Signal
from toque.worker import attempt, context, values, wire
from toque.worker.control import NotYet, Skip
from toque.worker.environment import Environment
from toque.worker.failures import Failures
from toque.worker.masking import Masker

NAN, INFINITE = float("nan"), float("inf")
ROW = TaskRow(run_id="r", task="t", state=TaskState.RUNNING)


class Odd:
    """No JSON; and a name that is the same in each process that collects the tests."""

    def __repr__(self) -> str:
        return "odd"


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Bare(TransientError):
    """Forgets what its parent keeps."""

    def __init__(self) -> None:
        pass


class OddSkip(Skip):
    """The same."""

    def __init__(self) -> None:
        pass


class Shy:
    """Cannot be shown either."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def raised(env: Environment, monkeypatch: pytest.MonkeyPatch, error: BaseException, **policy: Any) -> Any:
    """What arrives at the server of an attempt that raises `error`."""
    import jobs  # type: ignore[import-not-found]

    def nothing() -> None:
        raise error

    monkeypatch.setattr(jobs, "nothing", nothing)
    return crossed(attempt.execute(spec(node("nothing", policy={"retry": RetryPolicy(times=3, **policy)})), env))


def crossed(report: Any) -> Any:
    [arrived] = wire.decode_up(wire.encode(wire.Up([report], [], []))).reports
    return arrived


def transient(wish: Any) -> TransientError:
    return TransientError("busy", retry_after_s=wish)


@pytest.mark.parametrize(
    ("wish", "after_s"),
    [
        (2, 2.0),
        (2.5, 2.5),
        ("120", 120.0),
        (" 7 ", 7.0),
        (True, 1.0),
        (-4, 0.0),
        (0, 0.0),
        (1e300, LONGEST_S),
        (INFINITE, LONGEST_S),
        (10**400, None),
        (NAN, None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ([], None),
        (Shy(), None),
        (None, None),
    ],
    ids=lambda each: "shy" if isinstance(each, Shy) else str(each)[:30],
)
def test_a_wish_for_a_delay_is_seconds_or_nothing(
    wish: Any, after_s: float | None, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, transient(wish))
    assert isinstance(report, AttemptFailed)
    assert (report.error.retryable, report.error.retry_after_s) == (True, after_s)
    is_odd = after_s is None and wish is not None
    assert ("retry_after_s is no number of seconds" in report.error.message) is is_odd
    assert 0 <= delay_us(RetryPolicy(times=3), ROW, report.error) <= LONGEST_S * 1e6


@pytest.mark.parametrize("error", [transient("soon"), transient(NAN)])
def test_what_is_wrong_with_a_wish_is_said_whatever_decides_about_the_retry(
    error: TransientError, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, error, classes=("data",))
    assert not report.error.retryable
    assert "retry_after_s" in report.error.message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Mute(), "(its message cannot be shown: RuntimeError: no words)"),
        (UserError(42), "42"),  # type: ignore[arg-type]
        (UserError(None), "None"),  # type: ignore[arg-type]
        (UserError("wrong", fix=7), "wrong\n  Fix: 7"),  # type: ignore[arg-type]
        (ValueError(), ""),
        (ValueError("a\x00b"), "a\x00b"),
        (FileNotFoundError("no caf\udce9.csv"), "no caf\\udce9.csv"),
        (KeyError("k"), "'k'"),
        (Bare(), ""),
        (ExceptionGroup("both", [ValueError("a"), TypeError("b")]), "both (2 sub-exceptions)"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
def test_any_exception_has_a_message(
    error: Exception, message: str, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, error)
    assert isinstance(report, AttemptFailed)
    assert report.error.message == message


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (UserError("x", file="flow.py", line=3), ("flow.py", 3)),
        (UserError("x", file=Path("/etc/flow.py"), line=3), ("/etc/flow.py", 3)),  # type: ignore[arg-type]
        (UserError("x", file="flow.py", line="three"), ("flow.py", 0)),  # type: ignore[arg-type]
        (SyntaxError("bad", ("flow.py", 9, 1, "x =")), ("flow.py", 9)),
        (SyntaxError("bad", ("flow.py", None, None, None)), ("flow.py", 0)),
    ],
    ids=str,
)
def test_the_place_of_an_error_is_a_file_and_a_line(
    error: Exception, place: tuple[str, int], env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, error)
    assert (report.error.file, report.error.line) == place


def test_a_traceback_names_the_files_of_the_project_and_not_those_of_its_snapshot() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    told = Failures((str(Path(__file__).parents[1]),), Masker()).traceback(caught.value)
    assert '  File "worker/test_odd_errors.py", line ' in told
    assert f'  File "{json.decoder.__file__}", line ' in told


def test_a_line_of_pythons_own_library_is_no_place_to_look_at() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert caught.value.__traceback__ is not None
    caught.value.__traceback__ = caught.value.__traceback__.tb_next  # nobody called it: a node of Toque's own did
    described = Failures((), Masker()).describe(caught.value)
    assert (described.file, described.line) == ("", 0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Skip(), ""),
        (Skip("nothing new"), "nothing new"),
        (Skip(3), "3"),  # type: ignore[arg-type]
        (Skip("caf\udce9"), "caf\\udce9"),
        (OddSkip(), ""),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
def test_a_skip_has_a_reason_in_words(
    error: Skip, reason: str, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, error)
    assert isinstance(report, AttemptSkipped)
    assert report.reason == reason


@pytest.mark.parametrize("handle", [{"job": "caf\udce9"}, {"job": Odd()}, {1: 2}, INFINITE, [NAN], "\udce9"], ids=str)
def test_an_odd_handle_of_a_deferral_arrives_or_fails_the_attempt(
    handle: Any, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = raised(env, monkeypatch, NotYet("1s", handle=handle))
    assert isinstance(report, AttemptDeferred | AttemptFailed)
    if isinstance(report, AttemptFailed):
        assert report.error.message


@pytest.mark.parametrize(
    "sample",
    [
        [{"a": Odd()}],
        [{1: NAN, "b": INFINITE}],
        [{"name": "caf\udce9"}],
        [{"caf\udce9": 1}],
        [{"n": 10**400}],
        [{"deep": {"er": [1, 2]}}],
        "text",
        3,
    ],
    ids=str,
)
def test_any_sample_of_bad_rows_arrives(sample: Any, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    report = raised(env, monkeypatch, DataError("bad rows", sample=sample))
    assert isinstance(report, AttemptFailed)
    assert report.error.kind == "data"
    json.dumps(report.error.sample)


@pytest.mark.parametrize(
    "returned",
    ["caf\udce9", ["caf\udce9"], {"caf\udce9": 1}, 2**80, 10**400, [INFINITE, NAN]],
    ids=lambda each: ascii(each)[:20],
)
def test_an_odd_result_arrives(returned: Any, env: Environment) -> None:
    report = crossed(attempt.execute(spec(node("echo", returned)), env))
    assert repr(values.decode(report.result, env.open_blobs())) == repr(returned)


@pytest.mark.parametrize(
    ("done", "total", "passed_on"),
    [(3, 12, (3.0, 12.0)), ("3", "12", (3.0, 12.0)), (True, None, (1.0, None)), (0.5, 1, (0.5, 1.0))],
)
def test_progress_is_numbers(done: Any, total: Any, passed_on: Any, env: Environment, signals: list[Signal]) -> None:
    import numpy

    for convert in (lambda each: each, lambda each: numpy.float64(each) if each is not None else None):
        signals.clear()
        with_context(env, lambda: context.progress(convert(done), convert(total)))  # noqa: B023
        [found] = arrived(signals)
        assert isinstance(found, Progress)
        assert (found.done, found.total) == passed_on


@pytest.mark.parametrize("done", [None, "half", [], Odd()], ids=str)
def test_progress_that_is_no_number_is_refused_where_it_is_said(done: Any, env: Environment) -> None:
    with pytest.raises((TypeError, ValueError)):
        with_context(env, lambda: context.progress(done))


def test_the_name_of_a_metric_is_text(env: Environment, signals: list[Signal]) -> None:
    with_context(env, lambda: context.metric(7, True))  # type: ignore[arg-type]
    [found] = arrived(signals)
    assert isinstance(found, Metric)
    assert (found.name, found.value) == ("7", 1.0)


def with_context(env: Environment, body: Any) -> None:
    """Call `body` as if it were that of a task."""
    import jobs

    failed: list[BaseException] = []

    def nothing() -> None:
        try:
            body()
        except BaseException as error:
            failed.append(error)

    before, jobs.nothing = jobs.nothing, nothing
    try:
        attempt.execute(spec(node("nothing")), env)
    finally:
        jobs.nothing = before
    if failed:
        raise failed[0]


def arrived(signals: list[Signal]) -> list[Signal]:
    return list(wire.decode_up(wire.encode(wire.Up([], signals, []))).signals)


@pytest.mark.parametrize("asked_s", [1e300, INFINITE, LONGEST_S + 1])
def test_the_engine_waits_for_no_longer_than_the_store_can_hold(asked_s: float) -> None:
    error = ErrorInfo(kind="transient", type="X", message="", retry_after_s=asked_s)
    assert delay_us(RetryPolicy(times=1), ROW, error) == LONGEST_S * 1e6
