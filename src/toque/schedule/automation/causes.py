"""Causes: what was made upstream that a slice has not taken in yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from toque.graph.assets import Asset, AssetDependency
from toque.graph.partitions import AllKeys, FixedKeys, LastKey, Matching
from toque.schedule.automation.world import Memory, Slice, World, named
from toque.schedule.partitions import upstream_keys

ASKED = ""
"""Among what was dealt with: the slice was asked for, whatever is upstream."""


class Cause(NamedTuple):
    """A slice upstream that was made."""

    asset: str
    key: str
    slice: Slice

    @property
    def name(self) -> str:
        """For people, and for the memory."""
        return named(self.asset, self.key)


class Causes:
    """Those of one asset."""

    def __init__(self, world: World, asset: Asset, memory: Memory) -> None:
        self._world = world
        self._asset = asset
        self._memory = memory
        self._read: dict[tuple[str, str], Sequence[str]] = {}
        self.recent = {
            source.asset: {
                key for key, each in world.slices.get(source.asset, {}).items() if each.made_us >= memory.since_us
            }
            for source in asset.sources
        }
        """Of each source, the slices that were made since the automation began."""

    def of(self, key: str) -> list[Cause]:
        """What a slice has not taken in, what it was asked for because of included."""
        return [cause for cause in self._made(key) if not self._is_in(key, cause)]

    def new(self, key: str, causes: Sequence[Cause]) -> list[Cause]:
        """Those of `causes` that nothing was asked for yet because of."""
        dealt = self._memory.dealt.get(key, {})
        return [cause for cause in causes if dealt.get(cause.name) != cause.slice.made_us]

    def kept(self) -> dict[str, dict[str, int]]:
        """What is still to be remembered: nothing of slices that were made since they were asked for."""
        found: dict[str, dict[str, int]] = {}
        for key, dealt in self._memory.dealt.items():
            still = {
                each.name: each.slice.made_us for each in self.of(key) if dealt.get(each.name) == each.slice.made_us
            }
            if still or not self._world.slice(self._asset.key, key).made_us:
                found[key] = {ASKED: 1, **still}
        return found

    def reads(self, source: AssetDependency, key: str) -> Sequence[str]:
        """Keys of the slices of a source that a slice is made from."""
        theirs = self._world.cut(source.asset)
        if theirs is None:
            return ("",)
        ours = self._asset.partitions
        same = ours is None or isinstance(source.mapping, AllKeys | LastKey | FixedKeys)
        if isinstance(source.mapping, Matching) and ours == theirs:
            return (key,)
        place = (source.asset, "" if same else key)
        if place not in self._read:
            self._read[place] = upstream_keys(source.mapping, ours, theirs, key, self._world.known)
        return self._read[place]

    def _made(self, key: str) -> Iterator[Cause]:
        for source in self._asset.sources:
            recent = self.recent[source.asset]
            if recent:
                for part in self.reads(source, key):
                    if part in recent:
                        yield Cause(source.asset, part, self._world.slice(source.asset, part))

    def _is_in(self, key: str, cause: Cause) -> bool:
        """Whether the slice was made from it, or whoever made it had seen to the slice too."""
        world, made = self._world, cause.slice
        maker = world.makers.get(made.run_id)
        if maker is not None and key in maker.makes.get(self._asset.key, ()):
            return True
        own = world.slice(self._asset.key, key)
        if not own.made_us:
            return False
        if own.run_id == made.run_id:
            return True
        ours = world.makers.get(own.run_id)
        began_us = ours.started_us if ours is not None and ours.started_us else own.made_us
        return began_us >= made.made_us


def marks(causes: Sequence[Cause]) -> dict[str, int]:
    """As they are remembered."""
    return {ASKED: 1, **{cause.name: cause.slice.made_us for cause in causes}}
