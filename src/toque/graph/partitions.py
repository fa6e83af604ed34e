"""Partitions in the IR: how an asset is cut into slices, as values. `toque.schedule.partitions` says what they mean."""

from __future__ import annotations

from typing import Literal, TypeAlias

from toque.graph.value import IRValue

Every: TypeAlias = Literal["hour", "day", "week", "month", "year"]


class Partitioning(IRValue, frozen=True, kw_only=True, tag_field="kind"):
    """What all ways to cut share."""


class TimeWindows(Partitioning, frozen=True, kw_only=True, tag="time"):
    """One slice for each hour, day, week (from Monday), month or year of a zone's calendar."""

    every: Every
    start: str
    """Key of the first window."""
    end: str = ""
    """Key of the last window; "" when there is no last one."""
    tz: str = "UTC"
    """IANA name. Hours are always those of UTC, where each exists once."""


class StaticKeys(Partitioning, frozen=True, kw_only=True, tag="static"):
    """One slice for each of these keys, in this order."""

    keys: tuple[str, ...]


class DynamicKeys(Partitioning, frozen=True, kw_only=True, tag="dynamic"):
    """One slice for each key that was ever added under a name: customers, files, whatever comes in."""

    name: str


Dimension: TypeAlias = TimeWindows | StaticKeys | DynamicKeys


class Grid(Partitioning, frozen=True, kw_only=True, tag="grid"):
    """Two dimensions: one slice for each pair. A key is `2026-01-05|eu`."""

    rows: Dimension
    columns: Dimension
    names: tuple[str, str]
    """Of the dimensions, for people."""


AnyPartitioning: TypeAlias = TimeWindows | StaticKeys | DynamicKeys | Grid


class PartitionMapping(IRValue, frozen=True, kw_only=True, tag_field="kind"):
    """Which slices of an upstream asset one slice of a downstream asset reads."""


class Matching(PartitionMapping, frozen=True, kw_only=True, tag="matching"):
    """The same key; of finer windows those that lie in ours, of coarser ones the one that ours lies in. All slices
    where the downstream asset has none, and the whole where the upstream asset has none."""


class TrailingWindows(PartitionMapping, frozen=True, kw_only=True, tag="trailing"):
    """The window of ours, and so many before it."""

    count: int
    """Windows in all, of the upstream asset."""


class AllKeys(PartitionMapping, frozen=True, kw_only=True, tag="all"):
    """Every slice there is."""


class LastKey(PartitionMapping, frozen=True, kw_only=True, tag="last"):
    """The newest slice that is complete."""


class FixedKeys(PartitionMapping, frozen=True, kw_only=True, tag="fixed"):
    """These slices, whatever ours is."""

    keys: tuple[str, ...]


AnyMapping: TypeAlias = Matching | TrailingWindows | AllKeys | LastKey | FixedKeys
