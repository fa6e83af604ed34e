"""Versions in use: a pipeline's IR and the bundle that its code comes from, decoded once."""

from __future__ import annotations

from collections.abc import Callable

from toque.errors import ToqueError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.ports.executor import BundleRef
from toque.ports.store import Store, VersionRow


class VersionMissing(ToqueError):
    """A run names a pipeline version that the store does not have."""


class Versions:
    """Reads through to the store; keeps what was read, since versions are immutable."""

    def __init__(self, store: Store, bundle_of: Callable[[VersionRow], BundleRef]) -> None:
        self._store = store
        self._bundle_of = bundle_of
        self._known: dict[str, tuple[Pipeline, BundleRef]] = {}

    async def get(self, version: str) -> tuple[Pipeline, BundleRef]:
        """The graph and the code of a version. Raises `VersionMissing`."""
        known = self._known.get(version)
        if known is None:
            row = await self._store.get_version(version)
            if row is None:
                raise VersionMissing(f"pipeline version {version} is not in the store: was it pruned?")
            known = self._known[version] = (canonical.decode(row.ir), self._bundle_of(row))
        return known

    def learn(self, version: str, pipeline: Pipeline, bundle: BundleRef) -> None:
        """Spare the look-up of what the caller just stored."""
        self._known[version] = (pipeline, bundle)
