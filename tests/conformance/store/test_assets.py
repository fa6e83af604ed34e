"""What is known of data: events are stored with the end of their attempt, and slices stand as the events say."""

from __future__ import annotations

import pytest

from tests import store_rows as rows
from toque.engine.assets import AnyAssetEvent, Checked, FreshnessTold, Materialized, Observed
from toque.engine.rows import AssetEventRow
from toque.engine.states import RunState
from toque.ports.assets import DynamicKey, EventQuery, SliceRow
from toque.ports.store import Commit, OutboxRow, OwnershipLost, Store


def made(asset: str = "orders", partition: str = "", version: str = "v1", **fields: object) -> Materialized:
    return Materialized(asset=asset, partition=partition, data_version=version, **fields)  # type: ignore[arg-type]


def row(run_id: str, at_us: int, event: AnyAssetEvent, n: int = 0) -> AssetEventRow:
    return AssetEventRow(
        run_id=run_id,
        task="t",
        map_index=(3, 1),
        attempt=2,
        n=n,
        pipeline="p",
        asset=event.asset,
        partition=event.partition,
        kind=str(type(event).__struct_config__.tag),
        at_us=at_us,
        event=event,
    )


async def tell(store: Store, *events: AssetEventRow, **fields: object) -> None:
    runs = [rows.run(run_id, owner="me", **fields) for run_id in dict.fromkeys(event.run_id for event in events)]
    await store.commit(Commit(instance="me", runs=runs, asset_events=[*events]))


@pytest.fixture(autouse=True)
async def _registered(store: Store) -> None:
    await store.new_boot("me", pid=1, host="h", role="run", now_us=1)


async def test_an_event_comes_back_as_it_was_told(store: Store) -> None:
    event = made(rows=3, size_bytes=0, columns=(("id", "int64"),), metadata={"path": "x", "n": [1, None]})
    given = row("r1", 10, event)
    await tell(store, given)
    assert await store.assets.events(EventQuery(asset="orders")) == [given]
    assert await store.assets.told_in("r1", "t", (3, 1)) == [given]
    assert await store.assets.told_in("r1", "t", ()) == []


async def test_a_slice_stands_as_it_was_made_last(store: Store) -> None:
    await tell(store, row("r1", 10, made(rows=3, size_bytes=5, code_version="c")))
    await tell(store, row("r2", 20, made(version="v2", rows=4)))
    assert await store.assets.slices("orders") == [
        SliceRow(
            asset="orders",
            materialized_us=20,
            changed_us=20,
            updated_us=20,
            run_id="r2",
            task="t",
            pipeline="p",
            data_version="v2",
            rows=4,
        )
    ]


async def test_the_same_content_made_again_has_not_changed(store: Store) -> None:
    await tell(store, row("r1", 10, made()))
    await tell(store, row("r2", 20, made()))
    [found] = await store.assets.slices("orders")
    assert (found.materialized_us, found.changed_us, found.run_id) == (20, 10, "r2")


async def test_a_look_that_finds_other_content_counts_as_a_change(store: Store) -> None:
    await tell(store, row("r1", 10, made(rows=1)))
    await tell(store, row("r2", 20, Observed(asset="orders", data_version="v1")))
    await tell(store, row("r3", 30, Observed(asset="orders", data_version="v9", rows=7)))
    [found] = await store.assets.slices("orders")
    assert (found.materialized_us, found.changed_us, found.observed_us, found.rows) == (10, 30, 30, 7)


async def test_a_check_fails_until_it_holds(store: Store) -> None:
    failed = Checked(asset="orders", check="not_null(id)", passed=False, severity="quarantine", failed_rows=2)
    other = Checked(asset="orders", check="rows", passed=False, severity="warn")
    await tell(store, row("r1", 10, made()), row("r1", 10, failed, 1), row("r1", 10, other, 2))
    [found] = await store.assets.slices("orders")
    assert found.failing == {"not_null(id)": "quarantine", "rows": "warn"}
    await tell(store, row("r2", 20, Checked(asset="orders", check="not_null(id)", passed=True)))
    [found] = await store.assets.slices("orders")
    assert found.failing == {"rows": "warn"}
    assert (found.materialized_us, found.run_id) == (10, "r1")


async def test_slices_come_by_key_in_pages(store: Store) -> None:
    keys = [f"2026-01-{day:02}" for day in range(1, 8)]
    events = [row("r1", 10 + n, made(partition=key), n) for n, key in enumerate(keys)]
    await tell(store, *reversed(events), row("r1", 50, made("other", partition="2026-01-01"), 99))
    first = await store.assets.slices("orders", limit=4)
    rest = await store.assets.slices("orders", after=first[-1].partition, limit=4)
    assert [each.partition for each in first + rest] == keys


async def test_the_standing_of_an_asset_is_that_of_its_newest_slice(store: Store) -> None:
    await tell(store, row("r1", 30, made(partition="a")), row("r1", 20, made(partition="b"), 1))
    await tell(store, row("r2", 25, made("other")))
    found = await store.assets.standings(["orders", "other", "nobody"])
    assert {asset: (each.partition, each.materialized_us) for asset, each in found.items()} == {
        "orders": ("a", 30),
        "other": ("", 25),
    }
    assert await store.assets.known() == ["orders", "other"]


async def test_slices_are_picked_by_key(store: Store) -> None:
    await tell(store, *(row("r1", 10 + n, made(partition=key), n) for n, key in enumerate("abc")))
    found = await store.assets.pick("orders", ["a", "c", "z"])
    assert {key: each.materialized_us for key, each in found.items()} == {"a": 10, "c": 12}
    assert await store.assets.pick("orders", []) == {}


async def test_made_slices_are_counted_and_those_that_were_only_looked_at_are_not(store: Store) -> None:
    await tell(store, *(row("r1", 10, made(partition=key), n) for n, key in enumerate("abc")))
    await tell(store, row("r1", 10, Observed(asset="orders", partition="d"), 9), row("r1", 10, made("other"), 10))
    assert await store.assets.made_counts(["orders", "other", "nobody"]) == {"orders": 3, "other": 1}


async def test_events_come_newest_first_by_slice_and_kind_in_pages(store: Store) -> None:
    checked = Checked(asset="orders", partition="a", check="c", passed=True)
    for n in range(5):
        await tell(store, row(f"r{n}", 10 * n, made(partition="a" if n % 2 else "b")))
    await tell(store, row("r9", 100, checked))
    query = EventQuery(asset="orders")
    assert [each.run_id for each in await store.assets.events(query)] == ["r9", "r4", "r3", "r2", "r1", "r0"]
    of_a = await store.assets.events(EventQuery(asset="orders", partition="a", kind="materialized"))
    assert [each.run_id for each in of_a] == ["r3", "r1"]
    page = await store.assets.events(EventQuery(asset="orders", limit=2))
    following = await store.assets.events(EventQuery(asset="orders", limit=2, before=(page[-1].at_us, page[-1].run_id)))
    assert [each.run_id for each in page + following] == ["r9", "r4", "r3", "r2"]


async def test_the_end_of_an_attempt_that_is_written_again_tells_nothing_twice(store: Store) -> None:
    given = row("r1", 10, made())
    await tell(store, given)
    await tell(store, given)
    assert await store.assets.events(EventQuery(asset="orders")) == [given]


async def test_nothing_is_told_of_a_run_that_another_owns(store: Store) -> None:
    await store.create_run(rows.run("r1", owner="other"))
    with pytest.raises(OwnershipLost):
        await store.commit(Commit(instance="me", asset_events=[row("r1", 10, made())]))
    assert await store.assets.known() == []


async def test_retention_takes_the_log_and_leaves_the_standing(store: Store) -> None:
    await tell(store, row("r1", 10, made()), state=RunState.SUCCEEDED, finished_us=11)
    assert await store.prune(before_us=100, keep_last=0, limit=10) == ["r1"]
    assert await store.assets.events(EventQuery(asset="orders")) == []
    [found] = await store.assets.slices("orders")
    assert (found.run_id, found.materialized_us) == ("r1", 10)


async def test_keys_are_added_once_and_come_in_the_order_of_their_coming(store: Store) -> None:
    assert await store.assets.dynamic(["customers"]) == {}
    await store.assets.add_keys([DynamicKey(name="customers", key=key, added_us=5) for key in ("b", "a")])
    await store.assets.add_keys([DynamicKey(name="customers", key=key, added_us=2) for key in ("c", "a")])
    await store.assets.add_keys([DynamicKey(name="files", key="x", added_us=1, actor="ann")])
    assert await store.assets.dynamic(["customers", "nobody"]) == {"customers": ("c", "a", "b")}
    assert await store.assets.dynamic(["files"]) == {"files": ("x",)}
    assert await store.assets.dynamic([]) == {}


async def test_what_fails_is_listed_until_it_holds(store: Store) -> None:
    def checked(asset: str, partition: str = "", *, passed: bool, check: str = "c") -> Checked:
        return Checked(asset=asset, partition=partition, check=check, passed=passed, severity="quarantine")

    told = [checked("b", passed=False), checked("a", "2", passed=False), checked("a", "1", passed=True)]
    await tell(store, *(row("r1", 10, event, n) for n, event in enumerate(told)))
    assert [(each.asset, each.partition) for each in await store.assets.failing(10)] == [("a", "2"), ("b", "")]
    assert (await store.assets.failing(1))[0].failing == {"c": "quarantine"}
    again = [checked("a", "2", passed=True), checked("b", passed=False), checked("b", passed=False, check="d")]
    await tell(store, *(row("r2", 20, event, n) for n, event in enumerate(again)))
    [left] = await store.assets.failing(10)
    assert (left.asset, sorted(left.failing)) == ("b", ["c", "d"])


async def test_it_is_known_what_a_run_told_of(store: Store) -> None:
    await tell(store, row("r1", 10, made("b"), 0), row("r1", 10, made("a"), 1), row("r1", 10, made("a", "x"), 2))
    await tell(store, row("r2", 20, made("c")))
    assert await store.assets.told_by("r1") == ["a", "b"]
    assert await store.assets.told_by("nobody") == []


async def test_what_is_said_beside_all_runs_is_said_once_with_its_messages(store: Store) -> None:
    """A second server that finds the same, or the same one after a crash, writes neither the event nor a message."""
    overdue = FreshnessTold(asset="orders", is_overdue=True, deadline_us=7)
    said = row("freshness/orders", 10, overdue, n=7)
    first, second = (OutboxRow(dedup=name, kind="message", payload={}) for name in ("m1", "m2"))
    assert await store.assets.say([said], [first])
    assert not await store.assets.say([said], [second])
    assert await store.assets.events(EventQuery(asset="orders", kind="freshness")) == [said]
    assert [each.dedup for each in await store.list_outbox(100)] == ["m1"]
    assert await store.assets.slices("orders") == []
