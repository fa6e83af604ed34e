"""What has to come before a slice that a rule wants made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from toque.graph.assets import Asset, AssetDependency
from toque.graph.automation import AllFresh, AnyAutomation, OnTicks
from toque.schedule.automation.causes import Cause, Causes
from toque.schedule.automation.world import Slices, World, named

QUIET_US: Final = 60_000_000
"""What waits for a run that is under way is not worth a word before it has waited so long."""

Rank = Literal["paused", "waits", "quiet"]


class Wish(NamedTuple):
    """A slice that a rule wants made."""

    rule: AnyAutomation
    reason: str
    causes: Sequence[Cause] = ()
    lacks: str = ""
    """What the rule still waits for."""


class Hold(NamedTuple):
    """Why a slice that is wanted is not asked for."""

    rank: Rank
    reason: str
    passes: bool = False
    """It is something under way."""


class Holds:
    """Those of one asset."""

    def __init__(self, world: World, asset: Asset, causes: Causes, wave: Mapping[str, Slices]) -> None:
        self._world = world
        self._asset = asset
        self._causes = causes
        self._wave = wave

    @property
    def sources(self) -> Sequence[AssetDependency]:
        """What is waited for: not what something else makes, of which nobody says when."""
        return [each for each in self._asset.sources if each.asset not in self._world.external]

    def on(self, key: str, wish: Wish) -> Hold | None:
        """The first thing that has to come before a slice."""
        world, asset = self._world, self._asset
        if asset.key in world.held:
            return Hold("paused", world.held[asset.key])
        if wish.lacks:
            return Hold("waits", wish.lacks)
        for going in world.going:
            makes = going.makes.get(asset.key)
            if makes and (going.is_ours or key in makes):
                return self._passing(wish, f"waits for {going.name}, which makes it")
        for cause in wish.causes:
            if cause.slice.run_id in world.live:
                return self._passing(wish, f"waits for the run {cause.slice.run_id}, which made {cause.name}")
        if isinstance(wish.rule, OnTicks):
            return None
        return next(self._upstream_holds(key, wish), None)

    def _upstream_holds(self, key: str, wish: Wish) -> Iterator[Hold]:
        world = self._world
        for source in self.sources:
            wave = self._wave.get(source.asset, frozenset())
            for part in self._causes.reads(source, key):
                if part in wave:
                    continue
                name, each = named(source.asset, part), world.slice(source.asset, part)
                for going in world.going:
                    if part in going.makes.get(source.asset, ()):
                        yield self._passing(wish, f"waits for {name}, which {going.name} makes")
                if not each.made_us:
                    yield Hold("waits", f"waits for {name}: never made")
                if each.failing:
                    yield Hold("waits", f"waits for {name}: {', '.join(each.failing)} fails")
                stale = world.why_stale(source.asset, part) if isinstance(wish.rule, AllFresh) else ()
                if stale:
                    yield Hold("waits", f"waits for {name}: stale, {stale[0]}")

    def _passing(self, wish: Wish, reason: str) -> Hold:
        newest = max((cause.slice.made_us for cause in wish.causes), default=0)
        is_quiet = self._world.known.now_us - newest < QUIET_US
        return Hold("quiet" if is_quiet else "waits", reason, passes=True)
