"""A project of dbt as the loader sees it: read once, when somebody asks what it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from toque import settings as settings_of
from toque.authoring.sites import Site
from toque.errors import UserError
from toque.graph.assets import Asset, AssetDependency
from toque.graph.lineage import Compiled
from toque.graph.partitions import AnyPartitioning
from toque.integrations.dbt import kept, parsing
from toque.integrations.dbt.build import Settings
from toque.integrations.dbt.manifest import RELATIONS, Entry, Manifest
from toque.integrations.dbt.profiles import Profile, profile_of
from toque.worker.code import BUNDLE_MANIFEST

_NAME = re.compile(r"\W+")


class Reading:
    """What a project comes to. Asking it may start dbt."""

    def __init__(self, settings: Settings, site: Site, links: Mapping[str, str]) -> None:
        self.settings = settings
        self.site = site
        self._links = dict(links)
        """Keys of assets by `<source>.<table>`, where the author says them."""

    @cached_property
    def root(self) -> Path:
        """Of the project that the author's file is in: a snapshot, or where people work."""
        file = Path(self.site.file)
        for directory in file.parents if file.is_absolute() else ():
            if (directory / BUNDLE_MANIFEST).exists():
                return directory
        return settings_of.find_project(file if file.is_absolute() else Path.cwd())

    @cached_property
    def manifest(self) -> Manifest:
        """Raises `UserError`, about a file of the dbt project or the author's line."""
        try:
            return self._parsed().manifest
        except UserError as error:
            if error.file:
                raise
            raise self.site.error(error.message, fix=error.fix) from None

    @cached_property
    def nodes(self) -> dict[str, str]:
        """A name for each entry, by unique id: its own, with more of what it is where two have one."""
        names: dict[str, str] = {}
        taken: dict[str, str] = {}
        for unique_id, entry in sorted(self.manifest.entries.items(), key=lambda each: (each[1].is_test, each[0])):
            name = _plain(entry.name)
            if name in taken or name == "build":
                name = _plain(f"{entry.kind}_{entry.name}")
            if name in taken:
                name = _plain(unique_id)
            taken[name] = names[unique_id] = name
        return names

    @cached_property
    def keys(self) -> dict[str, str]:
        """The assets of entries and sources; of a test, the one that it is about first."""
        connection, manifest = self.settings.connection, self.manifest
        found = {
            name: self._links.get(each.label, _key(connection, each.schema, each.table))
            for name, each in manifest.sources.items()
        }
        unknown = sorted(set(self._links) - {each.label for each in manifest.sources.values()})
        if unknown:
            known = ", ".join(sorted(each.label for each in manifest.sources.values())) or "none"
            raise self.site.error(f"{self.settings.path} declares no source {unknown[0]}.", fix=f"it declares: {known}")
        for name, entry in manifest.entries.items():
            if entry.kind in RELATIONS:
                found[name] = _key(connection, entry.schema, entry.alias)
        for name, entry in manifest.entries.items():
            tested = next((found[other] for other in entry.tests if other in found), "")
            if tested:
                found[name] = tested
        return found

    def made(self, cut: AnyPartitioning | None, group: str, owner: str) -> Iterator[tuple[str, Asset]]:
        """The assets that entries make, by unique id."""
        origin = self.settings.manifest or f".toque/dbt/{kept.slug(self.settings.path)}.json"
        for name, entry in self.manifest.entries.items():
            if entry.kind not in RELATIONS:
                continue
            above = dict.fromkeys(self.keys[other] for other in entry.upstream if other in self.keys)
            yield (
                name,
                Asset(
                    key=self.keys[name],
                    upstream=tuple(AssetDependency(asset=key) for key in above),
                    partitions=cut,
                    io=f"dbt, {entry.materialized or entry.kind}",
                    code_version=entry.checksum,
                    group=group or entry.schema,
                    doc=entry.doc,
                    owner=entry.owner or owner,
                    tags=entry.tags,
                    columns=Compiled(manifest=origin, node=name),
                ),
            )

    def known(self) -> Iterator[Asset]:
        """What something else fills, and what something else makes of it: sources and exposures."""
        for name, source in self.manifest.sources.items():
            yield Asset(
                key=self.keys[name], group=source.schema, doc=source.doc, owner=source.owner, tags=source.tags, io="dbt"
            )
        for each in self.manifest.exposures:
            above = (self.keys[other] for other in each.upstream if other in self.keys)
            yield Asset(
                key=f"{_plain(self.manifest.project or 'dbt')}.{_plain(each.name)}",
                upstream=tuple(AssetDependency(asset=key) for key in dict.fromkeys(above)),
                doc=each.doc,
                owner=each.owner,
                tags=each.tags,
                io="dbt, exposure",
            )

    def place(self, entry: Entry) -> Site:
        """Where an entry is written."""
        return Site(str(self.root / self.settings.path / entry.file), 1) if entry.file else self.site

    def _parsed(self) -> parsing.Parsed:
        settings, root = self.settings, self.root
        if settings.manifest:
            return parsing.given(root / settings.manifest, shown=settings.manifest)
        return parsing.parsed(
            root / settings.path, kept.home_of(root), self._profile(), settings.question(), shown=settings.path
        )

    def _profile(self) -> Profile | None:
        settings = self.settings
        if settings.profile:
            return None
        connection = settings_of.load(self.root).connection(settings.connection)
        return profile_of(
            connection,
            project=kept.project_of(self.root),
            schema=settings.schema,
            threads=settings.threads,
            reveal=False,
        )


def _key(connection: str, schema: str, table: str) -> str:
    return ".".join(_plain(part) for part in (connection, schema, table) if part)


def _plain(text: str) -> str:
    found = _NAME.sub("_", text).strip("_")
    return found if found and not found[0].isdigit() else f"_{found}"
