"""The laws of syncs, over any sequence of changes of the source, rejections, refusals and crashes.

1. After a sync that nothing disturbs, the destination equals the source over the mapped columns.
2. What was acknowledged is not sent again while its row stays as it is.
3. A sync that follows an undisturbed one sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from toque.data.syncs.acknowledging import Line, folded
from toque.data.syncs.diff import Acknowledged, Change, Diff
from toque.data.syncs.mapping import mapped
from toque.graph.loads import TableName, Upsert
from toque.graph.syncs import AnySyncMode, Create, Mirror, OnDelete, SyncSpec

COLUMNS = ["id", "score", "note", "internal"]

KEYS = st.integers(1, 4)
MODES: st.SearchStrategy[tuple[AnySyncMode, OnDelete]] = st.sampled_from(
    [
        (Mirror(key="id"), "delete"),
        (Mirror(key="id"), "clear"),
        (Upsert(key="id"), "keep"),
        (Upsert(key="id"), "delete"),
    ]
)


@dataclass(frozen=True)
class Put:
    key: int
    score: int
    internal: int


@dataclass(frozen=True)
class Remove:
    key: int


@dataclass(frozen=True)
class Sync:
    rejected: frozenset[int] = frozenset()
    busy_at: int | None = None
    """This batch is refused once, with nothing done."""
    crash_at: int | None = None
    """In this batch the process dies."""
    done: int = 0
    """So many of its records took effect before."""


STEPS = st.one_of(
    st.builds(Put, KEYS, st.integers(0, 2), st.integers(0, 2)),
    st.builds(Remove, KEYS),
    st.builds(
        Sync, st.frozensets(KEYS), st.none() | st.integers(0, 2), st.none() | st.integers(0, 2), st.integers(0, 2)
    ),
)


def spec_of(mode: AnySyncMode, on_delete: OnDelete | None = None) -> SyncSpec:
    fields = {"score": "Score__c", "note": "Note__c"}
    return SyncSpec(name="s", source=TableName.parse("marts.s"), mode=mode, fields=fields, on_delete=on_delete)


@dataclass
class World:
    """A source, a destination, and what is kept of a sync between them."""

    spec: SyncSpec
    source: dict[int, tuple[int, int]] = field(default_factory=dict)
    destination: dict[int, dict[str, object]] = field(default_factory=dict)
    acknowledged: Acknowledged = field(default_factory=dict)
    log: list[Line] = field(default_factory=list)
    settled: dict[str, str] = field(default_factory=dict)
    """What was accepted last, as long as nothing was sent since."""

    def step(self, step: Put | Remove | Sync) -> None:
        match step:
            case Put(key, score, internal):
                self.source[key] = (score, internal)
            case Remove(key):
                self.source.pop(key, None)
            case Sync():
                self.sync(step)

    def sync(self, how: Sync) -> int:
        """How many records were sent."""
        self.acknowledged = folded(self.acknowledged, self.log)
        self.log = []
        diff = Diff(self.spec, mapped(self.spec, COLUMNS), self.acknowledged)
        changes = [
            change
            for key, (score, internal) in sorted(self.source.items())
            if isinstance(change := diff.row({"id": key, "score": score, "note": None, "internal": internal}), Change)
        ]
        changes += diff.gone()
        for number, start in enumerate(range(0, len(changes), 2)):
            batch = changes[start : start + 2]
            for change in batch:
                assert self.settled.get(change.key) != change.digest, "law 2"
                self.settled.pop(change.key, None)
                self.log.append(Line(change.key, "sent", change.digest))
            if number == how.busy_at:
                self.log += [Line(change.key, "unsent", change.digest) for change in batch]
                self.log += [Line(change.key, "sent", change.digest) for change in batch]
            if number == how.crash_at:
                for change in batch[: how.done]:
                    self.take(change, how)
                return start
            for change in batch:
                accepted = self.take(change, how)
                self.log.append(Line(change.key, "accepted" if accepted else "rejected", change.digest))
                if accepted:
                    self.settled[change.key] = change.digest
        return len(changes)

    def take(self, change: Change, how: Sync) -> bool:
        """What the destination does with a record, which may be there already or not be there any more."""
        key = change.record["id"]
        if key in how.rejected:
            return False
        if change.operation == "delete":
            self.destination.pop(key, None)
        elif change.operation == "upsert" or key in self.destination:
            self.destination[key] = dict(change.fields)
        return True

    def wanted(self) -> dict[int, dict[str, object]]:
        return {key: {"Score__c": score, "Note__c": None} for key, (score, _) in self.source.items()}


@given(MODES, st.lists(STEPS, max_size=25))
def test_whatever_happened_an_undisturbed_sync_puts_it_right(
    how: tuple[AnySyncMode, OnDelete], steps: list[Put | Remove | Sync]
) -> None:
    world = World(spec_of(*how))
    for step in steps:
        world.step(step)
    world.sync(Sync())
    rest = {key: row for key, row in world.destination.items() if key not in world.source}
    assert {**world.wanted(), **rest} == world.destination, "law 1"
    match world.spec.deletes:
        case "delete":
            assert rest == {}
        case "clear":
            assert all(value is None for row in rest.values() for value in row.values())
        case _:
            pass
    assert world.sync(Sync()) == 0, "law 3"


@given(st.lists(STEPS, max_size=25))
def test_what_was_created_is_never_created_again(steps: list[Put | Remove | Sync]) -> None:
    world = World(spec_of(Create(key="id")))
    for step in steps:
        if isinstance(step, Sync):
            step = Sync(step.rejected)
        world.step(step)
        # A destination that would show a second create as another value.
        taken = {line.key for line in world.log if line.status == "accepted"}
        assert len(taken) == len([line for line in world.log if line.status == "accepted"])
    world.sync(Sync())
    assert world.sync(Sync()) == 0


def test_a_value_that_went_back_while_its_answer_was_missing_is_sent() -> None:
    world = World(spec_of(Upsert(key="id")))
    world.step(Put(1, 0, 0))
    world.sync(Sync())
    world.step(Put(1, 1, 0))
    world.sync(Sync(crash_at=0, done=1))
    world.step(Put(1, 0, 0))
    assert world.sync(Sync()) == 1
    assert world.destination == world.wanted()


def test_columns_that_are_not_mapped_send_nothing() -> None:
    world = World(spec_of(Upsert(key="id")))
    world.step(Put(1, 0, 0))
    world.sync(Sync())
    world.step(Put(1, 0, 2))
    assert world.sync(Sync()) == 0
