"""Hosting: one attempt runs many task runs of the graph and reports for each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.unit.engine.driving import ERROR, Driver, mapped, pipeline, retries, task, value
from tests.unit.engine.snapshots import differences, snapshot
from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.hosting import members_of
from toque.engine.restore import restore
from toque.engine.run import Decision
from toque.engine.states import TaskState
from toque.engine.values import TaskKey, Token
from toque.graph.expr import Const, Ref
from toque.graph.ir import MapNode, Pipeline, TaskNode


def hosted(name: str, *after: str, **fields: Any) -> TaskNode:
    return task(name, *after, host=fields.pop("host", "build"), **fields)


KITCHEN = pipeline(
    task("load"),
    task("build", "load", policy=retries(1)),
    hosted("stock", "load"),
    hosted("sauce", "stock"),
    hosted("salad"),
    task("serve", "sauce"),
)
"""`build` runs stock, then sauce, and salad; `serve` waits for the sauce alone."""


class Host(Driver):
    """A run whose hosts report for others."""

    def tell(self, kind: Any, name: str, *index: int, host: str = "build", **fields: Any) -> Decision:
        """The attempt of `host` reports about one of its members."""
        row = self.run.task_run(TaskKey(host, index))
        numbers = dict(members_of(self.run, TaskKey(host, index)))
        fields.setdefault("token", row.token if row is not None else Token(9, 9))
        fields.setdefault("attempt", numbers.get(name, 1))
        return self.feed(kind(run_id=self.run.row.run_id, task=name, map_index=index, **fields))

    def begin(self, name: str, *index: int, **fields: Any) -> Decision:
        return self.tell(i.AttemptStarted, name, *index, started_us=self.now, **fields)

    def finish(self, name: str, *index: int, number: int = 0, **fields: Any) -> Decision:
        return self.tell(
            i.AttemptSucceeded, name, *index, started_us=self.now, finished_us=self.now, result=value(number), **fields
        )

    def spoil(self, name: str, *index: int, **fields: Any) -> Decision:
        return self.tell(i.AttemptFailed, name, *index, finished_us=self.now, error=ERROR, **fields)

    def end(self, host: str = "build", *index: int) -> Decision:
        """The host's body returns."""
        return self.feed(
            self.about(i.AttemptSucceeded, host, *index, started_us=self.now, finished_us=self.now, result=value())
        )

    def fail_host(self) -> None:
        """It fails until no retry is left."""
        lasting = msgspec.structs.replace(ERROR, retryable=False)
        self.feed(self.about(i.AttemptFailed, "build", started_us=self.now, finished_us=self.now, error=lasting))

    def left(self, host: str = "build", *index: int) -> dict[str, int]:
        return dict(members_of(self.run, TaskKey(host, index)))

    def refused(self) -> list[str]:
        return [fact.reason for fact in self.said(f.Rejected)]

    def restored(self) -> list[Any]:
        """Read the rows again: the same state comes of it. Returns the effects."""
        rows = [msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=type(row)) for row in self.rows.values()]
        stored = SimpleNamespace(run=msgspec.structs.replace(self.run_row), tasks=rows, steps=self.steps)
        run, effects = restore(self.pipeline, stored)
        found = differences(snapshot(self.run), snapshot(run))
        assert not found, "\n".join(found)
        return effects


def cooking(graph: Pipeline = KITCHEN) -> Host:
    """The host runs."""
    d = Host(graph)
    d.succeed("load")
    d.dispatch("build")
    return d


# -- law: a member is never dispatched, and holds no slot


def test_a_member_whose_rule_is_fulfilled_is_ready_and_asks_for_nothing() -> None:
    d = Host(KITCHEN)
    assert d.states("salad", "stock", "sauce") == "ready waiting waiting"
    d.succeed("load")
    assert d.states("salad", "stock", "sauce") == "ready ready waiting"
    assert {effect.task for effect in d.said(fx.RequestSlots)} == {"load", "build"}


def test_the_host_is_told_of_its_members_with_the_number_of_their_attempt() -> None:
    d = cooking()
    assert members_of(d.run, TaskKey("build")) == (("stock", 1), ("sauce", 1), ("salad", 1))


def test_a_task_that_hosts_nothing_has_no_members() -> None:
    assert members_of(Host(KITCHEN).run, TaskKey("load")) == ()


# -- law: what a host reports of a member is what the member's own worker would


def test_what_waits_for_a_member_starts_at_its_report() -> None:
    d = cooking()
    d.begin("stock")
    assert d.states("build", "stock") == "running running"
    d.finish("stock")
    assert d.states("stock", "sauce") == "succeeded ready"
    d.finish("sauce", number=7)
    assert d.states("sauce", "serve", "build") == "succeeded ready running"
    d.spoil("salad")
    d.succeed("serve")
    d.end()
    assert (d.states("salad", "build"), d.run_state) == ("failed succeeded", "failed")


def test_a_report_of_an_end_implies_the_beginning() -> None:
    d = cooking()
    d.finish("salad")
    said = [type(fact).__name__ for fact in d.facts if getattr(fact, "task", "") == "salad"]
    assert said == ["Readied", "Started", "Succeeded"]
    assert (d.row("salad").attempt, d.row("salad").token) == (1, None)


def test_a_report_of_a_member_says_that_the_host_has_begun() -> None:
    d = Host(KITCHEN)
    d.succeed("load")
    d.grant("build")
    d.finish("salad")
    assert d.states("build", "salad") == "running succeeded"


def test_a_failed_member_blocks_its_descendants_inside_and_outside_and_is_not_the_hosts_failure() -> None:
    d = cooking()
    d.spoil("stock")
    assert d.states("stock", "sauce", "serve") == "failed upstream_failed upstream_failed"
    d.finish("salad")
    d.end()
    assert d.states("build", "salad") == "succeeded succeeded"
    assert d.run.row.error is not None
    assert d.run.row.error.message == "no"


def test_a_skipped_member_skips_what_waits_for_it() -> None:
    d = cooking()
    d.tell(i.AttemptSkipped, "stock", finished_us=d.now, reason="fresh enough")
    assert d.states("stock", "sauce", "serve") == "skipped skipped skipped"
    assert d.row("stock").reason == "fresh enough"


def test_what_is_told_of_data_is_recorded_with_the_member() -> None:
    from toque.engine.assets import Materialized

    d = cooking()
    d.finish("stock", assets=(Materialized(asset="marts.stock", data_version="1"),))
    assert [(event.task, event.asset, event.attempt) for event in d.events] == [("stock", "marts.stock", 1)]


def test_each_report_is_acknowledged_under_the_members_name() -> None:
    d = cooking()
    decision = d.finish("stock")
    told = [effect for effect in decision.effects if isinstance(effect, fx.Acknowledge)]
    assert [(effect.key.task, effect.token) for effect in told] == [("stock", d.row("build").token)]
    assert not any(isinstance(effect, fx.ReleaseSlots) for effect in decision.effects)


# -- law: a report that does not fit is rejected, and harms nothing


def test_a_member_that_waits_cannot_have_run() -> None:
    d = cooking()
    d.finish("sauce")
    assert (d.state("sauce"), d.refused()) == ("waiting", ["what it waits for has not ended"])


def test_a_second_end_is_void() -> None:
    d = cooking()
    d.finish("stock")
    d.spoil("stock")
    assert (d.state("stock"), d.refused()) == ("succeeded", ["it has ended"])


def test_a_second_beginning_changes_nothing() -> None:
    d = cooking()
    d.begin("stock")
    assert not d.begin("stock").facts
    assert d.states("stock") == "running"


def test_a_report_under_an_old_token_of_the_host_is_void() -> None:
    d = cooking()
    old = d.row("build").token
    d.lose("build")
    d.finish("stock", token=old)
    d.dispatch("build")
    d.finish("stock", token=old)
    assert d.state("stock") == "ready"
    assert d.refused() == ["stale: of a dispatch of its host that is over"] * 2


def test_a_report_of_another_attempt_is_void() -> None:
    d = cooking()
    d.finish("stock", attempt=2)
    assert d.refused() == ["of attempt 2, and the one at hand is 1"]


@pytest.mark.parametrize("kind", [i.AttemptCancelled, i.AttemptLost, i.AttemptReturned, i.AttemptDeferred])
def test_a_host_can_only_say_how_a_member_did(kind: Any) -> None:
    d = cooking()
    fields: dict[str, Any] = {} if kind is i.AttemptReturned else {"finished_us": d.now}
    fields |= {"reason": "x"} if kind is i.AttemptLost else {}
    fields |= {"resume_after_s": 1.0} if kind is i.AttemptDeferred else {}
    d.tell(kind, "stock", **fields)
    assert (d.state("stock"), d.refused()) == ("ready", ["a host cannot say so of a task that it runs"])


# -- law: what the host finished stays finished, and its next attempt is told of exactly the rest


def test_a_lost_host_gives_back_what_it_had_begun() -> None:
    d = cooking()
    d.finish("stock")
    d.begin("sauce")
    d.lose("build")
    assert d.states("build", "stock", "sauce", "salad") == "ready succeeded ready ready"
    d.dispatch("build")
    assert d.left() == {"sauce": 2, "salad": 1}
    d.finish("sauce")
    assert (d.row("sauce").attempt, d.row("sauce").losses) == (2, 0)


def test_a_failed_host_that_is_tried_again_runs_the_rest() -> None:
    d = cooking()
    d.begin("stock")
    d.feed(d.about(i.AttemptFailed, "build", started_us=d.now, finished_us=d.now, error=ERROR))
    assert d.states("build", "stock", "salad") == "retrying ready ready"
    attempts = [(fact.task, fact.attempt, fact.outcome.value) for fact in d.said(f.AttemptEnded)]
    assert attempts == [("build", 1, "failed"), ("stock", 1, "lost")]


def test_a_returned_host_takes_the_same_attempt_again() -> None:
    d = cooking()
    d.feed(d.about(i.AttemptReturned, "build"))
    assert d.states("build", "stock") == "ready ready"
    d.dispatch("build")
    assert (d.row("build").attempt, d.left()["stock"]) == (1, 1)


# -- law: when the host has ended, no member is left


def test_members_that_a_good_host_did_not_report_have_failed() -> None:
    d = cooking()
    d.begin("salad")
    d.end()
    assert d.states("build", "stock", "sauce", "salad", "serve") == (
        "succeeded failed upstream_failed failed upstream_failed"
    )
    error = d.row("stock").error
    assert error is not None
    assert (error.type, error.message) == (
        "NotReported",
        "build runs it, and ended without having reported it",
    )


def test_a_host_that_fails_for_good_fails_what_it_ran_and_blocks_the_rest() -> None:
    d = cooking()
    d.begin("salad")
    d.fail_host()
    assert d.states("build", "salad", "stock", "sauce") == "failed failed upstream_failed upstream_failed"
    error = d.row("salad").error
    assert error is not None
    assert (error.type, error.kind) == ("HostFailed", "transient")
    assert error.message == "build failed while it ran this: ValueError: no"
    assert (d.row("stock").reason, d.run_state) == ("build", "failed")


def test_a_host_that_skips_itself_skips_its_members() -> None:
    d = cooking()
    d.feed(d.about(i.AttemptSkipped, "build", finished_us=d.now, reason="nothing new"))
    assert (d.states("build", "stock", "sauce", "salad"), d.run_state) == (
        "skipped skipped skipped skipped",
        "succeeded",
    )


def test_a_host_that_cannot_start_blocks_its_members() -> None:
    d = Host(KITCHEN)
    d.fail("load")
    assert d.states("build", "stock", "sauce", "salad") == " ".join(["upstream_failed"] * 4)
    assert d.row("salad").reason == "build"


def test_a_host_that_starts_all_the_same_runs_what_still_can() -> None:
    d = Host(
        pipeline(task("a"), task("b"), task("build", "a", "b", rule="all_done"), hosted("x", "a"), hosted("y", "b"))
    )
    d.succeed("a")
    d.fail("b")
    d.dispatch("build")
    assert (d.states("x", "y"), d.left()) == ("ready upstream_failed", {"x": 1})


def test_a_member_that_may_run_only_after_its_host_has_ended_fails_with_it() -> None:
    graph = pipeline(task("build"), hosted("x"), hosted("tidy", "x", rule="all_done"))
    d = Host(graph)
    d.dispatch("build")
    d.end()
    assert d.states("x", "tidy") == "failed failed"


# -- law: people act on hosts and members


def test_cancelling_the_host_cancels_its_members() -> None:
    d = cooking()
    d.finish("stock")
    d.begin("salad")
    d.cancel("build")
    d.cancelled("build")
    assert d.states("build", "stock", "sauce", "salad", "serve") == (
        "cancelled succeeded cancelled cancelled upstream_failed"
    )


def test_one_member_of_a_running_host_cannot_be_cancelled() -> None:
    d = cooking()
    d.begin("stock")
    d.cancel("stock")
    d.cancel("salad")
    assert d.refused() == ["build runs it with others: cancel build"] * 2


def test_a_member_can_be_cancelled_before_its_host_begins() -> None:
    d = Host(KITCHEN)
    d.cancel("stock")
    d.succeed("load")
    d.dispatch("build")
    assert d.left() == {"salad": 1}


def test_cancelling_the_run_waits_for_the_host_and_takes_what_it_still_finishes() -> None:
    d = cooking()
    d.begin("stock")
    d.begin("salad")
    d.cancel()
    d.finish("stock")
    d.cancelled("build")
    assert d.states("build", "stock", "sauce", "salad") == "cancelled succeeded cancelled cancelled"
    assert d.run_state == "cancelled"


def test_a_run_that_is_cancelled_when_its_host_ends_well_cancels_what_was_not_reported() -> None:
    d = cooking()
    d.begin("stock")
    d.cancel()
    d.end()
    assert d.states("build", "stock") == "succeeded cancelled"


@pytest.mark.parametrize("begun", [False, True])
def test_a_member_can_be_marked_at_any_time_and_later_reports_are_void(begun: bool) -> None:
    d = cooking()
    if begun:
        d.begin("stock")
    d.feed(i.Mark(run_id="r", task="stock", state=TaskState.SUCCEEDED, actor="ana"))
    assert d.states("stock", "sauce") == "succeeded ready"
    assert not d.said(fx.StopAttempt)
    d.spoil("stock")
    assert d.refused() == ["it has ended"]


def test_marking_a_host_marks_what_is_left_of_its_members() -> None:
    d = cooking()
    d.finish("salad")
    d.feed(i.Mark(run_id="r", task="build", state=TaskState.SUCCEEDED, actor="ana", reason="by hand"))
    assert d.states("salad", "stock", "sauce", "serve") == "succeeded succeeded succeeded ready"
    d.cancelled("build")
    assert d.state("build") == "succeeded"
    assert [fact.task for fact in d.said(f.Marked)] == ["build", "stock", "sauce"]


def test_a_suspended_run_takes_what_its_host_reports() -> None:
    d = cooking()
    d.feed(i.Suspend(run_id="r", actor="ana"))
    d.finish("stock")
    d.feed(i.Resume(run_id="r", actor="ana"))
    assert d.states("stock", "sauce") == "succeeded ready"
    assert all(effect.task not in ("stock", "sauce", "salad") for effect in d.said(fx.RequestSlots))


# -- law: rows are enough to go on


def test_a_machine_made_of_rows_goes_on_where_the_host_was() -> None:
    d = cooking()
    d.finish("stock")
    d.begin("sauce")
    assert d.restored() == []
    assert [key.task for key, _, _ in d.run.active()] == ["build"]
    d.lose("build", blameless=True)
    assert d.restored() == [fx.RequestSlots(task="build", count=1)]
    d.dispatch("build")
    d.finish("sauce")
    d.finish("salad")
    d.end()
    d.succeed("serve")
    d.restored()
    assert d.run_state == "succeeded"


# -- law: a rerun runs the host with exactly what is to be done again


def again(before: Host, *anew: str) -> Host:
    rows = list(before.rows.values())
    return Host(before.pipeline, reuse=rows, run_id="again", row={"origin_run": "r", "reuse": anew})


def ended(*spoiled: str) -> Host:
    d = cooking()
    for name in ("stock", "sauce", "salad"):
        if d.state(name) == "ready":
            (d.spoil if name in spoiled else d.finish)(name)
    d.end()
    if d.state("serve") == "ready":
        d.succeed("serve")
    assert d.run.row.state.is_terminal
    return d


def test_a_retry_runs_the_host_with_what_failed_and_what_is_behind_it() -> None:
    d = again(ended("stock"))
    assert d.states("load", "salad", "build", "stock", "sauce") == "succeeded succeeded ready ready waiting"
    d.dispatch("build")
    assert d.left() == {"stock": 1, "sauce": 1}
    d.finish("stock")
    d.finish("sauce")
    d.end()
    d.succeed("serve")
    assert d.run_state == "succeeded"


def test_a_host_is_taken_over_with_all_of_its_members() -> None:
    d = again(ended(), "serve")
    assert d.states("load", "build", "stock", "sauce", "salad", "serve") == (
        "succeeded succeeded succeeded succeeded succeeded ready"
    )


def test_one_member_that_runs_anew_takes_its_host_with_it() -> None:
    d = again(ended(), "salad")
    assert d.states("stock", "sauce", "serve", "salad", "build") == "succeeded succeeded succeeded ready ready"
    d.dispatch("build")
    assert d.left() == {"salad": 1}


def test_a_host_that_runs_anew_takes_all_of_its_members_with_it() -> None:
    d = again(ended(), "build")
    assert d.states("load", "build", "stock", "sauce", "salad", "serve") == (
        "succeeded ready ready waiting ready waiting"
    )


# -- law: within a map, each index has a host and members of its own

REGIONS = pipeline(
    MapNode(id="each[]", axes=mapped("m", Const(value=["n", "s"]))[0].axes, result=Ref(node="y")),  # type: ignore[union-attr]
    task("build", scope="each[]"),
    hosted("x", scope="each[]"),
    hosted("y", "x", scope="each[]"),
)


def test_a_host_of_one_index_reports_for_that_index() -> None:
    d = Host(REGIONS)
    assert [d.state("x", 0), d.state("y", 1)] == ["ready", "waiting"]
    assert {effect.task for effect in d.said(fx.RequestSlots)} == {"build"}
    d.dispatch("build", 0)
    d.finish("x", 0)
    d.finish("y", 0)
    d.end("build", 0)
    d.restored()
    d.dispatch("build", 1)
    d.begin("x", 1)
    d.restored()
    d.lose("build", 1)
    d.restored()
    d.dispatch("build", 1)
    assert d.left("build", 1) == {"x": 2, "y": 1}
    d.end("build", 1)
    assert [d.state("x", 1), d.state("y", 1), d.state("each[]"), d.run_state] == [
        "failed",
        "upstream_failed",
        "failed",
        "failed",
    ]


def test_a_cancelled_map_cancels_hosts_and_members() -> None:
    d = Host(REGIONS)
    d.dispatch("build", 0)
    d.begin("x", 0)
    d.cancel("each[]")
    assert [d.state("x", 0), d.state("x", 1), d.state("build", 1)] == ["running", "cancelled", "cancelled"]
    d.end("build", 0)
    assert [d.state("build", 0), d.state("x", 0), d.state("y", 0)] == ["succeeded", "cancelled", "cancelled"]
