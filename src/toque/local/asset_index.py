"""The assets of a project, from what its files define and what its pipelines make or read: `.toque/assets.json` keeps
them, so that those of a file that is broken at the start are known too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from toque.graph.assets import Asset
from toque.local.loading import LoadedFile
from toque.ports.project import IndexedAsset, IndexedPipeline

FILE = "assets.json"


def assets_in(
    loaded: Sequence[LoadedFile], pipelines: Iterable[IndexedPipeline], before: Mapping[str, IndexedAsset]
) -> dict[str, IndexedAsset]:
    """By key, sorted. Of two definitions of one key the first one counts; `before`: as of the look before."""
    found: dict[str, IndexedAsset] = {}
    for each in loaded:
        for asset in each.assets:
            found.setdefault(asset.key, IndexedAsset(asset=asset, file=each.file, line=each.lines.get(asset.key, 0)))
    broken = {each.file for each in loaded if each.problems}
    for key, old in before.items():
        if old.file in broken:
            found.setdefault(key, msgspec.structs.replace(old, broken=True))
    makers: dict[str, list[str]] = {}
    read: dict[str, Asset] = {}
    for pipeline in sorted(pipelines, key=lambda each: each.name):
        for asset in pipeline.ir.assets:
            if asset.node:
                makers.setdefault(asset.key, []).append(pipeline.name)
                # One that a function makes at import has no name in a file: its pipeline has it.
                line = _line_of(pipeline, asset.node)
                found.setdefault(asset.key, IndexedAsset(asset=asset, file=pipeline.file, line=line))
            else:
                read.setdefault(asset.key, asset)
    for each in loaded:
        for asset in each.externals:
            read.setdefault(asset.key, asset)
    for key, asset in read.items():
        found.setdefault(key, IndexedAsset(asset=asset, external=True))
    for indexed in list(found.values()):
        for source in indexed.asset.upstream:
            found.setdefault(source.asset, IndexedAsset(asset=Asset(key=source.asset), external=True))
    return {key: _made_by(found[key], makers.get(key, ())) for key in sorted(found)}


def _made_by(indexed: IndexedAsset, pipelines: Sequence[str]) -> IndexedAsset:
    asset = msgspec.structs.replace(indexed.asset, node="")
    return msgspec.structs.replace(indexed, asset=asset, pipelines=tuple(pipelines))


def _line_of(pipeline: IndexedPipeline, node: str) -> int:
    origin = next((each.origin for each in pipeline.ir.nodes if each.id == node), None)
    return origin.line if origin is not None and origin.file == pipeline.file else 0


def read_assets(home: Path) -> dict[str, IndexedAsset]:
    """As they were written; empty before the first look, and when the file is damaged."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, IndexedAsset])
    except (OSError, msgspec.MsgspecError):
        return {}


def write_assets(home: Path, assets: Mapping[str, IndexedAsset]) -> None:
    """Replaces the file as a whole. Raises `OSError`."""
    if not assets and not (home / FILE).exists():
        return
    temporary = home / f"{FILE}.{os.getpid()}"
    temporary.write_bytes(msgspec.json.encode(dict(assets)))
    temporary.rename(home / FILE)
