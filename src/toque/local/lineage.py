"""Column lineage of the project: gathered from its assets, computed in a process beside the server, and kept.

What is asked is hashed: as long as no asset, no manifest and no table's columns change, the answer is the one before,
also after a restart (`.toque/lineage.json`).
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import msgspec

import toque
from toque.data.lineage.project import Declared
from toque.data.lineage.steps import Step
from toque.data.lineage.stitching import Lineage
from toque.errors import ToqueBug, UserError
from toque.graph.assets import Asset
from toque.graph.ir import Pipeline
from toque.graph.lineage import Compiled
from toque.local.lineage_process import Question
from toque.ports.project import ProjectIndex, ProjectState
from toque.ports.store import Store
from toque.settings import Settings

FILE = "lineage.json"
PATIENCE_S = 600.0
"""For the process: two thousand models take it about ten seconds."""


class Kept(msgspec.Struct, frozen=True):
    """The last answer, and the hash of what was asked."""

    key: str
    steps: tuple[Step, ...]


class ProjectLineage:
    """The lineage of a served project: `toque.api.services.ColumnLineages`."""

    def __init__(self, settings: Settings, store: Store, project: ProjectIndex) -> None:
        self._settings = settings
        self._store = store
        self._project = project
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[str, Lineage] = ("", Lineage(()))

    async def now(self) -> Lineage:
        """Of the last look at the files, and the columns that tables have now. May take seconds after an edit."""
        async with self._one_at_a_time:
            state = self._project.state
            declared = made_of(state)
            known = await columns_of(self._store, [*state.assets, *(each.key for each in declared)])
            question, key = await asyncio.to_thread(asked, self._settings, declared, known)
            if key != self._last[0]:
                kept = await asyncio.to_thread(read, self._settings.home)
                if kept is None or kept.key != key:
                    kept = Kept(key, tuple(await _computed(question)))
                    await asyncio.to_thread(keep, self._settings.home, kept)
                self._last = (key, await asyncio.to_thread(Lineage, kept.steps))
            return self._last[1]


def declared_by(
    pipelines: Iterable[Pipeline], others: Iterable[tuple[Asset, str, int]], externals: Iterable[str] = ()
) -> tuple[Declared, ...]:
    """What pipelines make, each way once, and of the `others` (with file and line) what no pipeline makes; and the keys
    of what something else makes."""
    found: dict[tuple[str, bytes], Declared] = {}
    for pipeline in pipelines:
        origins = {node.id: node.origin for node in pipeline.nodes}
        for asset in pipeline.assets:
            if asset.node:
                origin = origins.get(asset.node)
                where = (origin.file, origin.line) if origin is not None else ("", 0)
                one = _declared(asset, asset.node, *where)
                found.setdefault((asset.key, msgspec.json.encode(asset.columns)), one)
    made = {key for key, _ in found}
    for asset, file, line in others:
        if asset.key not in made:
            found.setdefault((asset.key, b""), _declared(asset, "", file, line))
    made = {key for key, _ in found}
    for key in externals:
        if key not in made:
            found[key, b""] = Declared(key=key, external=True)
    return tuple(found[each] for each in sorted(found))


def _declared(asset: Asset, by: str, file: str, line: int) -> Declared:
    inputs = tuple(dict.fromkeys(each.asset for each in asset.upstream))
    return Declared(key=asset.key, inputs=inputs, columns=asset.columns, by=by, file=file, line=line)


def made_of(state: ProjectState) -> tuple[Declared, ...]:
    """What the project makes, as of a look at its files."""
    others = ((each.asset, each.file, each.line) for each in state.assets.values() if not each.external)
    externals = (key for key, each in state.assets.items() if each.external)
    return declared_by((each.ir for each in state.pipelines.values()), others, externals)


async def columns_of(store: Store, keys: Iterable[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The columns that tables had when they were last made."""
    standing = await store.assets.standings(list(dict.fromkeys(keys)))
    return {key: row.columns for key, row in sorted(standing.items()) if row.columns}


def asked(
    settings: Settings, declared: tuple[Declared, ...], known: dict[str, tuple[tuple[str, str], ...]]
) -> tuple[Question, str]:
    """The question, and the hash of all that its answer depends on."""
    paths = sorted({each.columns.manifest for each in declared if isinstance(each.columns, Compiled)})
    question = Question(
        project=str(settings.project),
        home=str(settings.home),
        assets=declared,
        known={**_headers(settings.project, declared), **known},
        manifests={path: _hash_of(settings.project / path) for path in paths},
        parser=_parser(),
    )
    return question, hashlib.sha256(msgspec.json.encode(question)).hexdigest()


def _headers(project: Path, declared: tuple[Declared, ...]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The columns of tables that dbt fills from CSV files: nobody else tells of them."""
    found = {}
    for each in declared:
        if isinstance(each.columns, Compiled) and each.file.endswith(".csv"):
            try:
                with open(project / each.file, newline="", encoding="utf-8-sig") as file:
                    header = next(csv.reader(file), [])
            except (OSError, UnicodeDecodeError, csv.Error):
                continue
            found[each.key] = tuple((name.strip(), "") for name in header)
    return found


def _parser() -> str:
    """Another one may find more."""
    try:
        return f"{toque.__version__} {metadata.version('sqlglot')}"
    except metadata.PackageNotFoundError:
        return toque.__version__


def _hash_of(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def read(home: Path) -> Kept | None:
    """The last answer; None when there is none, or it is damaged."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return None


def keep(home: Path, kept: Kept) -> None:
    """Replaces the file as a whole; one that cannot be written is computed again."""
    temporary = home / f"{FILE}.{os.getpid()}"
    try:
        temporary.write_bytes(msgspec.json.encode(kept))
        temporary.rename(home / FILE)
    except OSError:
        temporary.unlink(missing_ok=True)


async def _computed(question: Question) -> list[Step]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "toque.local.lineage_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        answer, said = await asyncio.wait_for(process.communicate(msgspec.json.encode(question)), PATIENCE_S)
    except TimeoutError:
        raise UserError(
            f"the SQL of this project could not be followed within {PATIENCE_S:.0f} seconds",
            fix="toque lineage does it in the terminal, for as long as it takes, and keeps the answer",
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ToqueBug(f"lineage could not be computed: {said.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(answer, type=list[Step])
