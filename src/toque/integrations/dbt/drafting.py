"""The nodes of a dbt project in the graph of a pipeline: the host that runs dbt, and a member for each entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from toque.authoring import ordering, wiring
from toque.authoring.hosting import add_hosted
from toque.authoring.moves import PATIENT
from toque.authoring.options import task_policy
from toque.authoring.trace import Draft, Trace
from toque.graph import assets as ir
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, Inject, Meta, PoolClaim
from toque.integrations.dbt import kept
from toque.integrations.dbt.build import Build, Member

if TYPE_CHECKING:
    from toque.integrations.dbt.project import DbtProject

CODE: Final = CodeRef(module="toque.integrations.dbt.node", qualname="run")


class Drafts:
    """The drafts of one part of a project, in the current frame of a trace."""

    def __init__(self, trace: Trace, project: DbtProject, chosen: Iterable[str]) -> None:
        self._trace = trace
        self._project = project
        self._reading = project.reading
        self._entries = self._reading.manifest.selected(chosen).entries
        self._members: dict[str, Draft] = {}
        """By unique id."""

    def add(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """The host and its members; returns the nodes that nothing here waits for. `given`: arguments of the host."""
        trace, project = self._trace, self._project
        if not self._entries:
            raise project.site.error(f"{project.dbt.path} has nothing to build.", fix="dbt ls shows what it selects")
        for asset in self._reading.known():
            trace.assets.setdefault(asset.key, asset)
        name = f"build_{project.part + 1}" if project.part else "build"
        host = trace.open("task", name, project.site, self._meta())
        host.rule = "all_done"
        self._members = {name: self._member(name) for name in self._entries}
        self._wire(dict(project.made()))
        self._fill(host, given)
        add_hosted(trace, host, list(self._members.values()))
        awaited = {source for draft in self._members.values() for source in draft.edges}
        return tuple(draft.id for draft in self._members.values() if draft.id not in awaited)

    def _wire(self, made: Mapping[str, ir.Asset]) -> None:
        reading = self._reading
        for name, draft in self._members.items():
            entry = reading.manifest.entries[name]
            for other in entry.waits:
                self._wait(draft, other)
            if name in made:
                ordering.make(self._trace, draft, (made[name],))
            elif entry.kind == "test":  # a unit test runs before there is anything of its model to read
                keys = (reading.keys[tested] for tested in entry.tests if tested in reading.keys)
                ordering.read(self._trace, draft, (ir.Asset(key=key) for key in keys))
        for name in self._members:
            if name in made:
                self._trace.vouchers[made[name].key] = self._vouching(name)

    def _wait(self, draft: Draft, other: str) -> None:
        """For an entry of this part, of an earlier one, or of what was not chosen: for what that waits for."""
        trace = self._trace
        if other in self._members:
            draft.edge(self._members[other].id, "order")
            return
        node = trace.frame.prefix + self._reading.nodes[other]
        if node in trace.drafts:
            trace.connect(draft, node, "order")
            return
        for above in self._reading.manifest.entries[other].waits:
            self._wait(draft, above)

    def _vouching(self, name: str) -> tuple[str, ...]:
        """The tests that must hold before something outside of dbt reads an entry: those that it is the first in, and
        those that are queries of their own."""
        return tuple(
            self._members[test.unique_id].id
            for test in self._reading.manifest.tests_of(name)
            if test.unique_id in self._members
            and test.kind == "test"
            and test.severity == "error"
            and (test.tests[0] == name or not test.is_attached)
        )

    def _member(self, name: str) -> Draft:
        entry, project = self._reading.manifest.entries[name], self._project
        meta = Meta(doc=entry.doc, owner=entry.owner or project.settings.get("owner", ""), tags=entry.tags)
        draft = self._trace.open("task", self._reading.nodes[name], project.site, meta)
        draft.site = self._reading.place(entry)
        docs = kept.slug(project.dbt.path) if project.dbt.docs else ""
        told = {"dbt": name, "kind": entry.kind, "materialized": entry.materialized, "docs": docs}
        draft.fields = {
            "code": msgspec.structs.replace(CODE, source_hash=entry.checksum),
            "kwargs": {key: Const(value=value) for key, value in told.items() if value},
        }
        return draft

    def _fill(self, host: Draft, given: Mapping[str, Any]) -> None:
        project, keys = self._project, self._reading.keys
        build = Build(
            settings=project.dbt,
            members=tuple(Member(name, draft.id, keys.get(name, "")) for name, draft in self._members.items()),
            is_cut=project.cut is not None,
        )
        passed = {
            name: wiring.expression(self._trace, host, value) for name, value in given.items() if value is not None
        }
        pool = PoolClaim(pool=f"connection:{project.dbt.connection}")
        host.fields = {
            "code": CODE,
            "kwargs": {"build": Const(value=constants.encode(msgspec.to_builtins(build))), **passed},
            "inject": {"connection": Inject(kind="connection", name=project.dbt.connection)},
            "policy": task_policy({"retries": PATIENT, **project.settings}, pools=(pool,)),
        }

    def _meta(self) -> Meta:
        settings = self._project.settings
        doc = settings.get("doc") or f"dbt builds {self._project.dbt.path}."
        return Meta(doc=doc, owner=settings.get("owner", ""), tags=tuple(settings.get("tags", ())))
