"""The manifest that dbt leaves of a project, as values: what `dbt build` runs, what it reads, what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any, Literal, TypeAlias

import msgspec

from toque.errors import UserError

Kind: TypeAlias = Literal["model", "seed", "snapshot", "test", "unit_test", "function"]
RELATIONS: frozenset[Kind] = frozenset({"model", "seed", "snapshot"})
"""Kinds that leave a table or view."""
_RUN: frozenset[str] = frozenset({"model", "seed", "snapshot", "test", "unit_test", "function"})
_READ_SCHEMAS = range(10, 13)
"""Versions of the manifest's schema whose fields have been looked at: dbt 1.6 to 1.11."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column as the project declares it."""

    name: str
    data_type: str = ""
    doc: str = ""
    meta: dict[str, Any] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that `dbt build` runs."""

    unique_id: str
    kind: Kind
    name: str
    """With its version: `customers_v2`."""
    schema: str
    alias: str
    """Of the relation."""
    file: str = ""
    """Where it is written, relative to the dbt project."""
    upstream: tuple[str, ...] = ()
    """Entries and sources that it reads; what is ephemeral is not run, and stands here with what it reads itself."""
    waits: tuple[str, ...] = ()
    """Entries that end before it begins: its upstream, the tests of that, its own unit tests."""
    tests: tuple[str, ...] = ()
    """Of a test: the entries and sources that it is about; what it is named after comes first."""
    is_attached: bool = False
    """Of a test: it is named at what comes first, not written as a query of its own."""
    severity: Literal["error", "warn"] = "error"
    materialized: str = ""
    checksum: str = ""
    doc: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    column: str = ""
    """Of a test of one column."""
    relation: str = ""
    """Quoted, as SQL names it."""

    @property
    def is_test(self) -> bool:
        """It leaves nothing, and says whether something holds."""
        return self.kind in ("test", "unit_test")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A table that the project reads and something else fills."""

    unique_id: str
    label: str
    """`<source>.<table>`, as models name it."""
    schema: str
    table: str
    doc: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Something outside of dbt that is made from its models: a dashboard, an application."""

    name: str
    doc: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A project as dbt understands it."""

    project: str
    adapter: str
    entries: dict[str, Entry]
    """By unique id, each after those that it waits for."""
    sources: dict[str, Source]
    exposures: tuple[Exposure, ...] = ()
    has_microbatches: bool = False

    def selected(self, ids: Iterable[str]) -> Manifest:
        """With these entries only. What lay between two of them still orders them, as it does for dbt."""
        kept = set(ids)
        waits: dict[str, dict[str, None]] = {}
        for name, each in self.entries.items():
            waits[name] = {}
            for other in each.waits:
                waits[name].update({other: None} if other in kept else waits[other])
        entries = {
            name: msgspec.structs.replace(each, waits=tuple(waits[name]))
            for name, each in self.entries.items()
            if name in kept
        }
        return msgspec.structs.replace(self, entries=entries)

    def tests_of(self, unique_id: str) -> tuple[Entry, ...]:
        """The tests that are about an entry or a source."""
        return tuple(each for each in self.entries.values() if each.is_test and unique_id in each.tests)


def read(document: bytes, *, file: str = "manifest.json") -> Manifest:
    """A `manifest.json`. Raises `UserError` for what is none, or of a dbt that nobody has looked at."""
    try:
        raw = msgspec.json.decode(document)
        version = int(str(raw["metadata"]["dbt_schema_version"]).rpartition("/v")[2].removesuffix(".json"))
        nodes, sources = dict(raw["nodes"]), raw["sources"]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"this is no manifest of dbt: {error}", file=file, fix="dbt parse makes one") from None
    if version not in _READ_SCHEMAS:
        known = f"{_READ_SCHEMAS[0]} to {_READ_SCHEMAS[-1]}"
        raise UserError(
            f"this manifest has schema {version}, and Toque reads {known}", file=file, fix="dbt-core 1.6 to 1.11"
        )
    nodes.update(raw.get("unit_tests", {}))
    nodes.update(raw.get("functions", {}))
    found = _Reader(nodes, raw.get("groups", {})).entries()
    return Manifest(
        project=str(raw["metadata"].get("project_name", "")),
        adapter=str(raw["metadata"].get("adapter_type") or ""),
        entries=_with_waits(found),
        sources={name: _source(each) for name, each in sorted(sources.items()) if _is_enabled(each)},
        exposures=tuple(_exposure(each) for _, each in sorted(raw.get("exposures", {}).items()) if _is_enabled(each)),
        has_microbatches=any(
            each.get("config", {}).get("incremental_strategy") == "microbatch" for each in nodes.values()
        ),
    )


class _Reader:
    """Makes entries of the raw nodes."""

    def __init__(self, nodes: Mapping[str, Any], groups: Mapping[str, Any]) -> None:
        self._nodes = nodes
        self._owners = {each["name"]: _owner(each) for each in groups.values()}

    def entries(self) -> dict[str, Entry]:
        """All that a build runs, by unique id."""
        run = (name for name in sorted(self._nodes) if self._is_run(name))
        return {name: self._entry(name, self._nodes[name]) for name in run}

    def _is_run(self, name: str) -> bool:
        node = self._nodes[name]
        return node["resource_type"] in _RUN and _is_enabled(node) and not _is_ephemeral(node)

    def _entry(self, name: str, node: Mapping[str, Any]) -> Entry:
        config = node.get("config") or {}
        reads = tuple(dict.fromkeys(self._reads(name)))
        version = node.get("version")
        return Entry(
            unique_id=name,
            kind=node["resource_type"],
            name=f"{node['name']}_v{version}" if version is not None else node["name"],
            schema=node.get("schema") or "",
            alias=node.get("alias") or node["name"],
            file=str(node.get("original_file_path", "")),
            upstream=reads,
            tests=self._tested(node, reads),
            is_attached=node.get("attached_node") is not None,
            severity="warn" if str(config.get("severity", "error")).lower() == "warn" else "error",
            materialized=str(config.get("materialized") or ""),
            checksum=_checksum(node.get("checksum")),
            doc=node.get("description") or "",
            owner=self._owners.get(node.get("group"), "") or _owner(config.get("meta") or {}),
            tags=tuple(_texts(node.get("tags") or config.get("tags"))),
            columns=tuple(_columns(node.get("columns") or {})),
            column=node.get("column_name") or "",
            relation=node.get("relation_name") or "",
        )

    def _reads(self, name: str) -> Iterator[str]:
        for above in self._nodes[name].get("depends_on", {}).get("nodes", []):
            node = self._nodes.get(above)
            if node is not None and _is_ephemeral(node):
                yield from self._reads(above)
            elif node is None or self._is_run(above):
                yield above

    def _tested(self, node: Mapping[str, Any], reads: tuple[str, ...]) -> tuple[str, ...]:
        if node["resource_type"] not in ("test", "unit_test"):
            return ()
        first = node.get("attached_node")
        return (first, *(each for each in reads if each != first)) if first in reads else reads


def _with_waits(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Each entry with what it waits for, in an order in which dbt may run them.

    As dbt does it: an entry waits for each test that is about nothing but what lies above the entry. A test that is
    already waited for further up is not named again. A unit test runs before its model, on what that reads.
    """
    above: dict[str, set[str]] = {}
    waits: dict[str, dict[str, None]] = {}
    units: dict[str, list[str]] = {}
    tests: dict[str, list[str]] = {}
    for name, each in entries.items():
        if each.kind == "unit_test":
            units.setdefault(each.tests[0], []).append(name)
        elif each.kind == "test":
            for tested in each.tests:
                tests.setdefault(tested, []).append(name)
    made = {name: each for name, each in entries.items() if not each.is_test}
    edges = {name: [other for other in each.upstream if other in made] for name, each in made.items()}
    for name in TopologicalSorter(edges).static_order():
        above[name] = {*edges[name], *(other for parent in edges[name] for other in above[parent])}
        # Sources are above too: a test of one holds back what reads it.
        above[name] |= {other for other in made[name].upstream if other not in made}
        passed = {
            test
            for tested in above[name]
            for test in tests.get(tested, ())
            if above[name] >= set(entries[test].tests)
            and not any(above[parent] >= set(entries[test].tests) for parent in edges[name])
        }
        first = dict.fromkeys((*edges[name], *sorted(passed)))
        for unit in units.get(name, ()):
            waits[unit] = first
        waits[name] = first | dict.fromkeys(units.get(name, ()))
    for name, each in entries.items():
        if each.kind == "test":
            waits[name] = dict.fromkeys(other for other in each.upstream if other in made)
        waits.setdefault(name, {})
    order = TopologicalSorter(waits).static_order()
    return {name: msgspec.structs.replace(entries[name], waits=tuple(waits[name])) for name in order}


def _source(node: Mapping[str, Any]) -> Source:
    return Source(
        unique_id=node["unique_id"],
        label=f"{node['source_name']}.{node['name']}",
        schema=node.get("schema") or "",
        table=node.get("identifier") or node["name"],
        doc=node.get("description") or node.get("source_description") or "",
        tags=tuple(_texts(node.get("tags"))),
        owner=_owner((node.get("config") or {}).get("meta") or node.get("meta") or {}),
    )


def _exposure(node: Mapping[str, Any]) -> Exposure:
    return Exposure(
        name=node["name"],
        doc=node.get("description") or "",
        owner=_owner(node),
        tags=tuple(_texts(node.get("tags"))),
        upstream=tuple(node.get("depends_on", {}).get("nodes", [])),
    )


def _columns(columns: Mapping[str, Any]) -> Iterator[Column]:
    for name, each in columns.items():
        meta = each.get("meta") or (each.get("config") or {}).get("meta") or {}
        yield Column(name=name, data_type=each.get("data_type") or "", doc=each.get("description") or "", meta=meta)


def _owner(told: Mapping[str, Any]) -> str:
    """An owner is a text, or has a name or an address."""
    owner = told.get("owner") or ""
    return str(owner.get("name") or owner.get("email") or "") if isinstance(owner, Mapping) else str(owner)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or ()]


def _checksum(value: Any) -> str:
    text = value.get("checksum") if isinstance(value, Mapping) else value
    return str(text or "")[:16]


def _is_enabled(node: Mapping[str, Any]) -> bool:
    return bool((node.get("config") or {}).get("enabled", True))


def _is_ephemeral(node: Mapping[str, Any]) -> bool:
    return bool((node.get("config") or {}).get("materialized") == "ephemeral")
