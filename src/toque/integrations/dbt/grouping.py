"""How a project is cut into builds where something else lies between its models: no path leaves a build and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.graph.assets import Asset
from toque.integrations.dbt.manifest import Manifest


def levels(manifest: Manifest, keys: Mapping[str, str], others: Sequence[Asset]) -> dict[str, int]:
    """Which build each entry belongs to, from 0 on: how often the longest path to it has left dbt and come back.

    `keys` are the assets of entries and sources; `others` what else is made. A cycle is left for whoever orders all.
    """
    made = {keys[name]: name for name in manifest.entries if name in keys and not manifest.entries[name].is_test}
    upstream = {asset.key: [each.asset for each in asset.sources] for asset in others if asset.key not in made}
    found: dict[str, int] = {}
    outside: dict[str, int] = {}

    def of_asset(key: str, path: frozenset[str]) -> int:
        """The build after which an asset of somebody else is made, counted from 1; 0 for none."""
        if key in path:
            return 0
        if key not in outside:
            above = [found.get(made[other], 0) + 1 for other in upstream.get(key, ()) if other in made]
            above += [of_asset(other, path | {key}) for other in upstream.get(key, ()) if other in upstream]
            outside[key] = max(above, default=0)
        return outside[key]

    for _ in range(len(upstream) + 1):
        before, outside = dict(found), {}
        for name, entry in manifest.entries.items():
            read = [keys[other] for other in entry.upstream if other in manifest.sources and other in keys]
            given = [of_asset(key, frozenset()) for key in read if key in upstream]
            found[name] = max([*(found[other] for other in entry.waits), *given], default=0)
        if found == before:
            break
    return found
