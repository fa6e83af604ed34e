"""Slices of assets, as whoever keeps their values sees them: the IO managers.

An IO manager is any object with the two methods of `IOManager`; the module-level object of an asset holds it, so that
a worker finds it by importing the asset's module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from toque.errors import ToqueError
from toque.graph.ir import Inject
from toque.ports.blobs import Blobs


@dataclass(frozen=True, kw_only=True)
class Slice:
    """One asset, or one partition of it."""

    asset: str
    partition: str = ""
    """"" for the whole of an asset that has none."""
    start_us: int = 0
    """Of a window of time: when it begins; 0 for other partitions."""
    end_us: int = 0
    """Exclusive."""

    def __str__(self) -> str:
        return f"{self.asset}[{self.partition}]" if self.partition else self.asset


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What is known of a value that was kept."""

    data_version: str
    """Of the content: the same content has the same one, so that what is made from it need not be made again."""
    rows: int | None = None
    size_bytes: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type, in order; () for what is no table."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Whatever else people may want to know, as JSON."""


class NothingThere(LookupError):
    """The slice was never materialized, or what was kept is gone."""

    def __init__(self, missing: Slice) -> None:
        super().__init__(f"{missing} has not been materialized")
        self.missing = missing


def _nothing_to_supply(inject: Inject) -> Any:
    raise ToqueError(f"no project is at hand: the connection {inject.name} needs one")


@dataclass(frozen=True)
class Site:
    """Where an attempt stands: what an IO manager may need of it."""

    blobs: Blobs
    project: str
    """Root of the project: relative paths are meant from there, not from the snapshot of its code."""
    attempt: str
    """Unlike any other attempt's, and fit for a file name: two that write at once never write one file."""
    supply: Callable[[Inject], Any] = _nothing_to_supply
    """Opens a connection for as long as the attempt lasts. Who needs one names it in `__toque_connections__`, so that
    its slots are claimed before."""


class IOManager(Protocol):
    """How the values of an asset are kept and found again.

    ```python
    class Csv:
        def save(self, target: Slice, value: pd.DataFrame, site: Site) -> Saved: ...
        def load(self, slices: Sequence[Slice], kind: object, site: Site) -> pd.DataFrame: ...
    ```
    """

    def save(self, target: Slice, value: Any, site: Site) -> Saved:
        """Keep `value` in place of what the slice held. A reader sees the old or the new one, whatever happens."""
        ...

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        """The values of these slices as one, of the type that the reader's annotation names if it does.

        Raises `NothingThere`."""
        ...
