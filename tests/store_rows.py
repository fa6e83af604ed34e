"""Rows for tests of stores: short to write, every field that a test does not name is boring."""

from __future__ import annotations

from typing import Any

from toque.engine.facts import AnyFact, Readied
from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.states import AttemptOutcome, RunState, TaskState
from toque.engine.values import ErrorInfo, MapIndex, Token, ValueRef
from toque.ports.store import CommandRow, Commit, FactBatch, Hold, OutboxRow, VersionRow

ME = "me"
OTHER = "other"


def run(run_id: str = "r1", **fields: Any) -> RunRow:
    """A running run of pipeline `p`, owned by `ME`."""
    given: dict[str, Any] = {
        "pipeline": "p",
        "version": "v1",
        "state": RunState.RUNNING,
        "parameters": {},
        "created_us": 1,
        "owner": ME,
    }
    return RunRow(run_id=run_id, **{**given, **fields})


def task(name: str = "t", index: MapIndex = (), run_id: str = "r1", **fields: Any) -> TaskRow:
    """A ready task run."""
    return TaskRow(run_id=run_id, task=name, map_index=index, **{"state": TaskState.READY, **fields})


def attempt(number: int, name: str = "t", index: MapIndex = (), run_id: str = "r1") -> AttemptRow:
    """A failed attempt."""
    return AttemptRow(
        run_id=run_id,
        task=name,
        map_index=index,
        attempt=number,
        outcome=AttemptOutcome.FAILED,
        started_us=number * 10,
        finished_us=number * 10 + 5,
        worker="host:1",
        error=ErrorInfo(kind="code", type="ValueError", message="no", sample=[{"a": None}]),
    )


def step(name: str = "body/step", run_id: str = "r1") -> StepRow:
    """A step of a flow."""
    return StepRow(run_id=run_id, task=name, body="body", node=b"\x00node")


def facts(first_seq: int, count: int = 1, run_id: str = "r1") -> FactBatch:
    """`count` facts from number `first_seq` on, each naming its number."""
    batch: list[AnyFact] = [Readied(at_us=n, task=f"t{n}") for n in range(first_seq, first_seq + count)]
    return FactBatch(run_id=run_id, first_seq=first_seq, at_us=first_seq, facts=batch)


def hold(holder: str, slots: int = 1, *, limit: int = 2, pool: str = "pool") -> Hold:
    """Slots of a pool of two."""
    return Hold(pool=pool, holder=holder, slots=slots, limit=limit)


def message(dedup: str, **fields: Any) -> OutboxRow:
    """A message that is due at once."""
    return OutboxRow(dedup=dedup, **{"kind": "webhook", "payload": {"n": 1}, **fields})


def version(name: str = "v1", **fields: Any) -> VersionRow:
    """A version of pipeline `p`."""
    given: dict[str, Any] = {"pipeline": "p", "ir_hash": "ir", "bundle": "b", "ir": b'{"name":"p"}', "created_us": 1}
    return VersionRow(version=name, **{**given, **fields})


def command(run_id: str = "r1", **fields: Any) -> CommandRow:
    """A cancel."""
    return CommandRow(run_id=run_id, **{"kind": "cancel", "payload": {"reason": "why"}, "actor": "ann", **fields})


def commit(**parts: Any) -> Commit:
    """A commit by `ME`."""
    return Commit(**{"instance": ME, **parts})


def full_task() -> TaskRow:
    """A task run with something in every field, of types that a careless encoding would change."""
    return TaskRow(
        run_id="r1",
        task="group.tâsk[]",
        map_index=(0, 4_294_967_295),
        state=TaskState.RETRYING,
        attempt=3,
        retries=2,
        losses=1,
        token=Token(2**40, 7),
        ready_us=1,
        dispatched_us=2,
        started_us=3,
        finished_us=4,
        due_us=5,
        deadline_us=2**53,
        worker="höst:1",
        result=ValueRef(codec="arrow", blob="r1/t/1", size_bytes=2**40, digest="d"),
        exports=(True, 1, 1.5, "x", None),
        lengths=(0, 100_000),
        size=100_000,
        shape=(10, 10_000),
        error=ErrorInfo(kind="data", type="E", message="m\0n", file="f.py", line=3, retryable=False, sample=[[1, {}]]),
        reason="because",
        handle={"job": [1, None, {"deep": 1.0}]},
        cancel_requested=True,
        cached_from="a",
        reused_from="b",
        step_digest="c",
        payload=ValueRef(codec="json", inline=b"[]"),
        order=9,
        partition_key="2013-01",
    )
