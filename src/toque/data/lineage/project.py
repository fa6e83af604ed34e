"""The steps of a whole project, from what its assets say of their columns and from the columns that tables have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from toque.data.lineage import dbt
from toque.data.lineage.catalog import Catalog
from toque.data.lineage.sql import Cache, lineage_of
from toque.data.lineage.steps import ColumnLineage, ColumnSource, Step
from toque.data.loads.drift import OWN_PREFIX
from toque.errors import UserError
from toque.graph.lineage import AnyColumnOrigins, Compiled, Copied, Mapped, Queried, Stated

Columns = Mapping[str, Sequence[tuple[str, str]]]
"""Names and types, by table."""
Manifests = Callable[[str], Mapping[str, Any]]
"""The manifest of this path. Raises `OSError` or `ValueError` where there is none that can be read."""

_NEVER_MADE = "its columns are known once it was loaded"
_NOT_SAID = "its function does not say what its columns are made of"


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """An asset, as far as lineage is concerned."""

    key: str
    inputs: tuple[str, ...] = ()
    columns: AnyColumnOrigins | None = None
    by: str = ""
    """The task that makes it."""
    file: str = ""
    line: int = 0
    external: bool = False
    """Something else makes it: only its name is known."""


def project_steps(
    assets: Sequence[Declared], known: Columns, manifests: Manifests, cache: Cache | None = None
) -> list[Step]:
    """A step for each asset that the project makes. `known`: the columns that tables had when they were last made.

    What nobody says is a step with a `problem`: counted, and never guessed.
    """
    return list(_Steps(known, manifests, cache, assets).of(_in_order(assets)))


class _Steps:
    """Walks the assets once; each step adds the columns of its table for those after it."""

    def __init__(self, known: Columns, manifests: Manifests, cache: Cache | None, assets: Sequence[Declared]) -> None:
        self._assets = assets
        self._catalog = Catalog(
            {table: dict(columns) for table, columns in known.items() if columns},
            named=sorted({name for each in assets for name in (each.key, *each.inputs)}),
        )
        self._manifests = manifests
        self._cache = cache
        self._read: set[str] = set()

    def of(self, assets: Sequence[Declared]) -> Iterator[Step]:
        for asset in assets:
            for step in self._steps(asset):
                yield step
                if step.columns and not step.unknown:
                    self._catalog = self._catalog.with_table(step.target, [each.name for each in step.columns])

    def _steps(self, asset: Declared) -> Iterator[Step]:
        if asset.external:
            return
        match asset.columns:
            case None:
                yield self._made(asset, Step(target=asset.key, inputs=asset.inputs, via="python", problem=_NOT_SAID))
            case Copied() as copied:
                yield self._made(asset, self._copied(asset.key, copied))
            case Mapped(source=source, fields=fields, into=into):
                made = tuple(ColumnLineage(field, (ColumnSource(source, name),)) for name, field in fields.items())
                yield self._made(asset, Step(target=into or asset.key, inputs=(source,), columns=made, via="sync"))
            case Stated(columns=columns):
                yield self._made(asset, _stated(asset, columns))
            case Queried(sql=sql, dialect=dialect):
                yield from self._queried(asset, sql, dialect)
            case Compiled(manifest=manifest):
                if manifest not in self._read:
                    self._read.add(manifest)
                    yield from self._compiled(manifest, asset)

    def _copied(self, key: str, copied: Copied) -> Step:
        table, source = self._catalog.columns(key), self._catalog.columns(copied.source)
        own = [name for name in table or () if name.startswith(OWN_PREFIX) or name in copied.own]
        names = [name for name in table or source or () if name not in own]
        if not names:
            return Step(target=key, inputs=(copied.source,), via="load", problem=_NEVER_MADE)
        columns = [ColumnLineage(name, (ColumnSource(copied.source, name),)) for name in names]
        columns += [ColumnLineage(name, expression="the load itself") for name in own]
        return Step(target=key, inputs=(copied.source,), columns=tuple(columns), via="load")

    def _queried(self, asset: Declared, sql: str, dialect: str) -> Iterator[Step]:
        try:
            steps = lineage_of(sql, self._seen_from(asset.key), dialect=dialect, target=asset.key, cache=self._cache)
        except UserError as error:
            steps = (Step(target=asset.key, inputs=asset.inputs, problem=_told(error)),)
        yield from (self._made(asset, step) for step in steps)

    def _compiled(self, manifest: str, asset: Declared) -> Iterator[Step]:
        """The steps of all models of a manifest, each told of where its asset is: the first one of them asks."""
        ours = {
            each.columns.node: each
            for each in self._assets
            if isinstance(each.columns, Compiled) and each.columns.manifest == manifest
        }
        keys = {node: each.key for node, each in ours.items()}
        by_key = {each.key: each for each in ours.values()}
        connection, catalog = asset.key.partition(".")[0], self._seen_from(asset.key)
        try:
            read = self._manifests(manifest)
            steps = dbt.steps_of(read, catalog, connection=connection, keys=keys, cache=self._cache)
        except (OSError, ValueError, UserError) as error:
            why = _told(error) if isinstance(error, UserError) else f"{manifest} cannot be read: {error}"
            steps = [Step(target=each.key, inputs=each.inputs, via="dbt", problem=why) for each in ours.values()]
        for step in steps:
            told = by_key.get(step.target)
            where = {"file": told.file, "line": told.line} if told is not None and told.file else {}
            yield msgspec.structs.replace(step, **where)

    def _seen_from(self, key: str) -> Catalog:
        return self._catalog.under(key.partition(".")[0] if "." in key else "")

    def _made(self, asset: Declared, step: Step) -> Step:
        return msgspec.structs.replace(step, by=step.by or asset.by, file=asset.file, line=asset.line)


def _told(error: UserError) -> str:
    return f"{error.message} {error.fix}".strip()


def _stated(asset: Declared, columns: Mapping[str, Sequence[str]]) -> Step:
    found = []
    for name, sources in columns.items():
        pairs = [source.rpartition(".") for source in sources]
        how = tuple(ColumnSource(table, column, "transformation") for table, _, column in pairs)
        found.append(ColumnLineage(name, how))
    inputs = dict.fromkeys([*asset.inputs, *(each.table for column in found for each in column.sources)])
    return Step(target=asset.key, inputs=tuple(inputs), columns=tuple(found), via="python")


def _in_order(assets: Sequence[Declared]) -> list[Declared]:
    """Each after those that it is made of, but for syncs, which are last: what they write may be loaded again."""
    made: dict[str, list[Declared]] = {}
    for each in assets:
        if not isinstance(each.columns, Mapped):
            made.setdefault(each.key, []).append(each)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key, several in made.items():
        sorter.add(key, *(above for each in several for above in each.inputs if above in made and above != key))
    try:
        keys = list(sorter.static_order())
    except CycleError:
        keys = list(made)
    return [each for key in keys for each in made[key]] + [each for each in assets if isinstance(each.columns, Mapped)]
