"""What the store knows of assets: the log of what attempts told, and how each slice stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from toque.engine.rows import AssetEventRow
from toque.engine.values import MapIndex

if TYPE_CHECKING:
    from toque.ports.store import OutboxRow


class SliceRow(msgspec.Struct, kw_only=True):
    """One slice of an asset as it stands. Kept when the run that made it is gone."""

    asset: str
    partition: str = ""
    materialized_us: int = 0
    """0: never, so far as is known."""
    changed_us: int = 0
    """When its content last became another one: what was made from it before that is stale."""
    updated_us: int = 0
    """Of when its data is: when it was made last, or when its source says that it changed."""
    run_id: str = ""
    """That materialized it last."""
    task: str = ""
    pipeline: str = ""
    data_version: str = ""
    code_version: str = ""
    rows: int | None = None
    size_bytes: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    observed_us: int = 0
    failing: dict[str, str] = {}
    """Checks that did not hold when they were last made, with their severity."""

    @property
    def data_of_us(self) -> int:
        """Of when its data is, as far as is known; 0: there was none."""
        return self.updated_us or max(self.materialized_us, self.changed_us)


class EventQuery(msgspec.Struct, kw_only=True, frozen=True):
    """Which events of one asset."""

    asset: str
    partition: str | None = None
    """None: of all slices."""
    kind: str = ""
    """`materialized`, `observed`, `checked`, `reviewed`, `freshness`; "" for all."""
    before: tuple[int, str] | None = None
    """(`at_us`, `run_id`) of the last one of the page before."""
    limit: int = 50


class DynamicKey(msgspec.Struct, kw_only=True):
    """A partition that came to be by being added: `Dynamic("customers")`."""

    name: str
    """Of the dynamic partitions."""
    key: str
    added_us: int
    actor: str = ""
    """A person, or the run whose task added it."""


class Assets(Protocol):
    """`store.assets`. What attempts tell is written by `Store.commit` alone: stored with the end of the attempt."""

    async def say(self, said: Sequence[AssetEventRow], outbox: Sequence[OutboxRow] = ()) -> bool:
        """What a person or a server says of assets beside all runs, and the messages that follow from it: once. False,
        and nothing is written, where one of the events is known by its key."""
        ...

    async def dynamic(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The keys of dynamic partitions, in the order of their coming; absent where none was ever added."""
        ...

    async def add_keys(self, keys: Sequence[DynamicKey]) -> None:
        """Those that are not known yet; the others stay as they are."""
        ...

    async def standings(self, assets: Sequence[str]) -> dict[str, SliceRow]:
        """The slice of each of these assets that was materialized last; absent where none ever was."""
        ...

    async def slices(self, asset: str, *, after: str | None = None, limit: int = 1000) -> list[SliceRow]:
        """How its slices stand, by key; those after `after`."""
        ...

    async def pick(self, asset: str, partitions: Sequence[str]) -> dict[str, SliceRow]:
        """How these slices of it stand, by key; absent where nothing was told of one."""
        ...

    async def made_counts(self, assets: Sequence[str]) -> dict[str, int]:
        """How many slices of each of these assets were ever materialized; absent where none was."""
        ...

    async def events(self, query: EventQuery) -> list[AssetEventRow]:
        """What was told of it, newest first."""
        ...

    async def told_in(self, run_id: str, task: str, map_index: MapIndex) -> list[AssetEventRow]:
        """What the attempts of one task run told, in order."""
        ...

    async def failing(self, limit: int) -> list[SliceRow]:
        """Slices with a check that does not hold, by asset and key."""
        ...

    async def told_by(self, run_id: str) -> list[str]:
        """The assets that a run told of, by key."""
        ...

    async def known(self) -> list[str]:
        """Every asset that was ever told of, by key."""
        ...
