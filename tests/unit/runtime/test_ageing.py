"""The role that says when data has become too old: once, whoever is killed and whoever looks beside it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.unit.runtime.clockwork import HOUR, SECOND, T0
from toque.engine.assets import FreshnessTold, Materialized
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset
from toque.graph.freshness import FreshnessPolicy
from toque.graph.ir import Pipeline
from toque.ports.assets import EventQuery
from toque.ports.notifier import Notifier
from toque.ports.project import IndexedAsset, IndexedPipeline, ProjectState
from toque.runtime.ageing import Ageing
from toque.runtime.alerts import Route
from toque.runtime.outgoing import Alerting
from toque.store.memory import MemoryStore
from toque.testing.clocks import VirtualClock


def nobody(to: str) -> Notifier:
    raise AssertionError(to)


ALERTING = Alerting(
    routes=(Route("ops", ("late", "recovery")), Route("failures", ("failure",)), Route("others", ("late",), ("x*",))),
    notifier=nobody,
    ui_url="http://here",
)


def project(*keys: str, within_s: float = 3600) -> ProjectState:
    """Of assets that `nightly` makes, which tells "own"."""
    ir = Pipeline(name="nightly", nodes=(), notify=("own",))
    nightly = IndexedPipeline(name="nightly", file="p.py", version="v", file_version="v", ir=ir)
    policy = FreshnessPolicy(within_s=within_s)
    assets = {
        key: IndexedAsset(asset=Asset(key=key, owner="ann", freshness=policy), pipelines=("nightly",)) for key in keys
    }
    return ProjectState(
        pipelines={"nightly": nightly}, assets={**assets, "free": IndexedAsset(asset=Asset(key="free"))}
    )


class Place:
    """One store and one clock; servers come and go."""

    def __init__(self) -> None:
        self.clock = VirtualClock(T0)
        self.store = MemoryStore()
        self.state = project("orders")

    def server(self, alerting: Alerting | None = ALERTING) -> Ageing:
        ageing = Ageing(self.store, self.clock, alerting)
        ageing.looked(self.state, ())
        return ageing

    async def make(self, asset: str = "orders") -> None:
        at_us = self.clock.now_us()
        event = Materialized(asset=asset, data_version=str(at_us))
        row = AssetEventRow(
            run_id=f"r{at_us}",
            task="t",
            attempt=1,
            n=0,
            pipeline="nightly",
            asset=asset,
            partition="",
            kind="materialized",
            at_us=at_us,
            event=event,
        )
        await self.store.assets.say([row])

    async def sent(self) -> list[str]:
        """Dedup ids of messages, in the order in which they are due."""
        rows = await self.store.list_outbox(self.clock.now_us() + 1000 * HOUR)
        return [row.dedup for row in sorted(rows, key=lambda row: (row.due_us, row.dedup))]

    async def said(self) -> Sequence[bool]:
        """Whether it was overdue, the oldest first."""
        rows = await self.store.assets.events(EventQuery(asset="orders", kind="freshness"))
        return [row.event.is_overdue for row in reversed(rows) if isinstance(row.event, FreshnessTold)]


async def test_it_says_that_data_is_overdue_and_that_it_is_fresh_again() -> None:
    place = Place()
    await place.make()
    server = place.server()
    assert await server.look() == T0 + 10 * SECOND
    place.clock.advance(3599)
    assert await server.look() == T0 + HOUR
    assert await place.sent() == []
    place.clock.advance(1)
    await server.look()
    await server.look()
    overdue = f"overdue/orders/{T0 + HOUR}"
    assert await place.sent() == [f"{overdue}>ops", f"{overdue}>own"]
    place.clock.advance(600)
    await place.make()
    await server.look()
    fresh = f"fresh/orders/{T0 + HOUR}"
    assert await place.sent() == [f"{overdue}>ops", f"{overdue}>own", f"{fresh}>ops", f"{fresh}>own"]
    assert await place.said() == [True, False]


async def test_the_message_says_what_was_missed_and_where_to_look() -> None:
    place = Place()
    await place.make()
    place.clock.advance(2 * 3600)
    await place.server().look()
    row, _ = await place.store.list_outbox(place.clock.now_us())
    message = row.payload["message"]
    assert (row.kind, message["kind"], message["title"]) == ("message", "late", "orders is overdue")
    assert (message["owner"], message["pipeline"]) == ("ann", "nightly")
    assert message["link"] == "http://here/assets/orders"
    assert message["note"] == (
        "Overdue since 2027-01-15 09:00:00 UTC, its data is of 2027-01-15 08:00:00 UTC. It has to be not older than 1h."
    )


async def test_a_server_that_starts_again_says_nothing_twice() -> None:
    """A kill before the transaction leaves all to say, one after it nothing: there is no other place."""
    place = Place()
    await place.make()
    place.clock.advance(2 * 3600)
    await place.server().look()
    before = await place.sent()
    await place.server().look()
    assert await place.sent() == before
    await place.make()
    place.clock.advance(60)
    for _ in range(2):
        await place.server().look()
    assert await place.said() == [True, False]
    assert len(await place.sent()) == 2 * len(before)


async def test_of_two_servers_one_says_it() -> None:
    place = Place()
    await place.make()
    first, second = place.server(), place.server()
    for server in (first, second):
        await server.look()
    heard: list[str] = []
    second.listen(heard.extend)
    for each_overdue in (True, False, True, False):
        place.clock.advance(2 * 3600 if each_overdue else 1)
        if not each_overdue:
            await place.make()
        for server in (first, second):
            await server.look()
    assert await place.said() == [True, False, True, False]
    assert heard == []


async def test_without_anybody_to_tell_it_is_said_in_the_log_of_the_asset() -> None:
    place = Place()
    await place.make()
    place.clock.advance(2 * 3600)
    await place.server(alerting=None).look()
    assert (await place.said(), await place.sent()) == ([True], [])


async def test_what_was_never_made_is_not_overdue() -> None:
    place = Place()
    place.clock.advance(100 * 3600)
    await place.server().look()
    assert await place.said() == []


async def test_another_policy_changes_what_is_overdue() -> None:
    place = Place()
    await place.make()
    place.clock.advance(2 * 3600)
    server = place.server()
    await server.look()
    place.clock.advance(1)
    server.looked(project("orders", within_s=5 * 3600), ())
    await server.look()
    assert await place.said() == [True, False]
    server.looked(ProjectState(), ())
    assert await server.look() == 0


async def test_it_waits_for_the_deadline_by_itself() -> None:
    place = Place()
    await place.make()
    place.state = msgspec.structs.replace(project("orders", within_s=5))
    server = place.server()
    heard: list[str] = []
    server.listen(heard.extend)
    server.start()
    await place.clock.wait_until(T0 + 6 * SECOND)
    await server.stop()
    assert heard == ["orders"]
