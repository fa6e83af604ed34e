"""Assets in the IR: the data objects that nodes write and read, as values."""

from __future__ import annotations

from toque.graph.automation import AnyAutomation
from toque.graph.freshness import AnomalyPolicy, FreshnessPolicy
from toque.graph.lineage import AnyColumnOrigins
from toque.graph.partitions import AnyMapping, AnyPartitioning, Matching
from toque.graph.value import IRValue


class AssetInput(IRValue, frozen=True, kw_only=True):
    """Which slices of an asset an argument is given."""

    mapping: AnyMapping = Matching()
    ours: AnyPartitioning | None = None
    """How the reader is cut; None: it is not, or reads in a task that has no partitions of its own."""
    theirs: AnyPartitioning | None = None
    """How the asset is cut."""


class AssetDependency(IRValue, frozen=True, kw_only=True):
    """An asset that another one is made from."""

    asset: str
    mapping: AnyMapping = Matching()
    observed: bool = False
    """It is looked at and neither waited for nor the cause of staleness: a load of what a sync of the same pipeline
    writes to would else be a cycle. Only lineage knows it."""


class Asset(IRValue, frozen=True, kw_only=True):
    """A data object that the pipeline makes, or only knows of. Nodes name it by its key in `writes` and `reads`."""

    key: str
    """`marts.delays`; of a table of a connection `warehouse.marts.delays`."""
    node: str = ""
    """Id of the node that makes it; "" for one that something else fills (an external asset)."""
    upstream: tuple[AssetDependency, ...] = ()
    partitions: AnyPartitioning | None = None
    io: str = ""
    """How its values are kept, for people."""
    code_version: str = ""
    """Stated by its author, or the hash of its function's text: another one makes what was made before stale."""
    group: str = ""
    doc: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    checks: tuple[str, ...] | None = None
    """Names of those that whoever makes it makes of it; None: nobody says."""
    columns: AnyColumnOrigins | None = None
    """What its columns are made of; None: nobody says."""
    freshness: FreshnessPolicy | None = None
    """How old its data may become; None: nobody says."""
    anomalies: AnomalyPolicy = "warn"
    automation: tuple[AnyAutomation, ...] = ()
    """When it is made by itself: when one of these rules says so."""

    @property
    def sources(self) -> tuple[AssetDependency, ...]:
        """What it is made from: it is stale when one of them is newer."""
        return tuple(each for each in self.upstream if not each.observed)
