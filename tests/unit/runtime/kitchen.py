"""Assets that a test can break, change and count; and backfills of them on a virtual clock."""

from __future__ import annotations

from collections import Counter

from tests.unit.runtime.clockwork import Clockwork, Server
from toque import AllPartitions, Daily, Dynamic, Partition, Span, Static, Trailing, asset, use
from toque.authoring.asset_graphs import stages_of
from toque.authoring.assets import Asset
from toque.engine.states import SliceState
from toque.graph import canonical
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.store import VersionRow
from toque.runtime.planning import PIPELINE, Stage, Wish, plan

DAYS = Daily("2026-01-01", end="2026-01-06")
BROKEN: set[str] = set()
"""Keys whose milk is sour."""
VALUES: dict[str, int] = {}
"""What the milk of a key is; 1 unless stated."""
MADE: Counter[str] = Counter()


def clean() -> None:
    for each in (BROKEN, VALUES, MADE):
        each.clear()


def count(name: str, key: str) -> None:
    MADE[f"{name}[{key}]"] += 1


@asset(partitions=DAYS)
def milk(day: Partition = use(Partition)) -> int:
    count("milk", day.key)
    if day.key in BROKEN:
        raise ValueError(f"sour milk of {day.key}")
    return VALUES.get(day.key, 1)


@asset(partitions=DAYS)
def curd(milk: int, day: Partition = use(Partition)) -> int:
    count("curd", day.key)
    return min(milk, 5)


@asset
def cheese(curd: dict = use(curd, AllPartitions())) -> int:  # type: ignore[type-arg]
    count("cheese", "")
    return sum(curd.values())


@asset(partitions=DAYS)
def kefir(milk: dict = use(milk, Trailing(2)), day: Partition = use(Partition)) -> int:  # type: ignore[type-arg]
    count("kefir", day.key)
    return sum(milk.values())


@asset
def drinks(kefir: dict = use(kefir, AllPartitions())) -> int:  # type: ignore[type-arg]
    return len(kefir)


@asset(partitions=DAYS)
def butter(span: Span = use(Span)) -> dict[str, int]:
    count("butter", f"{span.keys[0]}-{len(span.keys)}")
    return dict.fromkeys(span.keys, len(span.keys))


@asset(partitions=Static(["a", "b", "c", "d"]))
def jars(span: Span = use(Span)) -> dict[str, int]:
    return dict.fromkeys(span.keys[:-1] if "d" in span.keys else span.keys, 1)


@asset(partitions=Dynamic("guests"))
def plate(guest: Partition = use(Partition)) -> str:
    return guest.key


@asset
def table(plate: dict = use(plate, AllPartitions())) -> list[str]:  # type: ignore[type-arg]
    MADE.update(plate.values())
    return sorted(plate.values())


ALL: list[Asset[..., object]] = [milk, curd, cheese, kefir, drinks, butter, jars, plate, table]


async def stages(place: Clockwork, selection: str, *, apart: bool = False) -> list[Stage]:
    """The versions that make a selection, in the store."""
    found = []
    for pipeline in stages_of(PIPELINE, selection, ALL, apart=apart):
        version = canonical.content_hash(pipeline.ir)[:12]
        row = VersionRow(
            version=version,
            pipeline=PIPELINE,
            ir_hash=version,
            bundle="",
            ir=canonical.encode(pipeline.ir),
            created_us=place.clock.now_us(),
        )
        await place.store.put_version(row, make_current=False)
        found.append(Stage(version, pipeline.ir))
    return found


async def planned(place: Clockwork, selection: str, **fields: object) -> BackfillRow:
    """A backfill in the store, or an empty one that is not."""
    wish = Wish(selection=selection, **fields)  # type: ignore[arg-type]
    row, slices = await plan(place.store, wish, await stages(place, selection, apart=wish.stale), place.clock.now_us())
    if row.total:
        await place.store.backfills.create(row, slices)
    place.clock.advance(1)  # the next one has another id
    return row


async def carried_out(server: Server, backfill: str = "") -> None:
    """Steps until nothing changes any more."""
    before: object = None
    while True:
        await server.backfilling._carry_out()
        await server.settle()
        rows = await server.place.store.backfills.list_backfills()
        now = [(row.id, row.revision, row.state) for row in rows if backfill in ("", row.id)]
        if now == before:
            return
        before = now


async def made(place: Clockwork, selection: str, **fields: object) -> BackfillRow:
    """A backfill that was carried out."""
    row = await planned(place, selection, **fields)
    async with place.server() as server:
        await carried_out(server)
    return await of(place, row)


async def of(place: Clockwork, row: BackfillRow) -> BackfillRow:
    """As it stands now."""
    found = await place.store.backfills.get(row.id)
    return row if found is None else found


async def states(place: Clockwork, row: BackfillRow) -> dict[str, SliceState]:
    """Of each slice, by its first asset and its partition."""
    found = await place.store.backfills.slices(row.id, SliceQuery())
    return {f"{row.stages[each.stage].assets[0]}[{each.partition}]": each.state for each in found}


async def slices(place: Clockwork, row: BackfillRow) -> list[BackfillSlice]:
    return await place.store.backfills.slices(row.id, SliceQuery())
