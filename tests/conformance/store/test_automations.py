"""Automation as stores keep it: rows by compare and set, with the decision and the plan that go with them."""

from __future__ import annotations

import msgspec

from tests.conformance.store.conftest import Place
from toque.engine.states import BackfillState, SliceState
from toque.ports.automations import KEPT, AutomationChange, AutomationRow, DecisionOutcome, DecisionRow
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.store import Store

BEGUN = AutomationRow(asset="a", since_us=5, cursor_us=5, definition=b"[]")


def decided(n: int, asset: str = "a") -> DecisionRow:
    return DecisionRow(
        asset=asset, n=n, at_us=n, outcome=DecisionOutcome.REQUESTED, rule="Eager", reason="é", partitions="x", count=1
    )


def plan(name: str) -> tuple[BackfillRow, list[BackfillSlice]]:
    row = BackfillRow(
        id=name,
        pipeline="materialize",
        schedule="",
        version="v",
        state=BackfillState.RUNNING,
        from_us=0,
        to_us=0,
        max_active=2,
        total=1,
        created_us=1,
    )
    return row, [BackfillSlice(backfill=name, n=0, state=SliceState.WAITING, stage=0)]


async def test_a_row_comes_back_with_its_next_revision(store: Store) -> None:
    row = msgspec.structs.replace(BEGUN, dealt={"2026-01-01": {"b[x]": 7}}, paused=True, actor="ana", said="waits: b")
    assert await store.automations.record([AutomationChange(row=row)])
    assert await store.automations.rows(["a", "b"]) == {"a": msgspec.structs.replace(row, revision=1)}


async def test_what_is_no_longer_so_is_refused_as_a_whole(place: Place) -> None:
    one, other = await place.open(), await place.open()
    assert await one.automations.record([AutomationChange(row=BEGUN)])
    assert not await other.automations.record([AutomationChange(row=BEGUN)])
    seen = (await other.automations.rows(["a"]))["a"]
    first = AutomationChange(row=msgspec.structs.replace(seen, decided=1), decision=decided(1))
    assert await one.automations.record([first], plan("p1"))
    both = [AutomationChange(row=AutomationRow(asset="b", since_us=1), decision=decided(1, "b")), first]
    assert not await other.automations.record(both, plan("p2"))
    assert await other.automations.rows(["b"]) == {}
    assert await other.automations.decisions("b") == []
    assert [row.id for row in await other.backfills.running()] == ["p1"]
    assert [each.n for each in await other.automations.decisions("a")] == [1]


async def test_the_newest_decisions_are_kept(store: Store) -> None:
    assert await store.automations.record([AutomationChange(row=BEGUN)])
    for n in (1, 2, 3, KEPT + 2):
        row = (await store.automations.rows(["a"]))["a"]
        assert await store.automations.record([AutomationChange(row=row, decision=decided(n))])
    assert await store.automations.decisions("a") == [decided(KEPT + 2), decided(3)]
    assert [each.n for each in await store.automations.decisions("a", before=10, limit=2)] == [3]
