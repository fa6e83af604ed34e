"""Assets with rules, and a server that makes them by these, on a virtual clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.unit.runtime.clockwork import Clockwork, Server
from tests.unit.runtime.kitchen import carried_out
from toque import Cron, Daily, Eager, OnSchedule, WhenMissing, asset
from toque.authoring.asset_graphs import stages_of
from toque.authoring.assets import Asset
from toque.errors import UserError
from toque.graph import canonical
from toque.ports.automations import AutomationChange, DecisionRow
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.project import IndexedAsset, ProjectState
from toque.ports.store import StoreUnavailable, VersionRow
from toque.runtime.automating import Automating
from toque.runtime.planning import PIPELINE, Stage, Wish, plan
from toque.runtime.versions import Versions
from toque.store.memory.automations import MemoryAutomations

MADE: list[str] = []
"""What was made, in order."""
BROKEN: set[str] = set()


def made(name: str) -> int:
    if name in BROKEN:
        raise ValueError(name)
    MADE.append(name)
    return len(MADE)


@asset
def raw() -> int:
    return made("raw")


@asset(automation=Eager())
def clean(raw: int) -> int:
    return made("clean")


@asset(automation=Eager())
def report(clean: int) -> int:
    return made("report")


@asset(automation=OnSchedule(Cron("30 * * * *")))
def hourly() -> int:
    return made("hourly")


@asset(partitions=Daily("2027-01-12"), automation=WhenMissing())
def days() -> int:
    return made("days")


ALL: tuple[Asset[..., object], ...] = (raw, clean, report, hourly, days)


class FlakyAutomations(MemoryAutomations):
    """Loses the store before a transaction, or the answer behind it, when told to."""

    before = False
    behind = False

    async def record(
        self,
        changes: Sequence[AutomationChange],
        plan: tuple[BackfillRow, Sequence[BackfillSlice]] | None = None,
    ) -> bool:
        if self.before and plan is not None:
            self.before = False
            raise StoreUnavailable("before")
        done = await super().record(changes, plan)
        if self.behind and plan is not None:
            self.behind = False
            raise StoreUnavailable("behind")
        return done


class Drafter:
    """A `Drafts` of the assets of this module."""

    def __init__(self, place: Clockwork) -> None:
        self.place = place
        self.unplannable: set[str] = set()
        self.asked: list[str] = []

    async def draft(self, wish: Wish) -> tuple[BackfillRow, list[BackfillSlice]]:
        self.asked.append(wish.selection)
        wanted = {name.strip() for name in wish.selection.split(",")}
        if lost := wanted & self.unplannable:
            raise UserError(f"{sorted(lost)[0]} cannot be loaded")
        found = []
        for pipeline in stages_of(PIPELINE, wish.selection, ALL):
            version = canonical.content_hash(pipeline.ir)[:12]
            row = VersionRow(
                version=version,
                pipeline=PIPELINE,
                ir_hash=version,
                bundle="",
                ir=canonical.encode(pipeline.ir),
                created_us=self.place.clock.now_us(),
            )
            await self.place.store.put_version(row, make_current=False)
            found.append(Stage(version, pipeline.ir))
        return await plan(self.place.store, wish, found, self.place.clock.now_us())


def state(*names: str, **fields: object) -> ProjectState:
    """The project, as far as it has these assets (all of them unless stated), and what they are made from."""
    chosen = {each.key: each for each in ALL if not names or each.key in names}
    assets = {key: IndexedAsset(asset=each.described()[0], file="m.py") for key, each in chosen.items()}
    return msgspec.structs.replace(ProjectState(assets=assets, indexed_us=1), **fields)


class House:
    """A store with servers that make assets by their rules."""

    def __init__(self) -> None:
        MADE.clear()
        BROKEN.clear()
        self.place = Clockwork()
        self.place.clock.is_busy = lambda: True  # decisions are made in a thread: no time passes meanwhile
        self.automations = FlakyAutomations(self.place.store.backfills)
        self.place.store.automations = self.automations
        self.drafts = Drafter(self.place)

    def role(self, server: Server) -> Automating:
        """Of one server."""
        place = self.place
        versions = Versions(place.store, place._bundle)
        role = Automating(place.store, server.runtime, versions, place.clock, self.drafts)
        server.runtime.listen(role._on_facts, on_commit=role._on_commit)
        return role

    async def make(self, server: Server, selection: str) -> None:
        """What `toque materialize` does."""
        row, slices = await self.drafts.draft(Wish(selection=selection))
        await self.place.store.backfills.create(row, slices)
        await self.settle(server)

    async def settle(self, server: Server) -> None:
        """Carry out all plans."""
        await carried_out(server)
        self.place.clock.advance(1)

    async def until_calm(self, server: Server, *roles: Automating) -> None:
        """Look and carry out, until nothing is asked for any more."""
        for _ in range(20):
            before = await self.plans()
            for role in roles:
                await role.look()
            await self.settle(server)
            if await self.plans() == before:
                return
        raise AssertionError("it goes on forever")

    async def plans(self) -> list[str]:
        """Ids of all backfills."""
        return [row.id for row in await self.place.store.backfills.list_backfills()]

    async def decided(self, name: str) -> list[DecisionRow]:
        """Oldest first."""
        return (await self.place.store.automations.decisions(name))[::-1]
