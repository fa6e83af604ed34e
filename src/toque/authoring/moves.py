"""Moves: what `load(…)` and `sync(…)` have in common: rows go from one place to another, and a table or object is made.

A move is one node. Its code is Toque's own, its arguments are constants, and its connections are supplied by the
worker: a profile binds them to what stands in `toque.toml`, and the graph stays the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Self, Unpack

import msgspec

from toque.authoring import calls, flow_calls, ordering, sites
from toque.authoring.automation import automation_of
from toque.authoring.endpoints import Endpoint
from toque.authoring.freshness import policies_of
from toque.authoring.option_types import MoveOptions, Retry
from toque.authoring.options import check_name, checked, task_policy
from toque.authoring.placeholders import Placeholder, Wired
from toque.authoring.producers import Node
from toque.authoring.references import place_of
from toque.authoring.supplies import Resource
from toque.authoring.tasks import checked_upstream, refuse_at_import
from toque.authoring.trace import current
from toque.authoring.wiring import Marker
from toque.graph import assets as ir
from toque.graph import constants
from toque.graph.checks import name_of, of_data
from toque.graph.expr import Const, Ref
from toque.graph.ir import CodeRef, Inject, Meta, PoolClaim, TaskNode
from toque.graph.lineage import AnyColumnOrigins

PATIENT = Retry(3, delay="10s", backoff=3, cap="5m", jitter=True, on="transient")
"""Unless its author says otherwise: what may heal by itself is tried again, and what is wrong with the data is not."""


class End:
    """One end of a move: an endpoint, a resource, or an own object that stands at the top level of a module."""

    def __init__(self, thing: object, role: str) -> None:
        self.connections: tuple[str, ...] = ()
        self.inject: Inject | None = None
        self.key = ""
        self.is_observed = getattr(thing, "is_observed", True)
        if isinstance(thing, Endpoint):
            self.key = thing.key
            self.constant: Any = thing.constant()
            self.inject = thing.connection.__toque_supply__()
            self.connections = (thing.connection.name,)
        elif isinstance(thing, Resource):
            marker: Marker = thing._marker()
            self.key = thing.name
            self.constant = {"key": self.key}
            self.inject = marker.inject
            self.connections = marker.connections
        else:
            place = place_of(
                thing, f"{thing!r} cannot be {role}: a worker finds it", "assign it to a name at the top level first"
            )
            self.key = str(getattr(thing, "name", "") or place.qualname)
            self.constant = {"key": self.key, "module": place.module, "qualname": place.qualname}


class Move(Node):
    """Rows from one place into another. `load` and `sync` make one."""

    kind: ClassVar[str]
    code: ClassVar[CodeRef]

    def __init__(
        self, name: str, ends: Mapping[str, End], constant: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> None:
        super().__init__(name, settings, sites.here(), sites.module_here())
        check_name(self.name, f"a {self.kind}")
        self.ends = dict(ends)
        """By argument of the node's code."""
        self.constant = dict(constant)

    def told(self) -> dict[str, Any]:
        """The constants that the code of its node is given."""
        return {**{name: end.constant for name, end in self.ends.items()}, **self.constant, "version": self.version}

    @property
    def version(self) -> str:
        """Of all that its author states: another one makes what was made before stale."""
        told = {**{name: end.constant for name, end in self.ends.items()}, **self.constant}
        return hashlib.sha256(msgspec.json.encode(constants.encode(told), order="deterministic")).hexdigest()[:16]

    def pools(self) -> tuple[PoolClaim, ...]:
        """A slot of each connection."""
        names = dict.fromkeys(name for end in self.ends.values() for name in end.connections)
        return tuple(PoolClaim(pool=f"connection:{name}") for name in names)

    def made(
        self, key: str, upstream: tuple[ir.AssetDependency, ...], io: str, columns: AnyColumnOrigins | None
    ) -> tuple[ir.Asset, ...]:
        """The one that it makes."""
        settings = self.settings
        asset = ir.Asset(
            key=key,
            upstream=upstream,
            io=io,
            code_version=self.version,
            group=settings.get("group", ""),
            doc=settings.get("doc", ""),
            owner=settings.get("owner", ""),
            tags=tuple(settings.get("tags", ())),
            checks=self._checked(),
            columns=columns,
            automation=automation_of(settings, key, upstream, self.site),
            **policies_of(settings),
        )
        return (asset,)

    def _checked(self) -> tuple[str, ...] | None:
        """Only a load has checks."""
        checks = self.constant.get("checks")
        return None if checks is None else tuple(map(name_of, of_data(checks)))

    def is_run_by(self, node: TaskNode) -> bool:
        """By all that its author states; by its name, too, if that was stated."""
        is_it = node.code == self.code and node.kwargs.get("version") == Const(value=self.version)
        return is_it and self.settings.get("name", "") in ("", node.id.rpartition("/")[2])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add its node: in the body of a pipeline only."""
        if args or kwargs:
            raise sites.refuse(f"{self.name} takes no arguments.", fix=f"{self.name}.after(…)() waits for others")
        trace = current()
        if trace is None:
            refuse_at_import(self.name)
            where = "a flow runs tasks" if flow_calls.in_flow() else "outside of a pipeline nothing runs it"
            raise sites.refuse(f"{self.name} is a {self.kind}, and {where}.", fix='pipeline("…", assets=[…]).run()')
        settings = self.settings
        meta = Meta(doc=settings.get("doc", ""), owner=settings.get("owner", ""), tags=tuple(settings.get("tags", ())))
        draft = trace.open("task", self.name, sites.here(), meta)
        draft.rule = settings.get("trigger_rule", "all_success")
        draft.fields = {
            "code": self.code,
            "kwargs": {name: Const(value=constants.encode(value)) for name, value in self.told().items()},
            "inject": {f"{name}_connection": end.inject for name, end in self.ends.items() if end.inject is not None},
            "policy": task_policy({"retries": PATIENT, **settings}, pools=self.pools()),
        }
        ordering.make(trace, draft, self.described())
        calls.wait_for(trace, draft, self.upstream)
        trace.close(draft)
        draft.site = self.site
        return Placeholder(Wired(trace, Ref(node=draft.id), self.name))

    def options(self, **options: Unpack[MoveOptions]) -> Self:
        """The same with other options, for the next call."""
        settings = {**self.settings, **checked("move", dict(options))}
        return self._changed(settings=settings)

    def after(self, *upstream: object) -> Self:
        """The same, after results that it is not passed."""
        return self._changed(upstream=(*self.upstream, *checked_upstream(self.name, upstream)))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"
