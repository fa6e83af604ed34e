"""What a decision about automation is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from toque.graph.assets import Asset
from toque.graph.partitions import AnyPartitioning
from toque.schedule.partitions import Known, keys
from toque.schedule.partitions.staleness import Source, Standing, stale_slices

Slices = frozenset[str]
"""Keys of one asset; `{""}` is the whole of one that is not cut."""


class Slice(NamedTuple):
    """One slice as it stands."""

    made_us: int = 0
    """0: never."""
    run_id: str = ""
    changed_us: int = 0
    code_version: str = ""
    failing: tuple[str, ...] = ()
    """Checks that block, and did not hold when they were last made."""


class Maker(NamedTuple):
    """A run, and the plan that it belongs to."""

    started_us: int = 0
    """Of the run."""
    makes: Mapping[str, Slices] = {}
    """Of both: who asked for these has seen to them, however they end."""


class Going(NamedTuple):
    """A run or plan that is under way."""

    name: str
    """For people: `the run 01J…`, `the backfill 01J…`."""
    makes: Mapping[str, Slices]
    """What it has not made yet, as far as that is known."""
    is_ours: bool = False
    """Asked for by automation."""


class Memory(NamedTuple):
    """What was decided about one asset before."""

    since_us: int
    """What was made before is no cause."""
    cursor_us: int = 0
    """The tick that was decided last."""
    dealt: Mapping[str, Mapping[str, int]] = {}
    """By slice that was asked for and is not made yet: its causes, with the time at which each was made."""


@dataclass(frozen=True)
class World:
    """All that is known at one moment."""

    assets: Mapping[str, Asset]
    """By key: those with rules, what those are made from, and what that is made from."""
    external: frozenset[str]
    """Assets that something else makes: nobody says when."""
    slices: Mapping[str, Mapping[str, Slice]]
    makers: Mapping[str, Maker]
    """By run, as far as they are still known."""
    live: frozenset[str]
    """Runs that have not ended, or whose plan has not."""
    going: Sequence[Going]
    held: Mapping[str, str]
    """Assets that are paused: why, for people."""
    known: Known
    _stale: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def keys(self, asset: str) -> Sequence[str]:
        """Of all slices that it has or should have."""
        cut = self.cut(asset)
        return ("",) if cut is None else keys(cut, self.known)

    def cut(self, asset: str) -> AnyPartitioning | None:
        """How it is cut."""
        found = self.assets.get(asset)
        return found.partitions if found is not None else None

    def slice(self, asset: str, key: str) -> Slice:
        """How it stands."""
        return self.slices.get(asset, {}).get(key, _NEVER)

    def why_stale(self, asset: str, key: str) -> tuple[str, ...]:
        """For each slice that was made."""
        if asset not in self._stale:
            found = self.assets[asset]
            sources = [
                Source(each.asset, each.mapping, self.cut(each.asset), self._standings(each.asset))
                for each in found.sources
            ]
            self._stale[asset] = stale_slices(
                found.partitions, found.code_version, self._standings(asset), sources, self.known
            )
        return self._stale[asset].get(key, ())

    def _standings(self, asset: str) -> dict[str, Standing]:
        return {
            key: Standing(each.made_us, each.changed_us, each.code_version)
            for key, each in self.slices.get(asset, {}).items()
        }


_NEVER = Slice()


def named(asset: str, key: str) -> str:
    """A slice, for people."""
    return f"{asset}[{key}]" if key else asset
