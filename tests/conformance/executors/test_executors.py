"""What every executor does."""

from __future__ import annotations

import msgspec
import pytest

from tests.attempts import Bench, node, spec, value
from toque.engine.inputs import (
    AttemptCancelled,
    AttemptDeferred,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
)
from toque.engine.values import Token, Value
from toque.graph.expr import Const, Ref
from toque.graph.ir import Inject
from toque.ports.executor import Artifact, Metric, Progress


async def test_an_attempt_is_reported_as_started_and_then_with_its_result(bench: Bench) -> None:
    first = bench.begin("add", 2, 3)
    ended = await bench.end(first)
    begun = bench.sink.about(first.token)[0]
    assert isinstance(begun, AttemptStarted)
    assert begun.worker
    assert value(ended) == 5
    assert begun.started_us <= ended.started_us <= ended.finished_us
    assert len(bench.sink.about(first.token)) == 2


async def test_attempts_end_exactly_once_each(bench: Bench) -> None:
    of = node("echo", 1)
    specs = [spec(of, map_index=(n,)) for n in range(300)]
    for start in range(0, 300, 50):
        bench.submit(*specs[start : start + 50])
    for made in specs:
        await bench.end(made)
    assert all(len(bench.sink.about(made.token)) == 2 for made in specs)
    assert {report.map_index for report in bench.sink.reports} == {(n,) for n in range(300)}


async def test_submitting_again_changes_nothing(bench: Bench) -> None:
    made = bench.begin("echo", 1)
    bench.submit(made)
    await bench.end(made)
    bench.submit(made)
    await bench.run("echo", 2)
    assert len(bench.sink.about(made.token)) == 2
    bench.executor.acknowledge(made.token)


async def test_an_async_body_runs_to_its_result(bench: Bench) -> None:
    assert value(await bench.run("echo_async", "hello")) == "hello"


async def test_types_survive_the_way_from_task_to_task(bench: Bench) -> None:
    made = await bench.run("kinds")
    sources = {"kinds": Value(made.result)}
    assert value(await bench.run("kinds_are_kept", exprs=(Ref("kinds"),), sources=sources)) is True


async def test_an_exception_is_described_for_people(bench: Bench) -> None:
    failed = bench.begin("fail")
    report = await bench.end(failed)
    assert isinstance(report, AttemptFailed)
    assert (report.error.kind, report.error.type, report.error.retryable) == ("code", "ValueError", True)
    assert report.error.message == "no such month: 13"
    assert report.error.file == "jobs.py"
    assert report.error.line > 1
    last = bench.log(failed)[-1]
    assert last["stream"] == "traceback"
    assert "ValueError: no such month: 13" in last["msg"]
    assert "attempt.py" not in last["msg"]


async def test_errors_have_a_class_and_say_whether_a_retry_may_help(bench: Bench) -> None:
    found = {}
    for kind in ("TransientError", "DataError", "UserError", "ConnectionError", "ImportError"):
        error = (await bench.run("fail", kind)).error
        found[kind] = (error.kind, error.retryable, error.retry_after_s)
    assert found == {
        "TransientError": ("transient", True, 7.0),
        "DataError": ("data", False, None),
        "UserError": ("code", False, None),
        "ConnectionError": ("transient", True, None),
        "ImportError": ("code", False, None),
    }


async def test_wrong_arguments_cannot_heal(bench: Bench) -> None:
    error = (await bench.run("add")).error
    assert (error.type, error.kind, error.retryable) == ("TypeError", "code", False)


async def test_code_that_does_not_exist_cannot_heal(bench: Bench) -> None:
    error = (await bench.run("no_such_function")).error
    assert not error.retryable
    assert "no_such_function" in error.message


async def test_skip_and_not_yet_are_outcomes_of_their_own(bench: Bench) -> None:
    skipped = await bench.run("skip")
    assert isinstance(skipped, AttemptSkipped)
    assert skipped.reason == "nothing new"
    deferred = await bench.run("not_yet")
    assert isinstance(deferred, AttemptDeferred)
    assert (deferred.resume_after_s, deferred.handle) == (30.0, {"job": 17})
    assert value(await bench.run("not_yet", handle=deferred.handle, deferrals=1)) == "17 after 1"


async def test_the_body_knows_its_context(bench: Bench) -> None:
    found = value(
        await bench.run(
            "about_me",
            run_id="r7",
            map_index=(3,),
            attempt=2,
            partition_key="es",
            logical_us=86_400_000_000,
            interval_start_us=0,
            interval_end_us=86_400_000_000,
            parameters={"year": 2013},
        )
    )
    assert found == {
        "run_id": "r7",
        "task": "about_me",
        "map_index": (3,),
        "attempt": 2,
        "key": "key-about_me",
        "partition": "es",
        "logical": "1970-01-02T00:00:00+00:00",
        "interval": ["1970-01-01T00:00:00+00:00", "1970-01-02T00:00:00+00:00"],
        "parameters": {"year": 2013},
    }


async def test_the_interval_is_injected(bench: Bench) -> None:
    inject = {"window": Inject(kind="context", name="Interval")}
    assert value(await bench.run("span", inject=inject, interval_start_us=86_400_000_000)) == "1970-01-02"


async def test_progress_is_thinned_out_but_the_last_one_arrives(bench: Bench) -> None:
    await bench.run("signals")
    steps = [signal.done for signal in bench.sink.signals if isinstance(signal, Progress)]
    assert steps[-1] == 100
    assert len(steps) < 50
    assert [(m.name, m.value) for m in bench.sink.signals if isinstance(m, Metric)] == [("rows", 336_776.0)]
    assert [(a.name, a.kind) for a in bench.sink.signals if isinstance(a, Artifact)] == [("note", "markdown")]


@pytest.mark.filterwarnings("ignore:from warnings")
async def test_what_is_printed_and_logged_is_in_the_log_before_the_report(bench: Bench) -> None:
    made = bench.begin("speak")
    await bench.end(made)
    lines = bench.log(made)
    assert ("stdout", "from print") in [(line["stream"], line["msg"]) for line in lines]
    assert ("stderr", "from stderr") in [(line["stream"], line["msg"]) for line in lines]
    assert ("log", "from logging", "shop") in [(line["stream"], line["msg"], line.get("logger")) for line in lines]
    assert lines[-1]["msg"] == "no line end"
    assert all(line["t"] > 1_700_000_000_000_000 and line["level"] for line in lines)


async def test_an_attempt_that_says_nothing_leaves_no_log(bench: Bench) -> None:
    made = bench.begin("nothing")
    await bench.end(made)
    assert not (bench.tmp_path / "logs").exists()


async def test_what_waits_can_be_withdrawn(bench: Bench) -> None:
    blockers = [bench.begin("wait_forever") for _ in range(1)]
    specs = [bench.prepared("echo", n) for n in range(5)]
    bench.submit(*specs)
    bench.executor.withdraw([specs[1].token, specs[3].token, Token(9, 9)])
    ends = {made.token: await bench.end(made) for made in specs}
    # What had begun by then ends by itself; nothing is lost either way.
    assert all(isinstance(end, AttemptReturned | AttemptSucceeded) for end in ends.values())
    assert all(isinstance(ends[specs[n].token], AttemptSucceeded) for n in (0, 2, 4))
    returned = [token for token, end in ends.items() if isinstance(end, AttemptReturned)]
    assert all(not isinstance(report, AttemptStarted) for token in returned for report in bench.sink.about(token))
    for blocker in blockers:
        bench.executor.cancel(blocker.token, grace_s=1)
        await bench.end(blocker)


async def test_cancelling_what_runs_ends_it(bench: Bench) -> None:
    made = bench.begin("wait_forever")
    await bench.started(made)
    bench.executor.cancel(made.token, grace_s=5)
    assert isinstance(await bench.end(made), AttemptCancelled)


async def test_cancelling_what_waits_or_is_unknown_is_harmless(bench: Bench) -> None:
    made = bench.begin("echo", 1)
    bench.executor.cancel(made.token, grace_s=5)
    bench.executor.cancel(Token(9, 9), grace_s=5)
    assert isinstance(await bench.end(made), AttemptCancelled | AttemptSucceeded)


async def test_an_async_body_is_ended_at_its_timeout_and_its_neighbours_go_on(bench: Bench) -> None:
    neighbour = bench.begin("wait_forever")
    report = await bench.run("wait_forever", policy={"timeout_s": 0.05})
    assert isinstance(report, AttemptFailed)
    assert report.timed_out
    assert (report.error.kind, report.error.type, report.error.retryable) == ("transient", "Timeout", True)
    assert bench.sink.end(neighbour.token) is None
    bench.executor.cancel(neighbour.token, grace_s=1)
    assert isinstance(await bench.end(neighbour), AttemptCancelled)


async def test_room_shrinks_with_what_is_held_and_its_return_is_told(bench: Bench) -> None:
    first = bench.begin("wait_forever")
    await bench.started(first)
    room = bench.executor.room(first.node)
    second = bench.begin("wait_forever")
    assert bench.executor.room(first.node) == room - 1
    before = bench.sink.capacity_changes
    for made in (first, second):
        bench.executor.cancel(made.token, grace_s=1)
        await bench.end(made)
    assert bench.executor.room(first.node) == room + 1
    await bench.sink.until(lambda: bench.sink.capacity_changes > before)


async def test_a_stop_hands_everything_back(bench: Bench) -> None:
    running = bench.begin("wait_forever")
    await bench.started(running)
    await bench.executor.stop(grace_s=0)
    lost = bench.sink.end(running.token)
    assert isinstance(lost, AttemptLost)
    assert lost.blameless


async def test_only_what_is_here_is_reconciled(bench: Bench) -> None:
    made = bench.begin("wait_forever")
    await bench.started(made)
    assert await bench.executor.reconcile([made.token, Token(0, 1)]) == [made.token]
    bench.executor.cancel(made.token, grace_s=1)
    await bench.end(made)
    assert await bench.executor.reconcile([made.token]) == []


async def test_a_result_that_cannot_be_stored_says_what_and_where(bench: Bench) -> None:
    error = (await bench.run("unpicklable")).error
    assert not error.retryable
    assert "result['lock'][0]" in error.message
    assert "_thread.lock" in error.message
    assert "Fix:" in error.message


async def test_a_list_that_is_mapped_is_counted_and_read_by_offset(bench: Bench) -> None:
    for function in ("numbers", "yields"):
        made = await bench.run(function, 2500, lengths=((),))
        assert made.lengths == (2500,)
        assert made.result.codec == "chunks"


async def test_exports_are_scalars_at_their_paths(bench: Bench) -> None:
    exports = ((("item", "pair"), ("item", 0)), (("item", "text"),))
    assert (await bench.run("kinds", exports=exports)).exports == (1, "ü")
    wrong = await bench.run("kinds", exports=((("item", "pair"),),))
    assert not wrong.error.retryable
    assert "decides a branch" in wrong.error.message


async def test_reports_survive_their_encoding(bench: Bench) -> None:
    report = await bench.run("fail", "DataError")
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(report), type=AttemptFailed)
    assert again == report
    assert again.error.sample == [{"id": 1, "name": None}]


HOSTED = (("a", 1), ("b", 3))


@pytest.mark.parametrize(("from_thread", "io_bound"), [(False, False), (True, False), (False, True)])
async def test_what_a_host_says_of_its_members_comes_in_order_and_before_its_own_end(
    bench: Bench, from_thread: bool, io_bound: bool
) -> None:
    kwargs = {"from_thread": Const(from_thread)}
    made = bench.begin("host", "b", kwargs=kwargs, members=HOSTED, policy={"io_bound": io_bound})
    ended = await bench.sink.until(
        lambda: [r for r in bench.sink.about(made.token) if r.task == "host" and isinstance(r, AttemptSucceeded)]
    )
    assert value(ended[0]) == ()
    told = bench.sink.about(made.token)
    assert [(r.task, r.attempt, type(r)) for r in told] == [
        ("host", 1, AttemptStarted),
        ("a", 1, AttemptStarted),
        ("a", 1, AttemptSucceeded),
        ("b", 3, AttemptStarted),
        ("b", 3, AttemptFailed),
        ("host", 1, AttemptSucceeded),
    ]
    assert value(told[2]) == "a is done"
    failed = told[4]
    assert isinstance(failed, AttemptFailed)
    assert (failed.error.kind, failed.error.message, len(failed.error.sample)) == ("data", "gone off", 5)


async def test_a_host_cannot_speak_for_others_or_twice(bench: Bench) -> None:
    made = bench.begin("host_that_says_nonsense", members=(("a", 1),))
    ended = await bench.sink.until(
        lambda: [r for r in bench.sink.about(made.token) if r.task == made.task and isinstance(r, AttemptSucceeded)]
    )
    assert value(ended[0]) == [
        "the end of a was reported before",
        "a stranger is not among the tasks that this attempt at host_that_says_nonsense is to run",
    ]
    assert value(await bench.run("host")) == ()
