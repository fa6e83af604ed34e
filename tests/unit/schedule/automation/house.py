"""A house of assets for tests of rules: runs that make them, plans that are asked for, and a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toque.graph.assets import Asset, AssetDependency
from toque.graph.automation import AnyAutomation, Eager
from toque.graph.partitions import AnyMapping, AnyPartitioning, Matching, TimeWindows
from toque.schedule.automation.deciding import Verdict
from toque.schedule.automation.waves import Request, decide_all, requests
from toque.schedule.automation.world import Going, Maker, Memory, Slice, Slices, World
from toque.schedule.partitions import Known, keys

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
DAYS = TimeWindows(every="day", start="2027-01-10")
WHOLE: Slices = frozenset(("",))


def asset(
    key: str,
    *rules: AnyAutomation,
    of: Iterable[str | tuple[str, AnyMapping]] = (),
    cut: AnyPartitioning | None = None,
    observes: Iterable[str] = (),
) -> Asset:
    """`of`: what it is made from, with a mapping where that is not the same slice."""
    given = [each if isinstance(each, tuple) else (each, Matching()) for each in of]
    upstream = [AssetDependency(asset=name, mapping=mapping) for name, mapping in given]
    seen = [AssetDependency(asset=name, observed=True) for name in observes]
    return Asset(key=key, upstream=(*upstream, *seen), automation=rules, partitions=cut)


def eager(key: str, *of: str) -> Asset:
    return asset(key, Eager(), of=of)


@dataclass
class Job:
    """A run, or a plan of one run."""

    id: str
    makes: Mapping[str, Slices]
    started_us: int
    is_ours: bool = False


@dataclass
class House:
    """What is known, and what was asked for."""

    assets: dict[str, Asset]
    external: frozenset[str] = frozenset()
    now_us: int = START
    memories: dict[str, Memory] = field(default_factory=dict)
    slices: dict[str, dict[str, Slice]] = field(default_factory=dict)
    makers: dict[str, Maker] = field(default_factory=dict)
    going: list[Job] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    tries: dict[tuple[str, str], int] = field(default_factory=dict)
    """When the last run that was to make a slice began."""
    _runs: int = 0

    @classmethod
    def of(cls, *assets: Asset, external: Iterable[str] = ()) -> House:
        """All assets with rules begin now."""
        house = cls({each.key: each for each in assets}, frozenset(external))
        for each in assets:
            if each.automation:
                house.memories[each.key] = Memory(house.now_us, house.now_us)
        house.wait(1)
        return house

    def wait(self, seconds: float) -> None:
        self.now_us += round(seconds * SECOND)

    def world(self) -> World:
        return World(
            assets=self.assets,
            external=self.external,
            slices=self.slices,
            makers=self.makers,
            live=frozenset(job.id for job in self.going),
            going=[Going(f"the run {job.id}", job.makes, job.is_ours) for job in self.going],
            held=self.held,
            known=Known(self.now_us),
        )

    # -- runs

    def begin(self, *assets: str, keys_of: Mapping[str, Slices] | None = None, is_ours: bool = False) -> Job:
        """A run that is to make these."""
        self._runs += 1
        self.wait(1)
        makes = keys_of or dict.fromkeys(assets, WHOLE)
        job = Job(f"r{self._runs}", makes, self.now_us, is_ours)
        self.makers[job.id] = Maker(job.started_us, makes)
        self.going.append(job)
        for name, parts in makes.items():
            self.tries.update({(name, part): self.now_us for part in parts})
        return job

    def tell(self, job: Job, name: str, key: str = "", *, failing: tuple[str, ...] = ()) -> None:
        """It has made a slice."""
        self.wait(1)
        self.slices.setdefault(name, {})[key] = Slice(self.now_us, job.id, self.now_us, "", failing)

    def end(self, job: Job) -> None:
        self.wait(1)
        self.going.remove(job)

    def make(self, *assets: str, key: str = "", failing: tuple[str, ...] = ()) -> None:
        """A run that makes these, from its beginning to its end."""
        job = self.begin(keys_of={name: frozenset((key,)) for name in assets})
        for name in assets:
            self.tell(job, name, key, failing=failing)
        self.end(job)

    # -- decisions

    def look(self) -> dict[str, Verdict]:
        """Decide, remember what was decided, and ask."""
        self.wait(1)
        world = self.world()
        verdicts = decide_all(world, self.memories)
        for each in verdicts:
            self.memories[each.asset] = self.memories[each.asset]._replace(dealt=each.dealt, cursor_us=each.cursor_us)
        self.asked += requests(world, verdicts)
        return {each.asset: each for each in verdicts}

    def asks(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """What a look asks for: assets and slices of each plan."""
        before = len(self.asked)
        self.look()
        return [(tuple(each.asset for each in request.verdicts), request.keys) for request in self.asked[before:]]

    def carry_out(self, request: Request, *, failing: Iterable[str] = ()) -> None:
        """The plan of a request, from its beginning to its end; what is made from what fails is not made."""
        names = [each.asset for each in request.verdicts]
        job = self.begin(keys_of={name: frozenset(request.keys) for name in names}, is_ours=True)
        lost = set(failing)
        for name in names:
            if lost & {source.asset for source in self.assets[name].sources} & set(names):
                lost.add(name)
            if name not in lost:
                for key in request.keys:
                    self.tell(job, name, key)
        self.end(job)

    def keys(self, name: str) -> tuple[str, ...]:
        cut = self.assets[name].partitions
        return ("",) if cut is None else tuple(keys(cut, Known(self.now_us)))
